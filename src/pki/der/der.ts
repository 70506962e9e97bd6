import { Memo } from '../../memo.ts'

/** ASN.1 identifier octets (X.690 §8.1.2) that X.509 and PKCS use. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** Identifier octet of a context-specific tag below 31. */
export function contextTag(number: number, kind: 'primitive' | 'constructed'): number {
  return (kind === 'constructed' ? 0xa0 : 0x80) | number
}

/** Bytes that are not the DER (X.690 §10) that was expected; the only error this reader throws. */
export class DerError extends Error {
  override readonly name = 'DerError'
}

/** One tag-length-value: a window on the bytes it was read from, nothing is copied. */
export class DerElement {
  readonly tag: number
  readonly #bytes: Buffer
  readonly #start: number
  readonly #contentStart: number
  readonly #end: number

  constructor(bytes: Buffer, start: number, contentStart: number, end: number) {
    this.tag = bytes[start] ?? 0
    this.#bytes = bytes
    this.#start = start
    this.#contentStart = contentStart
    this.#end = end
  }

  /** Number of value octets. */
  get length(): number {
    return this.#end - this.#contentStart
  }

  /** The value octet at this place; undefined behind the last one. */
  at(index: number): number | undefined {
    const place = this.#contentStart + index
    return place < this.#end ? this.#bytes[place] : undefined
  }

  /** The value octets as characters of Latin-1, one each. */
  latin1(): string {
    return this.#bytes.toString('latin1', this.#contentStart, this.#end)
  }

  /** The value octets in lower-case hexadecimal. */
  hex(): string {
    return this.#bytes.toString('hex', this.#contentStart, this.#end)
  }

  /** The value octets. */
  get content(): Uint8Array {
    return this.#bytes.subarray(this.#contentStart, this.#end)
  }

  /** Identifier, length and value octets. */
  get raw(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end)
  }

  /** A reader over what this element contains. */
  reader(): DerReader {
    return new DerReader(this.#bytes, this.#contentStart, this.#end)
  }
}

