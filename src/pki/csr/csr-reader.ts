import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { XmppkiError } from '../../errors.ts'
import {
  contextTag,
  type DerElement,
  DerError,
  type DerReader,
  readBitString,
  readOid,
  readSingle,
  readSmallInteger,
  TAG,
} from '../der/der.ts'
import { OID } from '../der/oids.ts'
import { decodePem, pemBlocks } from '../der/pem.ts'
import { pssHashOid } from '../keys/signature-strength.ts'
import { readBasicConstraints, readKeyPurposes } from '../x509/certificate.ts'
import { type RawExtension, readExtension } from '../x509/certificate-der.ts'
import { type DistinguishedName, formatName, readName } from '../x509/distinguished-name.ts'
import { type AlternativeNames, readAlternativeNames } from '../x509/names.ts'

/** What a certificate request (PKCS #10, RFC 2986) asks for; nothing in it is proven but by `signature`. */
export interface CertificateRequest {
  /** Subject for people (RFC 4514, escaped); never parse it. */
  readonly subject: string
  /** Every CN of the subject, in order. */
  readonly commonNames: readonly string[]
  /** Attributes of the subject other than CN, for people. */
  readonly otherAttributes: readonly string[]
  /** The subjectAltName of the extension request. */
  readonly names: AlternativeNames
  /** basicConstraints cA of the extension request. */
  readonly asksForCa: boolean
  /** Object identifiers of the key purposes that are asked for; undefined without the extension. */
  readonly extendedKeyUsage: readonly string[] | undefined
  readonly publicKey: KeyObject
  /**
   * Proof of possession (RFC 2986 §4.2): whether the requester holds the private key. `unsupported` where the
   * algorithm is unknown or weak.
   */
  readonly signature: 'valid' | 'invalid' | 'unsupported'
  /** DER of the whole request. */
  readonly der: Uint8Array
}

const NO_NAMES: AlternativeNames = { xmppAddrs: [], emails: [], dnsNames: [], srvNames: [], malformed: [] }

/** RFC 7468 §7: the second label is what Java's keytool and old Microsoft tools write. */
const LABELS = ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'] as const

/** extensionRequest of PKCS #9 (RFC 2985 §5.4.2), and of Microsoft, who had it before. */
const EXTENSION_REQUESTS: ReadonlySet<string> = new Set([OID.extensionRequest, '1.3.6.1.4.1.311.2.1.14'])

interface SignatureScheme {
  readonly keyType: string
  readonly hash: string | undefined
  readonly padding?: number
}

/** Hashes by signature algorithm (RFC 4055 §5, RFC 5758 §3.2, RFC 8410 §3); MD5 and SHA-1 are left out on purpose. */
const SCHEMES: ReadonlyMap<string, SignatureScheme> = new Map([
  [OID.sha256WithRsaEncryption, { keyType: 'rsa', hash: 'sha256' }],
  [OID.sha384WithRsaEncryption, { keyType: 'rsa', hash: 'sha384' }],
  [OID.sha512WithRsaEncryption, { keyType: 'rsa', hash: 'sha512' }],
  [OID.ecdsaWithSha256, { keyType: 'ec', hash: 'sha256' }],
  [OID.ecdsaWithSha384, { keyType: 'ec', hash: 'sha384' }],
  [OID.ecdsaWithSha512, { keyType: 'ec', hash: 'sha512' }],
  [OID.ed25519, { keyType: 'ed25519', hash: undefined }],
])

/** Those of RSASSA-PSS, which Windows writes where it is told to (RFC 4055 §3.1). */
const PSS_HASHES: ReadonlyMap<string, string> = new Map([
  [OID.sha256, 'sha256'],
  [OID.sha384, 'sha384'],
  [OID.sha512, 'sha512'],
])

interface Signed {
  readonly info: DerElement
  /** AlgorithmIdentifier */
  readonly algorithm: DerElement
  readonly signature: Uint8Array
}

function schemeOf(algorithm: DerElement): SignatureScheme | undefined {
  const parts = algorithm.reader()
  const id = readOid(parts.next())
  if (id !== OID.rsassaPss) return SCHEMES.get(id)
  const hash = PSS_HASHES.get(pssHashOid(parts.readOptional(TAG.sequence)))
  return hash === undefined ? undefined : { keyType: 'rsa', hash, padding: constants.RSA_PKCS1_PSS_PADDING }
}

function checkSignature({ info, algorithm, signature }: Signed, key: KeyObject): CertificateRequest['signature'] {
  const scheme = schemeOf(algorithm)
  if (scheme === undefined) return 'unsupported'
  const { keyType, hash, padding } = scheme
  if (keyType !== key.asymmetricKeyType) return 'invalid'
  try {
    return verify(hash, info.raw, padding === undefined ? key : { key, padding }, signature) ? 'valid' : 'invalid'
  } catch {
    // OpenSSL throws for some signatures that are no signatures at all, e.g. ones of the wrong length.
    return 'invalid'
  }
}

