import { constants, createVerify, type KeyObject, verify } from 'node:crypto'
import { promisify } from 'node:util'
import { contextTag, type DerElement, DerError, readOid, readSmallInteger, TAG } from '../der/der.ts'
import { OID } from '../der/oids.ts'
import { Slices } from '../der/slices.ts'
import type { SignedStructure } from '../keys/signature.ts'

/**
 * How a CRL is signed. More is read than certificates may be signed with: what a CA has revoked is revoked, however old its
 * programs are.
 */
export interface CrlSignature {
  /** As OpenSSL prints it. */
  readonly name: string
  /** Made with MD5 or SHA-1: two lists with one signature can be made (RFC 6151, RFC 6194). */
  readonly weak: boolean
  /** As node:crypto names them. */
  readonly keyTypes: readonly string[]
  /** Null where the algorithm has its own. */
  readonly hash: string | null
  /** Octets of salt, of RSASSA-PSS. */
  readonly saltLength?: number
}

const RSASSA_PSS = '1.2.840.113549.1.1.10'
const MGF1 = '1.2.840.113549.1.1.8'

const HASHES: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.2.5', 'md5'],
  [OID.sha1, 'sha1'],
  ['2.16.840.1.101.3.4.2.4', 'sha224'],
  [OID.sha256, 'sha256'],
  [OID.sha384, 'sha384'],
  [OID.sha512, 'sha512'],
  ['2.16.840.1.101.3.4.2.8', 'sha3-256'],
  ['2.16.840.1.101.3.4.2.9', 'sha3-384'],
  ['2.16.840.1.101.3.4.2.10', 'sha3-512'],
])

function isWeak(hash: string | null): boolean {
  return hash === 'md5' || hash === 'sha1'
}

function scheme(id: string, name: string, keyTypes: readonly string[], hash: string | null): [string, CrlSignature] {
  return [id, { name, weak: isWeak(hash), keyTypes, hash }]
}

const SIGNATURES: ReadonlyMap<string, CrlSignature> = new Map([
  scheme('1.2.840.113549.1.1.4', 'md5WithRSAEncryption', ['rsa'], 'md5'),
  scheme('1.2.840.113549.1.1.5', 'sha1WithRSAEncryption', ['rsa'], 'sha1'),
  scheme('1.2.840.113549.1.1.14', 'sha224WithRSAEncryption', ['rsa'], 'sha224'),
  scheme(OID.sha256WithRsaEncryption, 'sha256WithRSAEncryption', ['rsa'], 'sha256'),
  scheme(OID.sha384WithRsaEncryption, 'sha384WithRSAEncryption', ['rsa'], 'sha384'),
  scheme(OID.sha512WithRsaEncryption, 'sha512WithRSAEncryption', ['rsa'], 'sha512'),
  scheme('1.2.840.10045.4.1', 'ecdsa-with-SHA1', ['ec'], 'sha1'),
  scheme('1.2.840.10045.4.3.1', 'ecdsa-with-SHA224', ['ec'], 'sha224'),
  scheme(OID.ecdsaWithSha256, 'ecdsa-with-SHA256', ['ec'], 'sha256'),
  scheme(OID.ecdsaWithSha384, 'ecdsa-with-SHA384', ['ec'], 'sha384'),
  scheme(OID.ecdsaWithSha512, 'ecdsa-with-SHA512', ['ec'], 'sha512'),
  scheme('1.2.840.10040.4.3', 'dsa-with-SHA1', ['dsa'], 'sha1'),
  scheme('2.16.840.1.101.3.4.3.2', 'dsa_with_SHA256', ['dsa'], 'sha256'),
  scheme(OID.ed25519, 'ED25519', ['ed25519'], null),
  scheme('1.3.101.113', 'ED448', ['ed448'], null),
])

function readHash(algorithm: DerElement): string {
  const id = readOid(algorithm.reader().next())
  const hash = HASHES.get(id)
  if (hash === undefined) throw new DerError(`unknown hash algorithm ${id}`)
  return hash
}

/** What is left out is SHA-1, and 20 octets of salt (RFC 4055 §3.1). */
function readPss(parameters: DerElement | undefined): CrlSignature {
  const reader = parameters?.reader()
  const part = (number: number) => reader?.readOptional(contextTag(number, 'constructed'))
  const [hashPart, maskPart, saltPart] = [part(0), part(1), part(2)]
  const hash = hashPart === undefined ? 'sha1' : readHash(hashPart.reader().read(TAG.sequence))
  const mask = maskPart?.reader().read(TAG.sequence).reader()
  if (mask !== undefined && readOid(mask.next()) !== MGF1) throw new DerError('unknown mask of RSASSA-PSS')
  // node:crypto knows no other than the one that RFC 4055 §3.1 recommends.
  if ((mask === undefined ? 'sha1' : readHash(mask.read(TAG.sequence))) !== hash) {
    throw new DerError('RSASSA-PSS with two hash algorithms')
  }
  const saltLength = saltPart === undefined ? 20 : readSmallInteger(saltPart.reader().read(TAG.integer))
  return { name: `RSASSA-PSS with ${hash}`, weak: isWeak(hash), keyTypes: ['rsa', 'rsa-pss'], hash, saltLength }
}

/**
 * What an AlgorithmIdentifier of a CRL says.
 * @throws DerError for what cannot be read, and for algorithms that are not known here
 */
export function readCrlSignature(algorithm: DerElement): CrlSignature {
  const reader = algorithm.reader()
  const id = readOid(reader.next())
  if (id === RSASSA_PSS) return readPss(reader.readOptional(TAG.sequence))
  const found = SIGNATURES.get(id)
  if (found === undefined) throw new DerError(`unknown signature algorithm ${id}`)
  return found
}

function keyFor({ saltLength }: CrlSignature, key: KeyObject) {
  return saltLength === undefined ? key : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
}

function fits({ keyTypes }: CrlSignature, { asymmetricKeyType }: KeyObject): boolean {
  return asymmetricKeyType !== undefined && keyTypes.includes(asymmetricKeyType)
}

const verifyAside = promisify(verify)

/** Octets that are hashed at a time. */
const CHUNK = 131_072

/** In slices: in another thread node:crypto hashes a copy, and to make that of a large list takes longer than to hash it. */
async function verifyInSlices(signed: SignedStructure, hash: string, key: ReturnType<typeof keyFor>): Promise<boolean> {
  const { tbs, signature } = signed
  const [verifier, slices] = [createVerify(hash), new Slices()]
  for (let at = 0; at < tbs.length; at += CHUNK) {
    verifier.update(tbs.subarray(at, at + CHUNK))
    if (slices.isDue) await slices.rest()
  }
  return verifier.verify(key, signature)
}

/** Whether this key has signed it. Never throws. */
export async function isSignedBy(signed: SignedStructure, how: CrlSignature, key: KeyObject): Promise<boolean> {
  if (!fits(how, key)) return false
  try {
    // EdDSA cannot begin before it has everything.
    if (how.hash === null) return await verifyAside(undefined, signed.tbs, key, signed.signature)
    return await verifyInSlices(signed, how.hash, keyFor(how, key))
  } catch {
    return false
  }
}

/** As {@link isSignedBy}, at once. */
export function isSignedNow(signed: SignedStructure, how: CrlSignature, key: KeyObject): boolean {
  if (!fits(how, key)) return false
  try {
    return verify(how.hash, signed.tbs, keyFor(how, key), signed.signature)
  } catch {
    return false
  }
}