/** Walks the elements of one level; refuses whatever DER forbids and never reads out of bounds. */
export class DerReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#at = start
    this.#end = end
  }

  get done(): boolean {
    return this.#at >= this.#end
  }

  #octet(): number {
    const octet = this.#at < this.#end ? this.#bytes[this.#at] : undefined
    if (octet === undefined) throw new DerError('truncated')
    this.#at += 1
    return octet
  }

  #length(): number {
    const first = this.#octet()
    if (first < 0x80) return first
    const count = first & 0x7f
    // X.690 §10.1: definite form only. More than 4 octets cannot be a length of bytes in memory.
    if (count === 0 || count > 4) throw new DerError('indefinite or oversized length')
    let length = 0
    for (let i = 0; i < count; i += 1) length = length * 256 + this.#octet()
    if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError('length is not minimal')
    return length
  }

  /** The next element, whatever it is. */
  next(): DerElement {
    const start = this.#at
    const tag = this.#octet()
    if ((tag & 0x1f) === 0x1f) throw new DerError('tag number above 30')
    const length = this.#length()
    const contentStart = this.#at
    const end = contentStart + length
    if (end > this.#end) throw new DerError('length exceeds the data')
    this.#at = end
    return new DerElement(this.#bytes, start, contentStart, end)
  }

  /** The next element, which must have this tag. */
  read(tag: number): DerElement {
    const element = this.next()
    if (element.tag !== tag) {
      throw new DerError(`tag ${element.tag.toString(16)} where ${tag.toString(16)} was expected`)
    }
    return element
  }

  /** The next element when it has this tag; otherwise undefined and nothing is consumed. */
  readOptional(tag: number): DerElement | undefined {
    return !this.done && this.#bytes[this.#at] === tag ? this.next() : undefined
  }

  /** Refuses anything left over at this level. */
  finish(): void {
    if (!this.done) throw new DerError('trailing data')
  }
}

/** The single element that `bytes` consist of, with this tag; trailing bytes are refused. */
export function readSingle(bytes: Uint8Array, tag: number): DerElement {
  const reader = new DerReader(bytes)
  const element = reader.read(tag)
  reader.finish()
  return element
}

/** More octets than any registered identifier has; keeps the arithmetic below bounded. */
const MAX_OID_OCTETS = 64

/** Dotted forms by the octets: all certificates have the same dozen. */
const knownOids = new Memo<string>(250)

/** Dotted form of an OBJECT IDENTIFIER (X.690 §8.19). */
export function readOid(element: DerElement): string {
  if (element.tag !== TAG.oid || element.length === 0 || element.length > MAX_OID_OCTETS) {
    throw new DerError('bad object identifier')
  }
  const key = element.latin1()
  return knownOids.get(key) ?? knownOids.keep(key, decodeOid(element.content))
}

function decodeOid(content: Uint8Array): string {
  const arcs: (number | bigint)[] = []
  let arc = 0
  let wide: bigint | undefined
  let first = true
  for (const octet of content) {
    if (first && octet === 0x80) throw new DerError('object identifier is not minimal')
    // Arcs made of UUIDs have 128 bits.
    if (wide === undefined && arc >= 2 ** 45) wide = BigInt(arc)
    if (wide === undefined) arc = arc * 128 + (octet & 0x7f)
    else wide = wide * 128n + BigInt(octet & 0x7f)
    first = octet < 0x80
    if (first) {
      arcs.push(wide ?? arc)
      arc = 0
      wide = undefined
    }
  }
  if (!first) throw new DerError('truncated object identifier')
  return splitFirstArc(arcs)
}

/** X.690 §8.19.4: the first two arcs share one number. */
function splitFirstArc([joint = 0, ...rest]: readonly (number | bigint)[]): string {
  const root = joint < 40 ? 0 : joint < 80 ? 1 : 2
  const second = typeof joint === 'bigint' ? joint - BigInt(root * 40) : joint - root * 40
  return [root, second, ...rest].join('.')
}

/** A BOOLEAN; DER knows only 00 and FF (X.690 §11.1). */
export function readBoolean(element: DerElement): boolean {
  const octet = element.at(0)
  const isWellFormed = element.tag === TAG.boolean && element.length === 1 && (octet === 0 || octet === 0xff)
  if (!isWellFormed) throw new DerError('bad boolean')
  return octet === 0xff
}

/** Refuses what is not an INTEGER in its shortest form (X.690 §8.3.2). */
export function checkInteger(element: DerElement): void {
  if (element.tag !== TAG.integer) throw new DerError('not an integer')
  const { length } = element
  const [first = 0, second = 0] = [element.at(0), element.at(1)]
  if (length === 0) throw new DerError('empty integer')
  if (length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw new DerError('integer is not minimal')
  }
}

/** Two's complement octets of an INTEGER, checked to be minimal (X.690 §8.3.2). */
export function readInteger(element: DerElement): Uint8Array {
  checkInteger(element)
  return element.content
}

/** A non-negative INTEGER small enough for a number. */
export function readSmallInteger(element: DerElement): number {
  const octets = readInteger(element)
  if (octets.length > 4 || (octets[0] ?? 0) >= 0x80) throw new DerError('integer out of range')
  return octets.reduce((value, octet) => value * 256 + octet, 0)
}

/** A BIT STRING: its octets and how many bits of the last one are unused (X.690 §8.6). */
export function readBitString(element: DerElement): {
  readonly unused: number
  readonly octets: Uint8Array
} {
  if (element.tag !== TAG.bitString) throw new DerError('not a bit string')
  const unused = element.at(0)
  if (unused === undefined || unused > 7 || (element.length === 1 && unused > 0)) throw new DerError('bad bit string')
  return { unused, octets: element.content.subarray(1) }
}