function readPublicKey(element: DerElement, source: string): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(element.raw), format: 'der', type: 'spki' })
  } catch (error) {
    throw new XmppkiError('BAD_INPUT', `the public key in ${source} cannot be read`, {
      hint: 'it is damaged or of a type that OpenSSL does not know',
      cause: error,
    })
  }
}

function readExtensionList(values: DerReader, into: Map<string, RawExtension>): void {
  while (!values.done) {
    const list = values.read(TAG.sequence).reader()
    while (!list.done) {
      const extension = readExtension(list.read(TAG.sequence))
      // Two subjectAltNames could show two readers two names (RFC 5280 §4.2).
      if (into.has(extension.oid)) throw new DerError(`extension ${extension.oid} is there twice`)
      into.set(extension.oid, extension)
    }
  }
}

/** The extensions that are asked for, by identifier. */
function readExtensionRequests(info: DerReader): Map<string, RawExtension> {
  const extensions = new Map<string, RawExtension>()
  // RFC 2986 §4 wants the attributes even when there are none; some programs leave them out.
  const attributes = info.readOptional(contextTag(0, 'constructed'))?.reader()
  while (attributes !== undefined && !attributes.done) {
    const attribute = attributes.read(TAG.sequence).reader()
    const type = readOid(attribute.next())
    const values = attribute.read(TAG.set)
    attribute.finish()
    if (EXTENSION_REQUESTS.has(type)) readExtensionList(values.reader(), extensions)
  }
  return extensions
}

function readCommonNames(subject: DistinguishedName): string[] {
  return subject.flat().flatMap(({ type, value }) => {
    if (type !== OID.commonName) return []
    if (value === undefined || value === '') throw new DerError('a CN is not a string')
    if (value.includes('\0')) throw new DerError('a CN contains NUL')
    return [value]
  })
}

function readWishes(extensions: ReadonlyMap<string, RawExtension>) {
  const decode = <T>(oid: string, read: (value: Uint8Array) => T): T | undefined => {
    const extension = extensions.get(oid)
    return extension === undefined ? undefined : read(extension.value)
  }
  return {
    names: decode(OID.subjectAltName, readAlternativeNames) ?? NO_NAMES,
    asksForCa: decode(OID.basicConstraints, readBasicConstraints)?.isCa ?? false,
    extendedKeyUsage: decode(OID.extKeyUsage, readKeyPurposes),
  }
}

function readRequest(der: Uint8Array, source: string): CertificateRequest {
  const request = readSingle(der, TAG.sequence).reader()
  const info = request.read(TAG.sequence)
  const algorithm = request.read(TAG.sequence)
  const { unused, octets: signature } = readBitString(request.next())
  request.finish()
  if (unused !== 0) throw new DerError('the signature is not a whole number of octets')
  const parts = info.reader()
  // RFC 2986 §4.1: version 1 is written as 0; some old programs write 1 or 2 and mean the same.
  if (readSmallInteger(parts.next()) > 2) throw new DerError('unknown version of the request')
  const subject = readName(parts.read(TAG.sequence))
  const keyInfo = parts.read(TAG.sequence)
  const extensions = readExtensionRequests(parts)
  parts.finish()
  const publicKey = readPublicKey(keyInfo, source)
  const others = subject.map((attributes) => attributes.filter(({ type }) => type !== OID.commonName))
  return {
    subject: formatName(subject),
    commonNames: readCommonNames(subject),
    otherAttributes: others.filter(({ length }) => length > 0).map((attributes) => formatName([attributes])),
    ...readWishes(extensions),
    publicKey,
    signature: checkSignature({ info, algorithm, signature }, publicKey),
    der,
  }
}

/** A file that starts with the octet of a SEQUENCE is DER: PEM starts with text. */
function toDer(bytes: Uint8Array, source: string): Uint8Array {
  if (bytes[0] === TAG.sequence) return bytes
  const text = Buffer.from(bytes).toString('latin1')
  const [first = LABELS[0]] = LABELS.filter((label) => pemBlocks(text).some((block) => block.label === label))
  return decodePem(text, first, source)
}

/**
 * Reads one certificate request, PEM or DER, and checks its signature with its own key.
 * @param source names the file in errors
 * @throws XmppkiError BAD_INPUT for anything that is not exactly one request with a key that OpenSSL knows
 */
export function readCsr(bytes: Uint8Array, source: string): CertificateRequest {
  const der = toDer(bytes, source)
  try {
    return readRequest(der, source)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw new XmppkiError('BAD_INPUT', `${source} is not a certificate request: ${error.message}`, {
      spec: 'RFC 2986 §4',
      cause: error,
    })
  }
}
