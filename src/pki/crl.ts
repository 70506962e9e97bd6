import { hash, type KeyObject } from 'node:crypto'
import { XmppkiError } from '../errors.ts'
import { formatSerial } from './certificate.ts'
import { type RawExtension, readExtension, readTime } from './certificate-der.ts'
import { contextTag, type DerElement, DerError, type DerReader, readInteger, readSingle, TAG } from './der.ts'
import { contextPrimitive, element, integer, octetString, oid, sequence, time } from './der-writer.ts'
import { formatName, readName } from './distinguished-name.ts'
import type { Issuer } from './issuer.ts'
import { OID } from './oids.ts'
import { decodePem, encodePem } from './pem.ts'
import {
  readSignedStructure,
  type SignedStructure,
  signatureAlgorithmIdentifier,
  signStructure,
  verifyStructure,
} from './signature.ts'

/** Why a certificate was revoked, by the number that a CRL writes (RFC 5280 §5.3.1); 7 is not used. */
const REASON_CODES = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const

/** A CRLReason by its name in RFC 5280 §5.3.1. */
export type RevocationReason = keyof typeof REASON_CODES

const REASONS = Object.keys(REASON_CODES) as readonly RevocationReason[]

/**
 * The reasons that a revocation may be asked for with: all but `certificateHold` and `removeFromCRL`
 * (RFC 5280 §5.3.1), because a revocation is final here and only delta CRLs take entries back.
 */
export const REVOCATION_REASONS: readonly RevocationReason[] = Object.freeze(
  REASONS.filter((reason) => reason !== 'certificateHold' && reason !== 'removeFromCRL'),
)

/** DER of a CRLReason (RFC 5280 §5.3.1), which OCSP writes too. */
export function reasonDer(reason: RevocationReason): Uint8Array {
  return element(TAG.enumerated, Uint8Array.of(REASON_CODES[reason]))
}

/** One revoked certificate. */
export interface RevokedEntry {
  /** Lower-case hexadecimal, as `serial` of `CertificateFacts`. */
  readonly serial: string
  readonly revokedAt: Date
  /** Missing is the same as `unspecified` (RFC 5280 §5.3.1). */
  readonly reason?: RevocationReason
}

/** A CRL that has just been signed. */
export interface CreatedCrl {
  readonly pem: string
  readonly der: Uint8Array
}

function extension(id: string, value: Uint8Array): Uint8Array {
  return sequence(oid(id), octetString(value))
}

function serialInteger(serial: string): Uint8Array {
  if (!/^[0-9a-f]+$/.test(serial)) throw new XmppkiError('BAD_INPUT', `'${serial}' is no serial number`)
  return integer(Buffer.from(serial.length % 2 === 0 ? serial : `0${serial}`, 'hex'))
}

/** Entry extensions by reason; none for `unspecified`, as RFC 5280 §5.3.1 recommends. */
function reasonExtensions(reason: RevocationReason | undefined): readonly Uint8Array[] {
  if (reason === undefined || reason === 'unspecified') return []
  return [sequence(extension(OID.cRLReasons, reasonDer(reason)))]
}

function entryDer({ serial, revokedAt, reason }: RevokedEntry): Uint8Array {
  return sequence(serialInteger(serial), time(revokedAt), ...reasonExtensions(reason))
}

