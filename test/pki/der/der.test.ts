import { describe, expect, it } from 'vitest'
import {
  type DerElement,
  DerError,
  DerReader,
  readBitString,
  readBoolean,
  readInteger,
  readOid,
  readSingle,
  readSmallInteger,
  TAG,
} from '../../../src/pki/der/der.ts'
import { bmpString, integer, namedBits, octetString, oid, sequence, setOf } from '../../../src/pki/der/der-writer.ts'

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex')
const elementOf = (text: string): DerElement => new DerReader(bytes(text)).next()

describe('DerReader refuses what DER forbids (X.690 §8.1, §10.1)', () => {
  it.each([
    ['nothing at all', ''],
    ['a tag alone', '30'],
    ['a length beyond the data', '30 02 00'],
    ['a long length beyond the data', '30 84 ff ff ff ff'],
    ['a truncated length', '30 82 01'],
    ['an indefinite length', '30 80 00 00'],
    ['a length of five octets', '30 85 00 00 00 00 01 00'],
    ['a long form for a short length', '04 81 01 00'],
    ['a long form with a leading zero', `04 82 00 80 ${'00'.repeat(128)}`],
    ['the reserved length octet', '30 ff 00'],
    ['a tag number above 30', '1f 81 01 00'],
  ])('%s', (_, text) => {
    expect(() => new DerReader(bytes(text)).next()).toThrow(DerError)
  })

  it('trailing data', () => {
    expect(() => readSingle(bytes('30 00 00'), TAG.sequence)).toThrow('trailing data')
    expect(readSingle(bytes('30 00'), TAG.sequence).content).toHaveLength(0)
  })

  it('an inner length that leaves its parent', () => {
    const inner = elementOf('30 03 04 02 aa 04 01 bb').reader()
    expect(() => inner.next()).toThrow('length exceeds the data')
  })

  it('another tag than the expected one, and consumes nothing for an optional one', () => {
    const reader = new DerReader(bytes('05 00 01 01 ff'))
    expect(reader.readOptional(TAG.boolean)).toBeUndefined()
    reader.read(TAG.null)
    expect(() => reader.read(TAG.integer)).toThrow(DerError)
    expect(() => reader.finish()).not.toThrow()
  })
})

describe('object identifiers (X.690 §8.19)', () => {
  it.each([
    ['2.5.4.3', '06 03 55 04 03'],
    ['1.2.840.113549.1.9.20', '06 09 2a 86 48 86 f7 0d 01 09 14'],
    ['0.9.2342.19200300.100.1.1', '06 0a 09 92 26 89 93 f2 2c 64 01 01'],
    ['2.999', '06 02 88 37'],
    ['2.16.840.1.101.3.4.1.42', '06 09 60 86 48 01 65 03 04 01 2a'],
  ])('%s both ways', (dotted, encoded) => {
    expect(readOid(elementOf(encoded))).toBe(dotted)
    expect(hex(oid(dotted))).toBe(encoded.replaceAll(' ', ''))
  })

  it('reads arcs of 128 bits', () => {
    expect(readOid(elementOf(`06 14 69 83 ${'ff'.repeat(17)} 7f`))).toBe('2.25.340282366920938463463374607431768211455')
  })

  it.each([
    ['empty', '06 00'],
    ['truncated', '06 02 55 84'],
    ['not minimal', '06 03 55 80 01'],
    ['longer than any', `06 41 ${'01'.repeat(65)}`],
    ['another type', '04 01 55'],
  ])('refuses one that is %s', (_, encoded) => {
    expect(() => readOid(elementOf(encoded))).toThrow(DerError)
  })
})

describe('primitive values', () => {
  it.each([
    ['a boolean of another value', () => readBoolean(elementOf('01 01 01'))],
    ['a boolean of two octets', () => readBoolean(elementOf('01 02 00 00'))],
    ['an empty boolean', () => readBoolean(elementOf('01 00'))],
    ['an empty integer', () => readInteger(elementOf('02 00'))],
    ['a padded integer', () => readInteger(elementOf('02 02 00 7f'))],
    ['a padded negative integer', () => readInteger(elementOf('02 02 ff 80'))],
    ['a negative small integer', () => readSmallInteger(elementOf('02 01 ff'))],
    ['a small integer of five octets', () => readSmallInteger(elementOf('02 05 01 00 00 00 00'))],
    ['a bit string without its first octet', () => readBitString(elementOf('03 00'))],
    ['a bit string with 8 unused bits', () => readBitString(elementOf('03 02 08 00'))],
    ['an empty bit string with unused bits', () => readBitString(elementOf('03 01 01'))],
  ])('refuses %s', (_, read) => {
    expect(read).toThrow(DerError)
  })

  it.each([
    [0, '020100'],
    [127, '02017f'],
    [128, '02020080'],
    [10_000, '02022710'],
    [600_000, '02030927c0'],
  ])('integer %d both ways', (value, encoded) => {
    expect(hex(integer(value))).toBe(encoded)
    expect(readSmallInteger(elementOf(encoded))).toBe(value)
  })

  it('writes unsigned octets as a positive integer', () => {
    expect(hex(integer(bytes('00 80')))).toBe('02020080')
    expect(hex(integer(bytes('7f')))).toBe('02017f')
  })

  it('writes long lengths in the shortest form', () => {
    expect(hex(octetString(new Uint8Array(127)).subarray(0, 3))).toBe('047f00')
    expect(hex(octetString(new Uint8Array(128)).subarray(0, 3))).toBe('048180')
    expect(hex(octetString(new Uint8Array(65_536)).subarray(0, 5))).toBe('0483010000')
  })

  it('writes named bits without trailing zeros (§11.2.2)', () => {
    expect(hex(namedBits([0]))).toBe('03020780')
    expect(hex(namedBits([5, 6]))).toBe('03020106')
    expect(hex(namedBits([8]))).toBe('0303070080')
  })

  it('sorts a SET OF (§11.6)', () => {
    expect(hex(setOf(integer(2), sequence(), integer(1)))).toBe('3108020101020102' + '3000')
  })

  it('writes a BMPString big-endian', () => {
    expect(hex(bmpString('aé'))).toBe('1e04006100e9')
  })
})
