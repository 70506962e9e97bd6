import { createHash, createHmac, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import type { ScramHash } from './scram-keys.ts'

const derive = promisify(pbkdf2)

interface HashFacts {
  /** As node:crypto calls it. */
  readonly digest: string
  readonly bytes: number
}

/** What the hashes of SCRAM are to OpenSSL. */
export const HASH_FACTS: Readonly<Record<ScramHash, HashFacts>> = {
  'sha-1': { digest: 'sha1', bytes: 20 },
  'sha-256': { digest: 'sha256', bytes: 32 },
  'sha-512': { digest: 'sha512', bytes: 64 },
}

/** HMAC() of RFC 5802 §2.2. */
export function hmac(hash: ScramHash, key: Uint8Array, text: string | Uint8Array): Buffer {
  return createHmac(HASH_FACTS[hash].digest, key).update(text).digest()
}

/** H() of RFC 5802 §2.2. */
export function digest(hash: ScramHash, text: Uint8Array): Buffer {
  return createHash(HASH_FACTS[hash].digest).update(text).digest()
}

/** Hi() of RFC 5802 §2.2; it takes its milliseconds in the thread pool. */
export function saltedPassword(
  hash: ScramHash,
  prepared: string,
  salt: Uint8Array,
  iterations: number,
): Promise<Buffer> {
  const { digest, bytes } = HASH_FACTS[hash]
  return derive(prepared, salt, iterations, bytes, digest)
}