/** RFC 5280 §5.1.2.6: the list is left out when nothing is revoked. */
function revokedCertificates(entries: readonly RevokedEntry[]): readonly Uint8Array[] {
  if (entries.length === 0) return []
  // By value: the same ledger gives the same list, whatever the order of its rows.
  const magnitude = ({ serial }: RevokedEntry) => serial.replace(/^0+/, '')
  const sorted = entries
    .map((entry) => ({ entry, key: magnitude(entry) }))
    .toSorted((a, b) => a.key.length - b.key.length || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const repeated = sorted.find(({ key }, at) => at > 0 && sorted[at - 1]?.key === key)
  if (repeated !== undefined) throw new XmppkiError('INTERNAL', `serial ${repeated.entry.serial} is revoked twice`)
  // One part, not an argument each: a call has room for some 100,000.
  return [sequence(Buffer.concat(sorted.map(({ entry }) => entryDer(entry))))]
}

function checkRequest(request: { number: bigint; thisUpdate: Date; nextUpdate: Date; issuer: Issuer }): void {
  const { number, thisUpdate, nextUpdate, issuer } = request
  // RFC 5280 §5.2.3: at most 20 octets, never negative.
  if (number < 0n || number >= 1n << 159n) throw new XmppkiError('BAD_INPUT', `${number} cannot be a CRL number`)
  if (nextUpdate <= thisUpdate) {
    throw new XmppkiError('BAD_INPUT', 'the next update of a CRL must be after this one', { spec: 'RFC 5280 §5.1.2.5' })
  }
  if (issuer.certificate.keyUsage?.includes('cRLSign') === false) {
    throw new XmppkiError('BAD_INPUT', `the CA may not sign CRLs (${issuer.certificate.subject})`, {
      hint: 'its keyUsage lacks cRLSign',
      spec: 'RFC 5280 §4.2.1.3',
    })
  }
}

/**
 * A complete CRL, version 2 with CRL number and authorityKeyIdentifier (RFC 5280 §5), made in time
 * linear in its entries: 20,000 take a fraction of a second.
 * @param request.number larger than that of every CRL before (RFC 5280 §5.2.3)
 * @throws XmppkiError BAD_INPUT for an issuer that may not sign CRLs, a number or dates that cannot be;
 *   INTERNAL when a serial number is there twice
 */
export async function createCrl(request: {
  readonly issuer: Issuer
  readonly entries: readonly RevokedEntry[]
  readonly number: bigint
  readonly thisUpdate: Date
  readonly nextUpdate: Date
}): Promise<CreatedCrl> {
  checkRequest(request)
  const { issuer, entries, number, thisUpdate, nextUpdate } = request
  const numberHex = number.toString(16)
  const extensions = sequence(
    extension(OID.authorityKeyIdentifier, sequence(contextPrimitive(0, issuer.keyIdentifier))),
    extension(OID.cRLNumber, serialInteger(numberHex)),
  )
  const tbs = sequence(
    integer(1),
    signatureAlgorithmIdentifier(issuer.key.algorithm),
    issuer.name,
    time(thisUpdate),
    time(nextUpdate),
    ...revokedCertificates(entries),
    element(contextTag(0, 'constructed'), extensions),
  )
  const der = await signStructure(tbs, issuer.key)
  return { pem: encodePem('X509 CRL', der), der }
}

/** What a CRL says. */
export interface CrlFacts {
  /** 1 or 2. */
  readonly version: number
  /** For logs and people (RFC 4514, escaped); never parse it. */
  readonly issuer: string
  /** DER of the issuer's name, to compare with a CA's subject. */
  readonly issuerName: Uint8Array
  /** Undefined in CRLs without one, which a conforming CA does not make (RFC 5280 §5.2.3). */
  readonly number: bigint | undefined
  readonly thisUpdate: Date
  readonly nextUpdate: Date | undefined
  /** In the order of the file. */
  readonly entries: readonly RevokedEntry[]
  /** Critical extensions of the list or an entry that are not understood: it must not be relied upon (RFC 5280 §5.2). */
  readonly unknownCritical: readonly string[]
  /** SHA-256 of the DER, lower-case hexadecimal. */
  readonly fingerprint: string
  readonly signed: SignedStructure
}

const KNOWN_EXTENSIONS: ReadonlySet<string> = new Set([
  OID.authorityKeyIdentifier,
  OID.cRLNumber,
  OID.cRLReasons,
  OID.invalidityDate,
])

function unknownCriticalOf(extensions: readonly RawExtension[]): string[] {
  return extensions.filter(({ oid: id, critical }) => critical && !KNOWN_EXTENSIONS.has(id)).map(({ oid: id }) => id)
}

function readExtensions(list: DerElement | undefined): RawExtension[] {
  const extensions: RawExtension[] = []
  const reader = list?.reader()
  while (reader !== undefined && !reader.done) extensions.push(readExtension(reader.read(TAG.sequence)))
  return extensions
}

function readReason(extensions: readonly RawExtension[]): RevocationReason | undefined {
  const found = extensions.find(({ oid: id }) => id === OID.cRLReasons)
  if (found === undefined) return undefined
  const [code, ...rest] = readSingle(found.value, TAG.enumerated).content
  const reason = REASONS.find((name) => REASON_CODES[name] === code)
  if (reason === undefined || rest.length > 0) throw new DerError('unknown revocation reason')
  return reason
}

function readEntry(reader: DerReader, unknown: Set<string>): RevokedEntry {
  const serial = formatSerial(reader.read(TAG.integer))
  const revokedAt = readTime(reader.next())
  const extensions = readExtensions(reader.readOptional(TAG.sequence))
  reader.finish()
  for (const id of unknownCriticalOf(extensions)) unknown.add(id)
  const reason = readReason(extensions)
  return { serial, revokedAt, ...(reason === undefined ? {} : { reason }) }
}

function readNumber(extensions: readonly RawExtension[]): bigint | undefined {
  const found = extensions.find(({ oid: id }) => id === OID.cRLNumber)
  if (found === undefined) return undefined
  const octets = readInteger(readSingle(found.value, TAG.integer))
  if ((octets[0] ?? 0) >= 0x80 || octets.length > 21) throw new DerError('CRL number out of range')
  return BigInt(`0x${Buffer.from(octets).toString('hex')}`)
}

function readEntries(list: DerElement | undefined, unknown: Set<string>): RevokedEntry[] {
  const entries: RevokedEntry[] = []
  const reader = list?.reader()
  while (reader !== undefined && !reader.done) entries.push(readEntry(reader.read(TAG.sequence).reader(), unknown))
  return entries
}

function readVersion(tbs: DerReader): number {
  const version = tbs.readOptional(TAG.integer)
  if (version === undefined) return 1
  // RFC 5280 §5.1.2.1: when it is there it is v2.
  if (Buffer.compare(readInteger(version), Uint8Array.of(1)) !== 0) throw new DerError('unknown CRL version')
  return 2
}

function readList(der: Uint8Array): CrlFacts {
  const { body, ...signed } = readSignedStructure(readSingle(der, TAG.sequence))
  const tbs = body.reader()
  const version = readVersion(tbs)
  if (Buffer.compare(tbs.read(TAG.sequence).raw, signed.algorithm.raw) !== 0)
    throw new DerError('the two signature algorithm fields differ')
  const issuer = tbs.read(TAG.sequence)
  const thisUpdate = readTime(tbs.next())
  const nextUpdate = tbs.readOptional(TAG.utcTime) ?? tbs.readOptional(TAG.generalizedTime)
  const revoked = tbs.readOptional(TAG.sequence)
  const wrapper = tbs.readOptional(contextTag(0, 'constructed'))
  tbs.finish()
  const extensions = readExtensions(wrapper === undefined ? undefined : readSingle(wrapper.content, TAG.sequence))
  const unknown = new Set(unknownCriticalOf(extensions))
  return {
    version,
    issuer: formatName(readName(issuer)),
    issuerName: issuer.raw,
    number: readNumber(extensions),
    thisUpdate,
    nextUpdate: nextUpdate === undefined ? undefined : readTime(nextUpdate),
    entries: readEntries(revoked, unknown),
    unknownCritical: [...unknown],
    fingerprint: hash('sha256', der, 'hex'),
    signed,
  }
}

/**
 * Reads a CRL (RFC 5280 §5); its signature is a matter of {@link isCrlSignedBy}.
 * @param crl PEM text (label `X509 CRL`) or DER
 * @param source names the file in errors
 * @throws XmppkiError BAD_INPUT for anything that is not exactly one CRL
 */
export function readCrl(crl: string | Uint8Array, source: string): CrlFacts {
  const der = typeof crl === 'string' ? decodePem(crl, 'X509 CRL', source) : crl
  try {
    return readList(der)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw new XmppkiError('BAD_INPUT', `${source} is not a CRL: ${error.message}`, {
      spec: 'RFC 5280 §5.1',
      cause: error,
    })
  }
}

/** Whether the private half of this key signed the CRL. */
export function isCrlSignedBy(crl: CrlFacts, publicKey: KeyObject): boolean {
  return verifyStructure(crl.signed, publicKey)
}
