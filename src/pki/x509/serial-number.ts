import { XmppkiError } from '../../errors.ts'

/** The hexadecimal digits of a number in whole octets, without zeros before them. */
function inOctets(digits: string): string {
  const significant = digits.toLowerCase().replace(/^0+(?=.)/, '')
  return significant.length % 2 === 0 ? significant : `0${significant}`
}

/**
 * A serial number as openssl, browsers and people write it: hexadecimal, with or without `0x`, colons and spaces; negative
 * ones with `-` or `(Negative)` before them. It may have more than the
 * 20 octets of RFC 5280 §4.1.2.2.
 * @returns as `serial` of `CertificateFacts`; undefined when it is something else
 */
export function parseSerialNumber(text: string): string | undefined {
  const written = /^(-|\(negative\))?(?:0x)?([0-9a-f]+)$/i.exec(text.replaceAll(/[:\s]/g, ''))
  if (written === null) return undefined
  const [, sign, digits = ''] = written
  const magnitude = inOctets(digits)
  return sign === undefined || magnitude === '00' ? magnitude : `-${magnitude}`
}

/**
 * Content of the INTEGER that the `serial` of `CertificateFacts` stands for, whatever CAs have given: also negative numbers
 * and those of more than 20 octets, which RFC 5280 §4.1.2.2 forbids them and demands of readers to take.
 * @returns two's complement in its shortest form
 * @throws XmppkiError BAD_INPUT when it is not a serial number
 */
export function serialOctets(serial: string): Uint8Array {
  const [, sign, digits = ''] = /^(-?)([0-9a-f]+)$/.exec(serial) ?? []
  if (sign === undefined) throw new XmppkiError('BAD_INPUT', `'${serial}' is not a serial number`)
  const octets = Buffer.from(inOctets(digits), 'hex')
  if (sign === '-') return negated(octets)
  // The first bit is that of the sign.
  return (octets[0] ?? 0) < 0x80 ? octets : Buffer.concat([Uint8Array.of(0), octets])
}

/** Two's complement in its shortest form (X.690 §8.3.2). @param magnitude without zeros before it */
function negated(magnitude: Uint8Array): Uint8Array {
  const value = BigInt(`0x${Buffer.from(magnitude).toString('hex')}`)
  if (value === 0n) return Uint8Array.of(0)
  const fits = value <= 1n << BigInt(magnitude.length * 8 - 1)
  const length = magnitude.length + (fits ? 0 : 1)
  const complement = (1n << BigInt(length * 8)) - value
  return Buffer.from(complement.toString(16).padStart(length * 2, '0'), 'hex')
}

/** By value; zeros before a number do not count. */
export function compareSerials(one: string, other: string): number {
  const isNegative = one.startsWith('-')
  if (isNegative !== other.startsWith('-')) return isNegative ? -1 : 1
  return isNegative ? compareDigits(other.slice(1), one.slice(1)) : compareDigits(one, other)
}

function compareDigits(one: string, other: string): number {
  const [a, b] = [significant(one), significant(other)]
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)
}

/** Long lists are sorted by this, and few numbers begin with zeros. */
function significant(digits: string): string {
  return digits.startsWith('0') ? digits.replace(/^0+/, '') : digits
}
