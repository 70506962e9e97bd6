import type { KeyObject } from 'node:crypto'
import { XmppkiError } from '../../errors.ts'

/** The key types that xmppki generates and accepts, spelled as the `--key-type` flag takes them. */
export type KeyType = 'ec:p256' | 'ec:p384' | 'ed25519' | 'rsa:2048' | 'rsa:3072' | 'rsa:4096'

/** What node:crypto's `generateKeyPair` needs to know. */
type Generation =
  | { readonly type: 'ec'; readonly namedCurve: 'prime256v1' | 'secp384r1' }
  | { readonly type: 'ed25519' }
  | { readonly type: 'rsa'; readonly modulusLength: number }

/** Everything known about one key type; code below receives a row and never compares names. */
export interface KeyAlgorithm {
  readonly id: KeyType
  /** For people: `ECDSA P-256`. */
  readonly label: string
  readonly generation: Generation
  /** Import parameters of WebCrypto. */
  readonly webCrypto: {
    readonly name: string
    readonly namedCurve?: string
    readonly hash?: string
  }
  /** Hash of certificate and CSR signatures; undefined where the algorithm has its own (Ed25519). */
  readonly signatureHash: 'SHA-256' | 'SHA-384' | undefined
  /** True where TLS 1.2 may also encrypt to the key, which then wants keyEncipherment (RFC 5280 §4.2.1.3). */
  readonly encipherment: boolean
}

const ec = (
  id: KeyType,
  label: string,
  namedCurve: 'prime256v1' | 'secp384r1',
  webCurve: string,
  signatureHash: 'SHA-256' | 'SHA-384',
): KeyAlgorithm => ({
  id,
  label,
  generation: { type: 'ec', namedCurve },
  webCrypto: { name: 'ECDSA', namedCurve: webCurve },
  signatureHash,
  encipherment: false,
})

const rsa = (id: KeyType, modulusLength: number): KeyAlgorithm => ({
  id,
  label: `RSA ${modulusLength}`,
  generation: { type: 'rsa', modulusLength },
  webCrypto: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  signatureHash: 'SHA-256',
  encipherment: true,
})

const ALGORITHMS: Readonly<Record<KeyType, KeyAlgorithm>> = {
  'ec:p256': ec('ec:p256', 'ECDSA P-256', 'prime256v1', 'P-256', 'SHA-256'),
  // RFC 5480 §4 pairs P-384 with SHA-384; @peculiar/x509 would take SHA-256.
  'ec:p384': ec('ec:p384', 'ECDSA P-384', 'secp384r1', 'P-384', 'SHA-384'),
  ed25519: {
    id: 'ed25519',
    label: 'Ed25519',
    generation: { type: 'ed25519' },
    webCrypto: { name: 'Ed25519' },
    signatureHash: undefined,
    encipherment: false,
  },
  'rsa:2048': rsa('rsa:2048', 2048),
  'rsa:3072': rsa('rsa:3072', 3072),
  'rsa:4096': rsa('rsa:4096', 4096),
}

/** All key types, the default first. */
export const KEY_TYPES: readonly KeyType[] = Object.freeze([
  'ec:p256',
  'ec:p384',
  'ed25519',
  'rsa:2048',
  'rsa:3072',
  'rsa:4096',
])

const CHOICES = KEY_TYPES.join(', ')

/** The row of a key type. */
export function keyAlgorithm(id: KeyType): KeyAlgorithm {
  return ALGORITHMS[id]
}

/**
 * The row for what a user wrote.
 * @throws XmppkiError BAD_INPUT that lists the choices
 */
export function parseKeyType(text: string): KeyAlgorithm {
  const id = KEY_TYPES.find((known) => known === text)
  if (id === undefined) {
    throw new XmppkiError('BAD_INPUT', `unknown key type '${text}'`, {
      hint: `choose one of ${CHOICES}`,
    })
  }
  return ALGORITHMS[id]
}

function unsupported(what: string): XmppkiError {
  return new XmppkiError('BAD_INPUT', `${what} cannot be used here`, {
    hint: `use a key of one of these types: ${CHOICES}`,
  })
}

function rsaType(key: KeyObject): KeyType {
  const details = key.asymmetricKeyDetails
  const bits = details?.modulusLength
  // Small exponents make forged PKCS #1 v1.5 signatures practical against sloppy verifiers.
  if ((details?.publicExponent ?? 0n) < 65_537n) throw unsupported('an RSA key with a public exponent below 65537')
  const id = KEY_TYPES.find((known) => known === `rsa:${bits}`)
  if (id === undefined) throw unsupported(`an RSA key of ${bits} bits`)
  return id
}

function ecType(key: KeyObject): KeyType {
  const curve = key.asymmetricKeyDetails?.namedCurve
  if (curve === 'prime256v1') return 'ec:p256'
  if (curve === 'secp384r1') return 'ec:p384'
  throw unsupported(`an elliptic curve key on ${curve ?? 'an unnamed curve'}`)
}

/**
 * The row that a public or private key belongs to.
 * @throws XmppkiError BAD_INPUT for keys that xmppki does not support
 */
export function keyTypeOf(key: KeyObject): KeyAlgorithm {
  switch (key.asymmetricKeyType) {
    case 'ec':
      return ALGORITHMS[ecType(key)]
    case 'ed25519':
      return ALGORITHMS.ed25519
    case 'rsa':
      return ALGORITHMS[rsaType(key)]
    default:
      throw unsupported(`a ${key.asymmetricKeyType ?? 'symmetric'} key`)
  }
}
