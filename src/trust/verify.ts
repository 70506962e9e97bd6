import { type CertificateFacts, openCertificate, readCertificate } from '../pki/certificate.ts'
import { readRawCertificate } from '../pki/certificate-der.ts'
import { type CrlFacts, isCrlSignedBy } from '../pki/crl.ts'
import { OID } from '../pki/oids.ts'
import { decodePemAll } from '../pki/pem.ts'
import { checkForm, checkPurpose, checkValidity, type Purpose, TrustAnchors } from './chain.ts'

/** One question about a certificate, answered; `text` completes a line for people. */
export interface Check {
  readonly name: 'form' | 'dates' | 'purpose' | 'chain' | 'revocation'
  readonly ok: boolean
  readonly text: string
}

/** What the issuing CA's own records say, where there are any. */
export interface LedgerEntry {
  /** SHA-256 of the DER, lower-case hexadecimal. */
  readonly fingerprint: string
  /** The CA that signed it, see `authorityId`. */
  readonly authority: string
  /** Milliseconds since the epoch. */
  readonly revokedAt?: number
  readonly revocationReason?: string
}

export interface VerifyRequest {
  /** DER of the certificate, then of intermediate CAs in any order. */
  readonly chain: readonly [Uint8Array, ...Uint8Array[]]
  /** PEM of the CA certificates that are trusted. */
  readonly anchors: string
  /** Names the anchors in errors. */
  readonly anchorSource: string
  /** What the certificate is to be used for; undefined judges by the purposes that it states itself. */
  readonly purpose: Purpose | undefined
  readonly now: Date
  /** What has this serial number, of whichever CA; undefined when there is no ledger. */
  readonly listBySerial: ((serial: string) => readonly LedgerEntry[]) | undefined
  /** Checked when given. */
  readonly crl: CrlFacts | undefined
}

export interface Verification {
  readonly subject: string
  readonly serial: string
  /** Whether every check passed. */
  readonly valid: boolean
  readonly checks: readonly Check[]
}

function checkOf(name: Check['name'], refusal: { readonly reason: string } | undefined, success: string): Check {
  return { name, ok: refusal === undefined, text: refusal?.reason ?? success }
}

function statedPurpose({ extendedKeyUsage, isCa }: CertificateFacts): Purpose | undefined {
  if (isCa && extendedKeyUsage === undefined) return undefined
  if (extendedKeyUsage?.length === 1 && extendedKeyUsage.includes(OID.ocspSigning)) return undefined
  return extendedKeyUsage?.includes(OID.serverAuth) && !extendedKeyUsage.includes(OID.clientAuth)
    ? 'serverAuth'
    : 'clientAuth'
}

function purposeCheck(facts: CertificateFacts, asked: Purpose | undefined): Check {
  const purpose = asked ?? statedPurpose(facts)
  if (purpose === undefined) {
    return { name: 'purpose', ok: true, text: facts.isCa ? 'a certificate authority' : 'an OCSP responder' }
  }
  return checkOf('purpose', checkPurpose(facts, purpose), purpose)
}

function ledgerCheck(facts: CertificateFacts, entries: readonly LedgerEntry[], issuer: string | undefined): Check {
  const name = 'revocation'
  const itself = entries.find(({ fingerprint }) => fingerprint === facts.fingerprint)
  const entry = itself ?? entries.find(({ authority }) => authority === issuer || authority === '')
  if (entry === undefined) return { name, ok: true, text: 'not revoked; the ledger does not know it' }
  if (entry.fingerprint !== facts.fingerprint) {
    return { name, ok: false, text: 'the ledger has another certificate with this serial number' }
  }
  if (entry.revokedAt === undefined) return { name, ok: true, text: 'not revoked, says the ledger' }
  const why = entry.revocationReason === undefined ? '' : ` (${entry.revocationReason})`
  return { name, ok: false, text: `revoked on ${new Date(entry.revokedAt).toISOString()}${why}, says the ledger` }
}

