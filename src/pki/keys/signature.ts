import { createPublicKey, type KeyObject, sign as signOctets } from 'node:crypto'
import { promisify } from 'node:util'
import { type DerElement, readBitString, readOid, readSingle, TAG } from '../der/der.ts'
import { element, nullValue, oid, sequence } from '../der/der-writer.ts'
import { OID } from '../der/oids.ts'
import { type KeyAlgorithm, keyTypeOf } from './algorithms.ts'
import { pssHashOid } from './signature-strength.ts'

/** One signature algorithm: its identifier, the hash as node:crypto names it, and the kind of key it takes. */
interface SignatureScheme {
  readonly oid: string
  /** As OpenSSL prints it. */
  readonly name: string
  /** Null where the algorithm has its own hash (Ed25519). */
  readonly hash: string | null
  readonly keyType: 'ec' | 'rsa' | 'ed25519'
}

const SCHEMES: readonly SignatureScheme[] = [
  { oid: OID.ecdsaWithSha256, name: 'ecdsa-with-SHA256', hash: 'sha256', keyType: 'ec' },
  { oid: OID.ecdsaWithSha384, name: 'ecdsa-with-SHA384', hash: 'sha384', keyType: 'ec' },
  { oid: OID.ecdsaWithSha512, name: 'ecdsa-with-SHA512', hash: 'sha512', keyType: 'ec' },
  { oid: OID.sha256WithRsaEncryption, name: 'sha256WithRSAEncryption', hash: 'sha256', keyType: 'rsa' },
  { oid: OID.sha384WithRsaEncryption, name: 'sha384WithRSAEncryption', hash: 'sha384', keyType: 'rsa' },
  { oid: OID.sha512WithRsaEncryption, name: 'sha512WithRSAEncryption', hash: 'sha512', keyType: 'rsa' },
  { oid: OID.ed25519, name: 'ED25519', hash: null, keyType: 'ed25519' },
]

const HASHES: ReadonlyMap<string, string> = new Map([
  [OID.sha1, 'sha1'],
  [OID.sha256, 'sha256'],
  [OID.sha384, 'sha384'],
  [OID.sha512, 'sha512'],
])

/** Signature algorithms whose hash is broken: known by name, never accepted (RFC 6194, RFC 6151). */
const WEAK: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.4', 'md5WithRSAEncryption'],
  ['1.2.840.113549.1.1.5', 'sha1WithRSAEncryption'],
  ['1.2.840.10045.4.1', 'ecdsa-with-SHA1'],
  ['1.2.840.10040.4.3', 'dsa-with-SHA1'],
])

const SCHEME_OF_HASH = {
  ec: { 'SHA-256': OID.ecdsaWithSha256, 'SHA-384': OID.ecdsaWithSha384 },
  rsa: { 'SHA-256': OID.sha256WithRsaEncryption, 'SHA-384': OID.sha384WithRsaEncryption },
} as const

/** A private key that signs, wherever it is: in the memory of this process or in a token that never gives it away. */
export interface SigningKey {
  readonly publicKey: KeyObject
  readonly algorithm: KeyAlgorithm
  /**
   * Signs with the hash that belongs to the key type.
   * @returns what stands in certificates: DER of an ECDSA-Sig-Value (RFC 3279 §2.2.3), RSASSA-PKCS1-v1_5 (RFC 8017
   * §8.2) or Ed25519 (RFC 8032 §5.1.6)
   */
  sign(octets: Uint8Array): Promise<Uint8Array>
}

const signAsync = promisify<string | null, Uint8Array, KeyObject, Buffer>(signOctets)

/** Object identifier of the signatures that a key of this type makes. */
export function signatureOid({ generation, signatureHash }: KeyAlgorithm): string {
  if (generation.type === 'ed25519' || signatureHash === undefined) return OID.ed25519
  return SCHEME_OF_HASH[generation.type][signatureHash]
}

/**
 * AlgorithmIdentifier of the signatures that a key of this type makes; the two places of it in a CRL
 * or a certificate must be equal (RFC 5280 §5.1.1.2).
 */
function signatureAlgorithmIdentifier(algorithm: KeyAlgorithm): Uint8Array {
  // RFC 4055 §5 wants NULL parameters for RSA; RFC 5758 §3.2 and RFC 8410 §3 want none.
  const parameters = algorithm.generation.type === 'rsa' ? [nullValue()] : []
  return sequence(oid(signatureOid(algorithm)), ...parameters)
}

