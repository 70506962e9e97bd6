import { describe, expect, it } from 'vitest'
import { derFromBer } from '../../../src/pki/der/ber.ts'
import { DerReader } from '../../../src/pki/der/der.ts'
import { integer, octetString, sequence } from '../../../src/pki/der/der-writer.ts'
import { toBer } from '../mutations.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('derFromBer (X.690 §8, §10)', () => {
  it.each([
    ['DER as it is', '30 03 02 01 05', '30 03 02 01 05'],
    ['an indefinite length', '30 80 02 01 05 00 00', '30 03 02 01 05'],
    ['one inside another', '30 80 30 80 05 00 00 00 00 00', '30 04 30 02 05 00'],
    ['an octet string in pieces', '24 80 04 01 61 04 02 62 63 00 00', '04 03 61 62 63'],
    ['pieces of known length', '24 06 04 01 61 04 01 62', '04 02 61 62'],
    ['pieces of pieces', '24 80 24 80 04 01 61 00 00 04 01 62 00 00', '04 02 61 62'],
    ['a length longer than needed', '30 82 00 03 02 01 05', '30 03 02 01 05'],
    ['octets that look like elements inside a string', '04 04 30 80 00 00', '04 04 30 80 00 00'],
  ])('%s', (_, ber, der) => {
    expect(Buffer.from(derFromBer(hex(ber))).toString('hex')).toBe(hex(der).toString('hex'))
  })

  it.each([
    ['nothing', ''],
    ['half an element', '30'],
    ['an end that never comes', '30 80 02 01 05'],
    ['half an end', '30 80 02 01 05 00'],
    ['more than there is', '30 05 02 01 05'],
    ['a child longer than its parent', '30 03 02 05 05 00 00 00 00'],
    ['trailing octets', '30 00 00'],
    ['an indefinite primitive', '04 80 00 00'],
    ['a length of five octets', '30 85 00 00 00 00 00'],
    ['a tag above 30', '1f 81 00 00'],
  ])('refuses %s', (_, ber) => {
    expect(() => derFromBer(hex(ber))).toThrow(expect.objectContaining({ name: 'DerError' }))
  })

  it('refuses deep nesting before the stack ends', () => {
    expect(() => derFromBer(Buffer.alloc(1_000_000, hex('30 80')))).toThrow('nested too deeply')
  })

  it('undoes what the helper of these tests does', () => {
    const der = sequence(integer(1), sequence(octetString(Buffer.alloc(40, 7))))
    const ber = toBer(new DerReader(der).next())
    expect(ber).not.toEqual(Buffer.from(der))
    expect(Buffer.from(derFromBer(ber))).toEqual(Buffer.from(der))
  })
})
