import type { KeyObject } from 'node:crypto'

/** OpenSSL takes a quarter of a millisecond for an EC key, and a certificate needs it three times. */
const known = new WeakMap<KeyObject, Uint8Array>()

/** DER of the SubjectPublicKeyInfo of a public key (RFC 5280 §4.1.2.7). Not to be changed. */
export function publicKeyInfo(publicKey: KeyObject): Uint8Array {
  const found = known.get(publicKey) ?? publicKey.export({ type: 'spki', format: 'der' })
  known.set(publicKey, found)
  return found
}
