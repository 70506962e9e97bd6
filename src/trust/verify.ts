import { type CertificateFacts, readCertificate } from '../pki/certificate.ts'
import { OID } from '../pki/oids.ts'
import {
  type CertificationPath,
  checkForm,
  checkPurpose,
  checkValidity,
  type Purpose,
  type Refusal,
  TrustAnchors,
} from './chain.ts'
import type { ListedCertificate } from './list-coverage.ts'
import { isUsable, type LoadedList, type UnusableList } from './loaded-list.ts'
import { RevocationLists } from './revocation-lists.ts'

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
  /** Looks a serial number up; undefined when there is no ledger. */
  readonly findBySerial: ((serial: string) => LedgerEntry | undefined) | undefined
  /** Looked into when given, as `serve` does in the strict mode. */
  readonly crls: readonly (LoadedList | UnusableList)[] | undefined
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

/** Of the certificate itself, then of the CAs above it that are not trusted by themselves. */
function crlText(request: VerifyRequest, lists: RevocationLists, path: CertificationPath) {
  const [leaf] = request.chain
  let issued: ListedCertificate = { facts: readCertificate(leaf), certificate: { raw: leaf } }
  for (const [index, issuer] of path.entries()) {
    const answer = lists.statusOf(issued, issuer, request.now)
    if (answer.kind === 'revoked') {
      const what = index === 0 ? '' : `its CA ${issued.facts.serial} was `
      const why = answer.reason === undefined ? '' : ` (${answer.reason})`
      return { ok: false, text: `${what}revoked on ${answer.revokedAt.toISOString()}${why}, says the CRL` }
    }
    // Whoever gives one list has not given those of all CAs above.
    if (answer.kind === 'unknown' && index === 0) {
      return { ok: false, text: `not known whether ${issuer.facts.subject} has revoked it: ${answer.reason}` }
    }
    issued = issuer
  }
  return { ok: true, text: 'not revoked, says the CRL' }
}

function crlCheck(
  request: VerifyRequest & { crls: readonly (LoadedList | UnusableList)[] },
  { authorities }: TrustAnchors,
  path: CertificationPath | Refusal,
): Check {
  const name = 'revocation'
  const loaded = request.crls.filter(isUsable)
  const [unusable] = request.crls.flatMap((list) => (isUsable(list) ? [] : [list]))
  if ('check' in path) return { name, ok: false, text: 'not looked up in the CRL: no path leads to a trusted CA' }
  const lists = new RevocationLists(loaded, { exempt: new Set(), authorities })
  const { ok, text } = crlText(request, lists, path)
  return { name, ok, text: ok || unusable === undefined ? text : `${text}; a CRL cannot be used: ${unusable.reason}` }
}

function revocationChecks(
  facts: CertificateFacts,
  request: VerifyRequest,
  trusted: TrustAnchors,
  path: CertificationPath | Refusal,
): Check[] {
  const { findBySerial, crls } = request
  if (findBySerial === undefined && crls === undefined) {
    return [{ name: 'revocation', ok: true, text: 'not checked: neither a ledger nor a CRL was given' }]
  }
  return [
    ...(findBySerial === undefined ? [] : [ledgerCheck(facts, findBySerial(facts.serial))]),
    ...(crls === undefined ? [] : [crlCheck({ ...request, crls }, trusted, path)]),
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
  const checks = [
    checkOf('form', checkForm(facts), 'readable without doubt'),
    checkOf('dates', checkValidity(facts, now), `valid until ${facts.notAfter.toISOString()}`),
    purposeCheck(facts, request.purpose),
    checkOf('chain', 'check' in path ? path : undefined, `issued by ${facts.issuer}`),
    ...revocationChecks(facts, request, anchors, path),
  ]
  return { subject: facts.subject, serial: facts.serial, valid: checks.every(({ ok }) => ok), checks }
}
