import { Memo } from '../../memo.ts'
import { contextTag, TAG } from './der.ts'

const encodeText = new TextEncoder()

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length]
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return [0x80 | octets.length, ...octets]
}

/** One DER element with this identifier octet whose value is the parts, one after the other. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const header = [tag, ...lengthOctets(length)]
  const out = new Uint8Array(header.length + length)
  out.set(header)
  let at = header.length
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** SEQUENCE and SEQUENCE OF. */
export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return element(TAG.sequence, ...parts)
}

/** SET OF, with its elements in the order that DER demands (X.690 §11.6). */
export function setOf(...parts: readonly Uint8Array[]): Uint8Array {
  return element(TAG.set, ...parts.toSorted((a, b) => Buffer.compare(a, b)))
}

/** INTEGER from a small non-negative number or from unsigned big-endian octets. */
export function integer(value: number | Uint8Array): Uint8Array {
  const octets = typeof value === 'number' ? Buffer.from(value.toString(16).padStart(8, '0'), 'hex') : value
  const start = octets.findIndex((octet) => octet !== 0)
  const minimal = start === -1 ? Uint8Array.of(0) : octets.subarray(start)
  const sign = (minimal[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : new Uint8Array()
  return element(TAG.integer, sign, minimal)
}

/** The same few again and again. */
const known = new Memo<Uint8Array>(200)

/** OBJECT IDENTIFIER from its dotted form; arcs must fit 31 bits, as all of ours do. Not to be changed. */
export function oid(dotted: string): Uint8Array {
  return known.get(dotted) ?? known.keep(dotted, encodeOid(dotted))
}

function encodeOid(dotted: string): Uint8Array {
  const [root = 0, second = 0, ...arcs] = dotted.split('.').map(Number)
  const octets = [root * 40 + second, ...arcs].flatMap((arc) => {
    const group = [arc & 0x7f]
    for (let rest = arc >>> 7; rest > 0; rest >>>= 7) group.unshift(0x80 | (rest & 0x7f))
    return group
  })
  return element(TAG.oid, Uint8Array.from(octets))
}

export function octetString(octets: Uint8Array): Uint8Array {
  return element(TAG.octetString, octets)
}

/** BOOLEAN TRUE; FALSE is always a default and so never written in DER (X.690 §11.5). */
export function booleanTrue(): Uint8Array {
  return element(TAG.boolean, Uint8Array.of(0xff))
}

export function nullValue(): Uint8Array {
  return element(TAG.null)
}

/** BIT STRING of named bits, bit 0 first, without trailing zero bits (X.690 §11.2.2). */
export function namedBits(bits: readonly number[]): Uint8Array {
  const highest = Math.max(...bits)
  const octets = new Uint8Array(Math.floor(highest / 8) + 1)
  for (const bit of bits) octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  return element(TAG.bitString, Uint8Array.of(7 - (highest & 7)), octets)
}

export function utf8String(text: string): Uint8Array {
  return element(TAG.utf8String, encodeText.encode(text))
}

/** IA5String; the caller has made sure that the text is ASCII. */
export function ia5String(text: string): Uint8Array {
  return element(TAG.ia5String, encodeText.encode(text))
}

function timeDigits(date: Date): string {
  return date.toISOString().replace(/[-:T]|\.\d+/g, '')
}

/** Whole seconds as GeneralizedTime, as OCSP writes all of its times (RFC 6960 §4.2.1). */
export function generalizedTime(date: Date): Uint8Array {
  return element(TAG.generalizedTime, encodeText.encode(timeDigits(date)))
}

/** Whole seconds as UTCTime, from 2050 on (and before 1950) as GeneralizedTime (RFC 5280 §4.1.2.5). */
export function time(date: Date): Uint8Array {
  const year = date.getUTCFullYear()
  const short = year >= 1950 && year < 2050
  return short ? element(TAG.utcTime, encodeText.encode(timeDigits(date).slice(2))) : generalizedTime(date)
}

/** UTF-16 big-endian octets, as BMPString and PKCS #12 passwords use them. */
export function bmpOctets(text: string): Uint8Array {
  return Buffer.from(text, 'utf16le').swap16()
}

export function bmpString(text: string): Uint8Array {
  return element(TAG.bmpString, bmpOctets(text))
}

/** `[number] EXPLICIT`, or `[number] IMPLICIT` of a constructed type given by its parts. */
export function context(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return element(contextTag(number, 'constructed'), ...parts)
}

/** `[number] IMPLICIT` of a primitive type. */
export function contextPrimitive(number: number, octets: Uint8Array): Uint8Array {
  return element(contextTag(number, 'primitive'), octets)
}
