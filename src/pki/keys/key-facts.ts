import { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { publicKeyInfo } from './public-key-info.ts'

/** What a public key is, also for types that xmppki would not use. */
export interface KeyFacts {
  /** For people: `ECDSA P-256`, `RSA 2048`. */
  readonly label: string
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal; equal for a key and its certificates. */
  readonly fingerprint: string
}

/** Names of NIST SP 800-186 for what OpenSSL calls differently. */
const CURVES: ReadonlyMap<string, string> = new Map([
  ['prime256v1', 'P-256'],
  ['secp384r1', 'P-384'],
  ['secp521r1', 'P-521'],
])

/** What people call a public key. */
export function keyLabel({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const { modulusLength, namedCurve } = asymmetricKeyDetails ?? {}
  if (asymmetricKeyType === 'ec') return `ECDSA ${CURVES.get(namedCurve ?? '') ?? namedCurve ?? 'on an unnamed curve'}`
  if (asymmetricKeyType === 'ed25519') return 'Ed25519'
  if (asymmetricKeyType === 'ed448') return 'Ed448'
  const name = (asymmetricKeyType ?? 'unknown').toUpperCase()
  return modulusLength === undefined ? name : `${name} ${modulusLength}`
}

/** The facts of a public key, or of the public half of a private one. */
export function keyFacts(key: KeyObject): KeyFacts {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return { label: keyLabel(publicKey), fingerprint: hash('sha256', publicKeyInfo(publicKey), 'hex') }
}

/** The key in a SubjectPublicKeyInfo; undefined when OpenSSL cannot read it. */
export function openPublicKey(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}
