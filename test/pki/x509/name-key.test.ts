import { describe, expect, it } from 'vitest'
import { readSingle, TAG } from '../../../src/pki/der/der.ts'
import { element, oid, sequence, setOf, utf8String } from '../../../src/pki/der/der-writer.ts'
import { OID } from '../../../src/pki/der/oids.ts'
import { nameKey } from '../../../src/pki/x509/name-key.ts'

const printable = (text: string) => element(TAG.printableString, Buffer.from(text, 'latin1'))
const bmp = (text: string) => element(TAG.bmpString, Buffer.from(text, 'utf16le').swap16())

type Attribute = readonly [type: string, value: Uint8Array]

function keyOf(...sets: readonly (readonly Attribute[])[]): string {
  const name = sequence(...sets.map((set) => setOf(...set.map(([type, value]) => sequence(oid(type), value)))))
  return nameKey(readSingle(name, TAG.sequence))
}

const cn = (value: Uint8Array): Attribute[] => [[OID.commonName, value]]
const org = (value: Uint8Array): Attribute[] => [[OID.organizationName, value]]

describe('names match whatever RFC 5280 §7.1 says does not count', () => {
  const name = keyOf(cn(utf8String('Example CA')))

  it.each([
    ['another string type', cn(printable('Example CA'))],
    ['UTF-16', cn(bmp('Example CA'))],
    ['another case', cn(utf8String('EXAMPLE ca'))],
    ['spaces at the ends', cn(utf8String('  Example CA '))],
    ['several spaces', cn(utf8String('Example   CA'))],
    ['full-width letters', cn(utf8String('Ｅxample CA'))],
  ])('%s', (_, other) => {
    expect(keyOf(other)).toBe(name)
  })

  it('the order within a set', () => {
    const [one, two] = [cn(utf8String('a')), org(utf8String('b'))]
    expect(keyOf([...one, ...two])).toBe(keyOf([...two, ...one]))
  })

  it.each([
    ['another text', [cn(utf8String('Example CA 2'))]],
    ['a space that is not there', [cn(utf8String('ExampleCA'))]],
    ['another attribute', [org(utf8String('Example CA'))]],
    ['one more', [cn(utf8String('Example CA')), org(utf8String('x'))]],
    ['none', []],
    ['what is not a string', [cn(element(TAG.octetString, Buffer.from('Example CA')))]],
    ['a quote that could end the text', [cn(utf8String('Example CA"]'))]],
  ])('but not %s', (_, other) => {
    expect(keyOf(...other)).not.toBe(name)
  })

  it('and the order of sets counts', () => {
    const [one, two] = [cn(utf8String('a')), org(utf8String('b'))]
    expect(keyOf(one, two)).not.toBe(keyOf(two, one))
    expect(keyOf(one, two)).not.toBe(keyOf([...one, ...two]))
  })
})
