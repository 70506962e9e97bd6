import { randomFillSync } from 'node:crypto'

/** Octets of one text, 144 random bits. */
const OCTETS = 18
const TEXTS_AT_ONCE = 128

const pool = Buffer.allocUnsafeSlow(OCTETS * TEXTS_AT_ONCE)
let used = pool.length

/** Text that nobody can guess and that never comes twice: 24 characters of letters, digits, `-` and `_`. */
export function randomText(): string {
  // Drawn many at a time, as drawing costs more than all the rest.
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += OCTETS
  return pool.toString('base64url', used - OCTETS, used)
}
