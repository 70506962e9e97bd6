import { describe, expect, it } from 'vitest'
import { compareSerials, parseSerialNumber, serialOctets } from '../../../src/pki/x509/serial-number.ts'

/** Every length of two's complement around its borders (X.690 §8.3). */
const ENCODED: readonly (readonly [serial: string, octets: string])[] = [
  ['00', '00'],
  ['7f', '7f'],
  ['80', '0080'],
  ['0100', '0100'],
  ['-01', 'ff'],
  ['-80', '80'],
  ['-81', 'ff7f'],
  ['-8000', '8000'],
  ['-80aa', 'ff7f56'],
  [`-${'ff'.repeat(20)}`, `ff${'00'.repeat(19)}01`],
  ['ff'.repeat(64), `00${'ff'.repeat(64)}`],
]

describe('serialOctets (X.690 §8.3)', () => {
  it.each(ENCODED)('%s', (serial, octets) => expect(Buffer.from(serialOctets(serial)).toString('hex')).toBe(octets))

  it.each(['', '-', 'xyz', '0x1', '--1'])('refuses %j', (text) => {
    expect(() => serialOctets(text)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  })
})

describe('parseSerialNumber', () => {
  it.each([
    ['2B3C', '2b3c'],
    ['0x0b3c', '0b3c'],
    ['00:fb:3c', 'fb3c'],
    ['-05', '-05'],
    [' (Negative)80:aa:10 ', '-80aa10'],
    ['-0x0005', '-05'],
    ['-00', '00'],
  ])('%s', (text, serial) => expect(parseSerialNumber(text)).toBe(serial))

  it.each(['', '-', '0x', '-0x', 'g1', '5-', '(negative)'])('does not know %j', (text) => {
    expect(parseSerialNumber(text)).toBeUndefined()
  })
})

describe('compareSerials', () => {
  it('goes by value', () => {
    const sorted = ['-0100', '-81', '-80', '-01', '00', '01', '0080', '81', '0100', 'ff00']
    expect(sorted.toReversed().toSorted(compareSerials)).toEqual(sorted)
    expect(compareSerials('000a', '0a')).toBe(0)
  })
})
