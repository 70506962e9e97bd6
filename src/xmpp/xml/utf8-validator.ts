import { isAscii, isUtf8 } from 'node:buffer'

/** A part of the stream of which the first `length` octets are whole characters in UTF-8. */
export interface Validated {
  /** The octets handed in, after those that were kept from the last call. */
  readonly bytes: Buffer
  readonly length: number
  /** Whether all octets are ASCII. */
  readonly ascii: boolean
  /** Whether the octets after `length` cannot be UTF-8, as opposed to a character whose rest has not arrived. */
  readonly invalid: boolean
}

const NOTHING = new Uint8Array()

/** Checks a stream for UTF-8 strictly (RFC 3629), wherever it is cut into chunks. */
export class Utf8Validator {
  /** The start of a character whose last octets have not arrived; at most three. */
  #partial = NOTHING

  /** Forgets the start of a character that waits for its rest. */
  reset(): void {
    this.#partial = NOTHING
  }

  validate(chunk: Uint8Array): Validated {
    const bytes = this.#partial.length === 0 ? asBuffer(chunk) : Buffer.concat([this.#partial, chunk])
    if (isAscii(bytes)) {
      this.#partial = NOTHING
      return { bytes, length: bytes.length, ascii: true, invalid: false }
    }
    const whole = wholeCharacters(bytes, bytes.length)
    const invalid = !isUtf8(bytes.subarray(0, whole))
    // Copied, because the chunk may be a view on a buffer that its owner writes to again.
    this.#partial = whole === bytes.length ? NOTHING : Uint8Array.prototype.slice.call(bytes, whole)
    return { bytes, length: invalid ? validPrefix(bytes, whole) : whole, ascii: false, invalid }
  }
}

/** The largest length not above `end` that does not cut a character short (RFC 3629 §3). */
export function wholeCharacters(bytes: Uint8Array, end: number): number {
  for (let back = 1; back <= 3 && back <= end; back++) {
    const byte = bytes[end - back] ?? 0
    if (byte < 0x80) return end
    if (byte >= 0xc0) return sequenceLength(byte) > back ? end - back : end
  }
  return end
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}

function sequenceLength(lead: number): number {
  // C0, C1 and F5 to FF start nothing: no reason to wait for what follows.
  if (lead < 0xc2 || lead > 0xf4) return 1
  if (lead >= 0xf0) return 4
  return lead >= 0xe0 ? 3 : 2
}

/** The length of the longest prefix that is UTF-8, by bisection; `bytes` up to `end` are known not to be. */
function validPrefix(bytes: Uint8Array, end: number): number {
  let good = 0
  let bad = end
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1
    if (isUtf8(bytes.subarray(0, wholeCharacters(bytes, middle)))) good = middle
    else bad = middle
  }
  return wholeCharacters(bytes, good)
}
