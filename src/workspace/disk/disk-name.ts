import { createHash } from 'node:crypto'

/** File systems allow 255 bytes for a name; the rest is for `@device`, `.p12.password` and the like. */
const MAX_BYTES = 200

/** Letters and digits of every script read best as they are; nothing among them means anything to a file system. */
const PLAIN = /^[\p{Ll}\p{Lo}\p{Lm}\p{Nd}._+-]$/u

/**
 * The file name for a localpart or domainpart (RFC 7622 allows 1023 bytes and characters such as `[`, `%`, `$`).
 * Different names get different file names: what is not plain becomes `%XX`, and a name that had to be cut
 * ends in `~` and the start of its SHA-256. Never `.`, `..`, hidden, or more than 200 bytes.
 */
export function diskName(name: string): string {
  const encoded = Array.from(name, (character, index) =>
    PLAIN.test(character) && !(index === 0 && character === '.') ? character : percentEncode(character),
  )
  const whole = encoded.join('')
  if (Buffer.byteLength(whole) <= MAX_BYTES) return whole
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 32)
  return `${cut(encoded, MAX_BYTES - digest.length - 1)}~${digest}`
}

function percentEncode(character: string): string {
  return Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

function cut(pieces: readonly string[], maxBytes: number): string {
  let result = ''
  let bytes = 0
  for (const piece of pieces) {
    bytes += Buffer.byteLength(piece)
    if (bytes > maxBytes) break
    result += piece
  }
  return result
}
