import { hash, X509Certificate } from 'node:crypto'
import { XmppkiError } from '../../errors.ts'
import { Memo } from '../../memo.ts'
import {
  checkInteger,
  type DerElement,
  DerError,
  readBitString,
  readBoolean,
  readOid,
  readSingle,
  readSmallInteger,
  TAG,
} from '../der/der.ts'
import { OID } from '../der/oids.ts'
import { type RawCertificate, type RawExtension, readRawCertificate } from './certificate-der.ts'
import { type DistinguishedName, formatName, PRINT_LIMIT, readName } from './distinguished-name.ts'
import { type AlternativeNames, readAlternativeNames } from './names.ts'

/** Bits of the keyUsage extension (RFC 5280 §4.2.1.3), bit 0 first. */
const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

type KeyUsage = (typeof KEY_USAGES)[number]

/** What a login, a log line and the issuing code need to know about a certificate. */
export interface CertificateFacts {
  /** The serial number in lower-case hexadecimal, whole octets without DER's sign octet; `-` before negative ones. */
  readonly serial: string
  /** 1, 2 or 3. */
  readonly version: number
  /** Subject for logs and people (RFC 4514, escaped); never parse it. */
  readonly subject: string
  /** Issuer for logs and people, as `subject`. */
  readonly issuer: string
  /** Every CN of the subject, in order. */
  readonly commonNames: readonly string[]
  /** Every UID (0.9.2342.19200300.100.1.1) of the subject. */
  readonly uids: readonly string[]
  /** id-on-xmppAddr (RFC 6120 §13.7.1.4), not normalised. */
  readonly xmppAddrs: readonly string[]
  /** rfc822Name of subjectAltName. */
  readonly emails: readonly string[]
  /** dNSName of subjectAltName. */
  readonly dnsNames: readonly string[]
  /** SRVName (RFC 4985). */
  readonly srvNames: readonly string[]
  readonly notBefore: Date
  /** The last second of validity (RFC 5280 §4.1.2.5: inclusive). */
  readonly notAfter: Date
  /** Object identifiers of the key purposes; undefined without the extension. */
  readonly extendedKeyUsage: readonly string[] | undefined
  /** Undefined without the extension. */
  readonly keyUsage: readonly KeyUsage[] | undefined
  /** basicConstraints cA. */
  readonly isCa: boolean
  /** basicConstraints pathLenConstraint. */
  readonly pathLength: number | undefined
  /** Object identifiers of critical extensions that nobody here understands. */
  readonly unknownCritical: readonly string[]
  /** SHA-256 of the DER, lower-case hexadecimal. */
  readonly fingerprint: string
  /**
   * Why the certificate must not be trusted with a name although it can be read: a NUL in a name, a
   * name of the wrong string type, an extension twice … Such names are in no list. Empty when all is well.
   */
  readonly malformed: readonly string[]
}

/** Critical extensions that OpenSSL's path validation and this reader act upon together. */
const KNOWN_EXTENSIONS: ReadonlySet<string> = new Set([
  OID.subjectKeyIdentifier,
  OID.authorityKeyIdentifier,
  OID.keyUsage,
  OID.extKeyUsage,
  OID.basicConstraints,
  OID.subjectAltName,
  OID.issuerAltName,
  OID.nameConstraints,
  OID.cRLDistributionPoints,
  OID.certificatePolicies,
  OID.policyMappings,
  OID.policyConstraints,
  OID.inhibitAnyPolicy,
])

const NO_NAMES: AlternativeNames = {
  xmppAddrs: [],
  emails: [],
  dnsNames: [],
  srvNames: [],
  malformed: [],
}

/**
 * A serial number as the `serial` of `CertificateFacts` has it.
 * @throws DerError when it is not an INTEGER
 */
export function formatSerial(element: DerElement): string {
  checkInteger(element)
  const hex = element.hex()
  const first = element.at(0) ?? 0
  if (first < 0x80) return first === 0 && element.length > 1 ? hex.slice(2) : hex
  const magnitude = ((1n << BigInt(element.length * 8)) - BigInt(`0x${hex}`)).toString(16)
  return `-${magnitude.length % 2 === 0 ? magnitude : `0${magnitude}`}`
}

/** The value of a basicConstraints extension (RFC 5280 §4.2.1.9). @throws DerError */
export function readBasicConstraints(value: Uint8Array): {
  isCa: boolean
  pathLength: number | undefined
} {
  const reader = readSingle(value, TAG.sequence).reader()
  const flag = reader.readOptional(TAG.boolean)
  const length = reader.readOptional(TAG.integer)
  reader.finish()
  return {
    isCa: flag !== undefined && readBoolean(flag),
    pathLength: length === undefined ? undefined : readSmallInteger(length),
  }
}

function readKeyUsage(value: Uint8Array): KeyUsage[] {
  const { octets } = readBitString(readSingle(value, TAG.bitString))
  return KEY_USAGES.filter((_, bit) => ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0)
}

/** The value of an extKeyUsage extension (RFC 5280 §4.2.1.12), dotted. @throws DerError */
export function readKeyPurposes(value: Uint8Array): string[] {
  const reader = readSingle(value, TAG.sequence).reader()
  const purposes: string[] = []
  while (!reader.done) purposes.push(readOid(reader.next()))
  return purposes
}