/**
 * A private key in the memory of this process that signs what is trusted for long: certificates and CRLs.
 * @throws XmppkiError BAD_INPUT for key types that are not supported
 */
export function softwareKey(privateKey: KeyObject): SigningKey {
  const algorithm = keyTypeOf(privateKey)
  let signer: ReturnType<typeof importSigner> | undefined
  return {
    publicKey: createPublicKey(privateKey),
    algorithm,
    async sign(octets) {
      signer ??= importSigner(privateKey, algorithm)
      return (await signer)(octets)
    },
  }
}

/** Loaded only by who signs. */
async function importSigner(privateKey: KeyObject, algorithm: KeyAlgorithm) {
  const { webCryptoSigner } = await import('./webcrypto-signer.ts')
  return webCryptoSigner(privateKey, algorithm)
}

/**
 * A private key in the memory of this process that signs what is good for a moment: answers about the status of certificates,
 * which strangers may ask for at any time, and requests. OpenSSL has it in its own form, and signs in a thread of its own.
 * @throws XmppkiError BAD_INPUT for key types that are not supported
 */
export function onlineKey(privateKey: KeyObject): SigningKey {
  const algorithm = keyTypeOf(privateKey)
  const hash = algorithm.signatureHash?.replace('-', '').toLowerCase() ?? null
  return {
    publicKey: createPublicKey(privateKey),
    algorithm,
    sign: (octets) => signAsync(hash, octets, privateKey),
  }
}

/**
 * `SEQUENCE { tbs, signatureAlgorithm, signature }`, the frame of certificates, CRLs and OCSP responses.
 * @param unsigned what follows the signature and is not covered by it: the certificates of an OCSP response
 */
export async function signStructure(
  tbs: Uint8Array,
  key: SigningKey,
  ...unsigned: readonly Uint8Array[]
): Promise<Uint8Array> {
  const bits = element(TAG.bitString, Uint8Array.of(0), await key.sign(tbs))
  return sequence(tbs, signatureAlgorithmIdentifier(key.algorithm), bits, ...unsigned)
}

/** As {@link signStructure} makes it, with an empty signature: to be read and judged before it is signed. */
export function unsignedStructure(tbs: Uint8Array, algorithm: KeyAlgorithm): Uint8Array {
  return sequence(tbs, signatureAlgorithmIdentifier(algorithm), element(TAG.bitString, Uint8Array.of(0)))
}

/** A signed structure that was taken apart. */
export interface SignedStructure {
  /** DER of what is signed. */
  readonly tbs: Uint8Array
  /** AlgorithmIdentifier as it stands beside the signature. */
  readonly algorithm: DerElement
  readonly signature: Uint8Array
}

/**
 * Splits `SEQUENCE { tbs, signatureAlgorithm, signature }`.
 * @throws DerError
 */
export function readSignedStructure(whole: DerElement): SignedStructure & { readonly body: DerElement } {
  const parts = whole.reader()
  const body = parts.read(TAG.sequence)
  const algorithm = parts.read(TAG.sequence)
  const { octets } = readBitString(parts.read(TAG.bitString))
  parts.finish()
  return { body, tbs: body.raw, algorithm, signature: octets }
}

/**
 * The name of an AlgorithmIdentifier, as OpenSSL prints it where it is known, else its number.
 * `weak`: made with MD5 or SHA-1.
 * @throws DerError
 */
export function signatureAlgorithmName(algorithm: DerElement): { readonly name: string; readonly weak: boolean } {
  const id = readOid(algorithm.reader().next())
  const name = WEAK.get(id) ?? SCHEMES.find((scheme) => scheme.oid === id)?.name ?? id
  return { name, weak: WEAK.has(id) }
}

/**
 * What a server certificate is hashed with for `tls-server-end-point` (RFC 5929 §4.1): as its signature, but SHA-256 in the
 * place of MD5 and SHA-1.
 * @param certificate DER
 * @returns as node:crypto calls it; undefined when the signature has no hash of its own, or one that is unknown here
 * @throws DerError
 */
export function endPointHash(certificate: Uint8Array): string | undefined {
  const algorithm = readSignedStructure(readSingle(certificate, TAG.sequence)).algorithm.reader()
  const id = readOid(algorithm.next())
  const isPss = id === OID.rsassaPss
  const hash = isPss
    ? HASHES.get(pssHashOid(algorithm.readOptional(TAG.sequence)))
    : SCHEMES.find(({ oid }) => oid === id)?.hash
  return WEAK.has(id) || hash === 'sha1' ? 'sha256' : (hash ?? undefined)
}