/** Whether this CRL may be asked about the certificate at all (RFC 5280 §6.3.3). */
function crlProblem(request: VerifyRequest & { crl: CrlFacts }, trusted: TrustAnchors): string | undefined {
  const { chain, crl, now } = request
  const [leaf, ...intermediates] = chain
  if (Buffer.compare(readRawCertificate(leaf).issuer.raw, crl.issuerName) !== 0) return 'the CRL is of another CA'
  // Whoever sent the certificate sent the intermediates too: only those with a path of their own count.
  const proven = intermediates.filter((der) => trusted.check(der, now, intermediates) === undefined)
  const authorities = [...decodePemAll(request.anchors, 'CERTIFICATE', request.anchorSource), ...proven]
  const signers = authorities.filter((der) => maySignCrls(der, crl.issuerName))
  if (!signers.some((der) => isCrlSignedBy(crl, openCertificate(der).publicKey))) {
    return 'the CRL is not signed by the CA'
  }
  if (crl.unknownCritical.length > 0) return `the CRL has the unknown critical extension ${crl.unknownCritical[0]}`
  if (now < crl.thisUpdate) return `the CRL begins at ${crl.thisUpdate.toISOString()}`
  const { nextUpdate } = crl
  return nextUpdate !== undefined && now >= nextUpdate
    ? `the CRL is stale since ${nextUpdate.toISOString()}`
    : undefined
}

/** Whether this is the CA of that name, and may sign CRLs (RFC 5280 §4.2.1.3). */
function maySignCrls(der: Uint8Array, name: Uint8Array): boolean {
  const named = Buffer.compare(readRawCertificate(der).subject.raw, name) === 0
  return named && readCertificate(der).keyUsage?.includes('cRLSign') !== false
}

function crlCheck(facts: CertificateFacts, request: VerifyRequest & { crl: CrlFacts }, trusted: TrustAnchors): Check {
  const name = 'revocation'
  const problem = crlProblem(request, trusted)
  if (problem !== undefined) return { name, ok: false, text: problem }
  const entry = request.crl.entries.find(({ serial }) => serial === facts.serial)
  if (entry === undefined) return { name, ok: true, text: 'not revoked, says the CRL' }
  const why = entry.reason === undefined ? '' : ` (${entry.reason})`
  return { name, ok: false, text: `revoked on ${entry.revokedAt.toISOString()}${why}, says the CRL` }
}

function revocationChecks(
  facts: CertificateFacts,
  request: VerifyRequest,
  { trusted, issuer }: { readonly trusted: TrustAnchors; readonly issuer: string | undefined },
): Check[] {
  const { listBySerial, crl } = request
  if (listBySerial === undefined && crl === undefined) {
    return [{ name: 'revocation', ok: true, text: 'not checked: neither a ledger nor a CRL was given' }]
  }
  return [
    ...(listBySerial === undefined ? [] : [ledgerCheck(facts, listBySerial(facts.serial), issuer)]),
    ...(crl === undefined ? [] : [crlCheck(facts, { ...request, crl }, trusted)]),
  ]
}

/**
 * Whether a certificate would be accepted now: form, dates, purpose, path to a trusted CA, revocation. All checks
 * are made, also when one has failed. Name constraints are left to TLS, which sees them at every handshake.
 * @throws XmppkiError BAD_INPUT when the first one is no certificate, or the anchors are not CA certificates
 */
export function verifyCertificate(request: VerifyRequest): Verification {
  const { chain, now } = request
  const [leaf, ...intermediates] = chain
  const facts = readCertificate(leaf, 'the certificate')
  const anchors = new TrustAnchors([request.anchors], request.anchorSource)
  const path = anchors.pathOf(leaf, now, intermediates)
  const [refusal, issuer] = 'check' in path ? [path, undefined] : [undefined, path[0]?.id]
  const checks = [
    checkOf('form', checkForm(facts), 'readable without doubt'),
    checkOf('dates', checkValidity(facts, now), `valid until ${facts.notAfter.toISOString()}`),
    purposeCheck(facts, request.purpose),
    checkOf('chain', refusal, `issued by ${facts.issuer}`),
    ...revocationChecks(facts, request, { trusted: anchors, issuer }),
  ]
  return { subject: facts.subject, serial: facts.serial, valid: checks.every(({ ok }) => ok), checks }
}