/** The first extension with this identifier. */
function extensionOf({ extensions }: RawCertificate, oid: string): RawExtension | undefined {
  for (const extension of extensions) if (extension.oid === oid) return extension
  return undefined
}

/** What is wrong with the extensions as a whole. */
function faultsOfExtensions({ extensions, version }: RawCertificate): string[] {
  if (extensions.length === 0) return []
  const seen = new Set<string>()
  const faults = version === 3 ? [] : [`extensions in a version ${version} certificate`]
  for (const { oid } of extensions) {
    // RFC 5280 §4.2: at most one instance; two subjectAltNames could show two readers two names.
    if (seen.has(oid)) faults.push(`extension ${oid} is there twice`)
    seen.add(oid)
  }
  return faults
}

/** Values of the subject attributes of one type; whatever is not a clean string goes to `malformed`. */
function attributeValues(subject: DistinguishedName, type: string, label: string, malformed: string[]): string[] {
  const values: string[] = []
  for (const attributes of subject) {
    for (const attribute of attributes) {
      if (attribute.type !== type) continue
      if (attribute.value === undefined) malformed.push(`${label} is not a string`)
      // X.520: a DirectoryString has at least one character.
      else if (attribute.value === '') malformed.push(`${label} is empty`)
      else if (!attribute.value.includes('\0')) values.push(attribute.value)
    }
  }
  return values
}

function readSubject(element: DerElement, malformed: string[]) {
  const subject = readName(element)
  // A NUL ends the name for programs in C, so two readers would see two names.
  const hasNul = subject.some((attributes) => attributes.some(({ value }) => value?.includes('\0')))
  if (hasNul) malformed.push('subject contains NUL')
  return {
    subject: formatName(subject),
    commonNames: attributeValues(subject, OID.commonName, 'CN', malformed),
    uids: attributeValues(subject, OID.userId, 'UID', malformed),
  }
}

/** A CA has issued many certificates, and each of them has its name. */
const knownIssuers = new Memo<string>(100)

function issuerText(element: DerElement): string {
  // Whoever makes up long names does not get them remembered.
  if (element.length > PRINT_LIMIT) return formatName(readName(element))
  const key = element.latin1()
  return knownIssuers.get(key) ?? knownIssuers.keep(key, formatName(readName(element)))
}

function unknownCriticalOf(extensions: readonly RawExtension[]): string[] {
  const unknown: string[] = []
  for (const { oid, critical } of extensions) if (critical && !KNOWN_EXTENSIONS.has(oid)) unknown.push(oid)
  return unknown
}

function readFacts(der: Uint8Array): CertificateFacts {
  const raw = readRawCertificate(der)
  const malformed = faultsOfExtensions(raw)
  if (!raw.sameSignatureAlgorithm) malformed.push('the two signature algorithm fields differ')
  const decode = <T>(oid: string, read: (value: Uint8Array) => T): T | undefined => {
    const extension = extensionOf(raw, oid)
    return extension === undefined ? undefined : read(extension.value)
  }
  const subject = readSubject(raw.subject, malformed)
  const names = decode(OID.subjectAltName, readAlternativeNames) ?? NO_NAMES
  const constraints = decode(OID.basicConstraints, readBasicConstraints)
  return {
    serial: formatSerial(raw.serial),
    version: raw.version,
    ...subject,
    issuer: issuerText(raw.issuer),
    ...names,
    notBefore: raw.notBefore,
    notAfter: raw.notAfter,
    extendedKeyUsage: decode(OID.extKeyUsage, readKeyPurposes),
    keyUsage: decode(OID.keyUsage, readKeyUsage),
    isCa: constraints?.isCa ?? false,
    pathLength: constraints?.pathLength,
    unknownCritical: unknownCriticalOf(raw.extensions),
    fingerprint: hash('sha256', der, 'hex'),
    malformed: malformed.length + names.malformed.length === 0 ? [] : [...new Set([...malformed, ...names.malformed])],
  }
}

/**
 * Reads one certificate by a small DER walk, made for the login path (some 20 µs; the signature is
 * not looked at).
 * @param source names the certificate in errors
 * @throws XmppkiError BAD_INPUT for anything that is not exactly one DER certificate
 */
export function readCertificate(der: Uint8Array, source = 'this'): CertificateFacts {
  try {
    return readFacts(der)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw new XmppkiError('BAD_INPUT', `${source} is not a certificate: ${error.message}`, {
      spec: 'RFC 5280 §4.1',
      cause: error,
    })
  }
}

/**
 * The same certificate as node:crypto sees it, for signatures and keys.
 * @param source names the certificate in errors
 * @throws XmppkiError BAD_INPUT when OpenSSL cannot read it or does not know its key type
 */
export function openCertificate(der: Uint8Array, source = 'this'): X509Certificate {
  try {
    const certificate = new X509Certificate(der)
    // The key is parsed on first use, and that is where OpenSSL meets key types it does not know.
    void certificate.publicKey
    return certificate
  } catch (error) {
    throw new XmppkiError('BAD_INPUT', `${source} is not a certificate that can be used`, { cause: error })
  }
}
