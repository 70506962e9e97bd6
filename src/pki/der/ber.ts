import { DerError, TAG } from './der.ts'
import { element } from './der-writer.ts'

const CONSTRUCTED = 0x20

/** X.690 §8.1.3.6: the length of an element that ends with two zero octets. */
const INDEFINITE = 0x80

/** Bundles have some 15 levels. */
const MAX_DEPTH = 40

interface Converted {
  readonly der: Uint8Array
  /** Value octets of `der`. */
  readonly content: Uint8Array
  /** Where the next element begins. */
  readonly next: number
}

/** Where the value begins and ends; without an end for the indefinite form. */
function readLength(bytes: Uint8Array, at: number): { start: number; end: number | undefined } {
  const first = bytes[at] ?? 0
  if (first === INDEFINITE) return { start: at + 1, end: undefined }
  if (first < INDEFINITE) return { start: at + 1, end: at + 1 + first }
  const count = first & 0x7f
  if (count > 4) throw new DerError('oversized length')
  const start = at + 1 + count
  const length = bytes.subarray(at + 1, start).reduce((value, octet) => value * 256 + octet, 0)
  return { start, end: start + length }
}

/** The elements from `start` to `end`, or to the end-of-contents octets. */
function convertList(bytes: Uint8Array, start: number, end: number | undefined, depth: number) {
  const children: Converted[] = []
  let at = start
  while (end === undefined ? bytes[at] !== 0 || bytes[at + 1] !== 0 : at < end) {
    const child = convert(bytes, at, depth)
    children.push(child)
    at = child.next
  }
  if (end !== undefined && at !== end) throw new DerError('length exceeds the data')
  return { children, next: end ?? at + 2 }
}

function convert(bytes: Uint8Array, at: number, depth: number): Converted {
  const tag = bytes[at]
  if (tag === undefined || at + 1 >= bytes.length) throw new DerError('truncated')
  if ((tag & 0x1f) === 0x1f) throw new DerError('tag number above 30')
  if (depth > MAX_DEPTH) throw new DerError('nested too deeply')
  const { start, end } = readLength(bytes, at + 1)
  if (end !== undefined && end > bytes.length) throw new DerError('length exceeds the data')
  if ((tag & CONSTRUCTED) === 0) {
    if (end === undefined) throw new DerError('indefinite length of a primitive')
    const content = bytes.subarray(start, end)
    return { der: element(tag, content), content, next: end }
  }
  const { children, next } = convertList(bytes, start, end, depth + 1)
  // X.690 §8.7.3: an octet string may come in pieces; DER has it whole (§10.2).
  const isString = tag === (TAG.octetString | CONSTRUCTED)
  const content = Buffer.concat(children.map((child) => (isString ? child.content : child.der)))
  return { der: element(isString ? TAG.octetString : tag, content), content, next }
}

/**
 * BER with indefinite lengths and octet strings in pieces, as NSS and older programs write PKCS #12, as DER.
 * Only for what is protected by other means than its own octets: signatures are over the octets as they were.
 * @throws DerError when it is not exactly one element
 */
export function derFromBer(bytes: Uint8Array): Uint8Array {
  const { der, next } = convert(bytes, 0, 0)
  if (next !== bytes.length) throw new DerError('trailing data')
  return der
}
