import { hash } from 'node:crypto'
import {
  contextTag,
  type DerElement,
  DerError,
  type DerReader,
  readOid,
  readSingle,
  readSmallInteger,
  TAG,
} from '../der/der.ts'
import { OID } from '../der/oids.ts'
import { formatSerial } from '../x509/certificate.ts'
import { type RawExtension, readExtension, readPublicKeyBits, readRawCertificate } from '../x509/certificate-der.ts'

/** The hash functions that a CertID is understood with, as node:crypto names them. */
type CertIdHash = 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** Names a certificate by its issuer and its serial number (CertID, RFC 6960 §4.1.1). */
export interface CertId {
  /** Undefined for hash functions that are not known here: then nobody can tell whose certificate is meant. */
  readonly hash: CertIdHash | undefined
  /** Hash of the DER of the issuer's name. */
  readonly issuerNameHash: Uint8Array
  /** Hash of the bits of the issuer's public key. */
  readonly issuerKeyHash: Uint8Array
  /** As `serial` of `CertificateFacts`. */
  readonly serial: string
  /** DER, to be repeated in the answer octet for octet. */
  readonly raw: Uint8Array
}

/** What is asked of an OCSP responder. */
export interface OcspRequest {
  /** At least one. */
  readonly ids: readonly CertId[]
  /** Repeated in the answer, which then cannot be an old one (RFC 9654 §2.1); 1 to 128 octets. */
  readonly nonce: Uint8Array | undefined
}

const HASHES: ReadonlyMap<string, CertIdHash> = new Map([
  [OID.sha1, 'sha1'],
  [OID.sha256, 'sha256'],
  [OID.sha384, 'sha384'],
  [OID.sha512, 'sha512'],
])

/** Octets of a request; a hundred certificates with the longest names for them have some 20,000. */
export const MAX_OCSP_REQUEST = 65_536

/** Certificates asked about at once; clients ask about one, or about a chain. */
const MAX_IDS = 100

/** RFC 9654 §2.1: longer ones must be refused, as must empty ones. */
const MAX_NONCE = 128

function readCertId(element: DerElement): CertId {
  const parts = element.reader()
  const algorithm = readOid(parts.read(TAG.sequence).reader().next())
  const issuerNameHash = parts.read(TAG.octetString).content
  const issuerKeyHash = parts.read(TAG.octetString).content
  const serial = formatSerial(parts.read(TAG.integer))
  parts.finish()
  return { hash: HASHES.get(algorithm), issuerNameHash, issuerKeyHash, serial, raw: element.raw }
}

/** Extensions behind an explicit tag; one that is critical and not among `known` cannot be heeded (RFC 6960 §4.4). */
function readExtensions(reader: DerReader, tag: number, known: readonly string[]): RawExtension[] {
  const wrapper = reader.readOptional(contextTag(tag, 'constructed'))
  if (wrapper === undefined) return []
  const extensions: RawExtension[] = []
  for (const list = readSingle(wrapper.content, TAG.sequence).reader(); !list.done; ) {
    extensions.push(readExtension(list.read(TAG.sequence)))
  }
  const unknown = extensions.find(({ critical, oid }) => critical && !known.includes(oid))
  if (unknown !== undefined) throw new DerError(`unknown critical extension ${unknown.oid}`)
  return extensions
}

function readNonce(extensions: readonly RawExtension[]): Uint8Array | undefined {
  const [found, ...others] = extensions.filter(({ oid }) => oid === OID.ocspNonce)
  if (found === undefined) return undefined
  const { content } = readSingle(found.value, TAG.octetString)
  if (others.length > 0 || content.length < 1 || content.length > MAX_NONCE) throw new DerError('bad nonce')
  return content
}

function readIds(list: DerElement): CertId[] {
  const ids: CertId[] = []
  for (const reader = list.reader(); !reader.done; ) {
    const request = reader.read(TAG.sequence).reader()
    ids.push(readCertId(request.read(TAG.sequence)))
    readExtensions(request, 0, [])
    request.finish()
    if (ids.length > MAX_IDS) throw new DerError('too many certificates')
  }
  if (ids.length === 0) throw new DerError('no certificate')
  return ids
}

function readVersion(tbs: DerReader): void {
  const version = tbs.readOptional(contextTag(0, 'constructed'))
  if (version !== undefined && readSmallInteger(readSingle(version.content, TAG.integer)) !== 0) {
    throw new DerError('unknown version')
  }
}

function readRequest(der: Uint8Array): OcspRequest {
  const request = readSingle(der, TAG.sequence).reader()
  const tbs = request.read(TAG.sequence).reader()
  // optionalSignature: whoever asks gets the same answer, so nobody needs to prove who it is.
  request.readOptional(contextTag(0, 'constructed'))
  request.finish()
  readVersion(tbs)
  // requestorName, which says nothing without the signature.
  tbs.readOptional(contextTag(1, 'constructed'))
  const ids = readIds(tbs.read(TAG.sequence))
  const nonce = readNonce(readExtensions(tbs, 2, [OID.ocspNonce]))
  tbs.finish()
  return { ids, nonce }
}

/**
 * Reads a request (RFC 6960 §4.1.1), which comes from anybody: more than {@link MAX_OCSP_REQUEST} octets, more than 100
 * certificates, nonces that RFC 9654 §2.1 forbids and unknown critical extensions are refused. Signatures are ignored.
 * @returns `malformedRequest`, to be answered with `ocspError`, for anything that is not exactly one request
 */
export function readOcspRequest(der: Uint8Array): OcspRequest | 'malformedRequest' {
  if (der.length > MAX_OCSP_REQUEST) return 'malformedRequest'
  try {
    return readRequest(der)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return 'malformedRequest'
  }
}

/**
 * Whether the certificate in question is one of this CA, by the hashes of the CA's name and key (RFC 6960 §4.1.1).
 * @param issuerCertificate DER of a certificate that has been read before
 */
export function matchesIssuer(id: CertId, issuerCertificate: Uint8Array): boolean {
  const { hash: name, issuerNameHash, issuerKeyHash } = id
  if (name === undefined) return false
  const { subject, publicKeyInfo } = readRawCertificate(issuerCertificate)
  const matches = (expected: Uint8Array, octets: Uint8Array) =>
    Buffer.compare(expected, hash(name, octets, 'buffer')) === 0
  return matches(issuerNameHash, subject.raw) && matches(issuerKeyHash, readPublicKeyBits(publicKeyInfo))
}
