import {
  contextTag,
  type DerElement,
  DerError,
  type DerReader,
  readBitString,
  readBoolean,
  readOid,
  readSingle,
  readSmallInteger,
  TAG,
} from '../der/der.ts'

/** One extension as it stands in a certificate (RFC 5280 §4.2). */
export interface RawExtension {
  readonly oid: string
  readonly critical: boolean
  /** Content of extnValue: the DER of the extension itself. */
  readonly value: Uint8Array
}

/** The parts of a certificate, split but not yet judged. */
export interface RawCertificate {
  /** 1, 2 or 3. */
  readonly version: number
  readonly serial: DerElement
  readonly issuer: DerElement
  readonly notBefore: Date
  readonly notAfter: Date
  readonly subject: DerElement
  readonly publicKeyInfo: DerElement
  readonly extensions: readonly RawExtension[]
  /** AlgorithmIdentifier beside the signature. */
  readonly signatureAlgorithm: DerElement
  /** False when signatureAlgorithm and tbsCertificate.signature differ (RFC 5280 §4.1.1.2). */
  readonly sameSignatureAlgorithm: boolean
}

function digits(element: DerElement, at: number, count: number): number {
  let value = 0
  for (let i = at; i < at + count; i += 1) {
    const digit = (element.at(i) ?? 0) - 0x30
    if (digit < 0 || digit > 9) throw new DerError('bad time')
    value = value * 10 + digit
  }
  return value
}

/** RFC 5280 §4.1.2.5.1: two-digit years from 50 on are of the twentieth century. */
function utcYear(element: DerElement): number {
  const year = digits(element, 0, 2)
  return year >= 50 ? 1900 + year : 2000 + year
}

/**
 * UTCTime or GeneralizedTime in the one form that RFC 5280 §4.1.2.5 allows.
 * @throws DerError
 */
function readTime(element: DerElement): Date {
  const short = element.tag === TAG.utcTime
  if (!short && element.tag !== TAG.generalizedTime) throw new DerError('not a time')
  const yearDigits = short ? 2 : 4
  // RFC 5280 §4.1.2.5: seconds are always there, Z is always there, fractions never.
  if (element.length !== yearDigits + 11 || element.at(yearDigits + 10) !== 0x5a) throw new DerError('bad time')
  const year = short ? utcYear(element) : digits(element, 0, 4)
  const field = (number: number) => digits(element, yearDigits + 2 * number, 2)
  const [month, day, hour, minute, second] = [field(0), field(1), field(2), field(3), field(4)]
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  // Date lets 31 February and 25 o'clock roll over, always into another day or hour; minutes alike.
  const rolled = date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || date.getUTCHours() !== hour
  if (rolled || date.getUTCMinutes() !== minute || date.getUTCSeconds() !== second) throw new DerError('bad time')
  return date
}

function readVersion(tbs: DerReader): number {
  const explicit = tbs.readOptional(contextTag(0, 'constructed'))
  if (explicit === undefined) return 1
  const reader = explicit.reader()
  const version = readSmallInteger(reader.next()) + 1
  reader.finish()
  if (version > 3) throw new DerError('unknown certificate version')
  return version
}

/**
 * One Extension of a certificate, a CRL or an entry of a CRL.
 * @throws DerError
 */
export function readExtension(element: DerElement): RawExtension {
  const parts = element.reader()
  const oid = readOid(parts.next())
  const flag = parts.readOptional(TAG.boolean)
  const value = parts.read(TAG.octetString).content
  parts.finish()
  return { oid, critical: flag !== undefined && readBoolean(flag), value }
}

function readExtensions(tbs: DerReader): RawExtension[] {
  // issuerUniqueID and subjectUniqueID (§4.1.2.8): seen by nobody, used by nothing.
  tbs.readOptional(contextTag(1, 'primitive'))
  tbs.readOptional(contextTag(2, 'primitive'))
  const wrapper = tbs.readOptional(contextTag(3, 'constructed'))
  if (wrapper === undefined) return []
  const reader = wrapper.reader()
  const list = reader.read(TAG.sequence).reader()
  reader.finish()
  const extensions: RawExtension[] = []
  while (!list.done) extensions.push(readExtension(list.read(TAG.sequence)))
  return extensions
}

/**
 * The subjectPublicKey bits of a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), which identifiers of keys are hashes of.
 * @throws DerError
 */
export function readPublicKeyBits(publicKeyInfo: DerElement): Uint8Array {
  const parts = publicKeyInfo.reader()
  parts.read(TAG.sequence)
  return readBitString(parts.next()).octets
}

/**
 * Splits a certificate (RFC 5280 §4.1) without copying it.
 * @throws DerError for anything but exactly one certificate
 */
export function readRawCertificate(der: Uint8Array): RawCertificate {
  const certificate = readSingle(der, TAG.sequence).reader()
  const tbs = certificate.read(TAG.sequence).reader()
  const signatureAlgorithm = certificate.read(TAG.sequence)
  certificate.read(TAG.bitString)
  certificate.finish()

  const version = readVersion(tbs)
  const serial = tbs.read(TAG.integer)
  const signature = tbs.read(TAG.sequence)
  const issuer = tbs.read(TAG.sequence)
  const validity = tbs.read(TAG.sequence).reader()
  const notBefore = readTime(validity.next())
  const notAfter = readTime(validity.next())
  validity.finish()
  const subject = tbs.read(TAG.sequence)
  const publicKeyInfo = tbs.read(TAG.sequence)
  const extensions = readExtensions(tbs)
  tbs.finish()
  const sameSignatureAlgorithm = Buffer.compare(signatureAlgorithm.raw, signature.raw) === 0
  return {
    version,
    serial,
    issuer,
    notBefore,
    notAfter,
    subject,
    publicKeyInfo,
    extensions,
    signatureAlgorithm,
    sameSignatureAlgorithm,
  }
}
