import { XmppkiError } from '../errors.ts'
import { OID } from '../pki/der/oids.ts'
import { DEFAULT_MIN_RSA_BITS } from '../pki/keys/key-strength.ts'
import type { CertificateFacts } from '../pki/x509/certificate.ts'
import type { CertificateId } from '../store/certificate-id.ts'
import { TrustAnchors } from './anchors.ts'
import type { CaCertificate } from './ca-certificate.ts'
import { checkForm, checkPurpose, checkValidity, type Purpose } from './checks.ts'
import { judge, judgeOrigin, type Occasion, type TrustRules } from './judgement.ts'
import { isUsable, type LoadedList, type UnusableList } from './loaded-list.ts'
import { isRefusal, type Refusal, type RefusalName } from './refusal.ts'
import { idsOf, type RevocationRules } from './revocation.ts'
import { RevocationLists } from './revocation-lists.ts'
import { SignedCertificate } from './signed-certificate.ts'
import { checkStrength } from './strength.ts'

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
  /** Milliseconds since the epoch. */
  readonly revokedAt?: number
  readonly revocationReason?: string
}

export interface VerifyRequest extends Pick<Occasion, 'accounts'> {
  /** DER of the certificate, then of intermediate CAs in any order. */
  readonly chain: readonly [Uint8Array, ...Uint8Array[]]
  /** PEM of the CA certificates that are trusted. */
  readonly anchors: string
  /** Names the anchors in errors. */
  readonly anchorSource: string
  /** What the certificate is to be used for; undefined judges by the purposes that it states itself. */
  readonly purpose: Purpose | undefined
  readonly now: Date
  /** Looks a certificate up; undefined when there is no ledger. */
  readonly find: ((certificate: CertificateId) => LedgerEntry | undefined) | undefined
  /** Looked into when given, as `serve` does in the strict mode. */
  readonly crls: readonly (LoadedList | UnusableList)[] | undefined
}

export interface Verification {
  readonly subject: string
  readonly serial: string
  /** Whether every check passed. */
  readonly valid: boolean
  /** Why `serve` would refuse it, by the names that its log has; null when it would not. */
  readonly refusal: RefusalName | null
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

function purposeCheck(facts: CertificateFacts, purpose: Purpose | undefined): Check {
  if (purpose === undefined) {
    return { name: 'purpose', ok: true, text: facts.isCa ? 'a certificate authority' : 'an OCSP responder' }
  }
  return checkOf('purpose', checkPurpose(facts, purpose), purpose)
}

/** A certificate with the path that was found for it, or why none was. */
interface Found {
  readonly certificate: SignedCertificate
  readonly path: readonly CaCertificate[] | Refusal
}

function ledgerText({ certificate, path }: Found, find: NonNullable<VerifyRequest['find']>): Omit<Check, 'name'> {
  if (isRefusal(path)) return { ok: true, text: 'not looked up in the ledger: no path leads to a trusted CA' }
  const [id] = idsOf(certificate, path)
  const entry = find(id)
  if (entry === undefined) return { ok: true, text: 'not revoked; the ledger does not know it' }
  if (entry.fingerprint !== certificate.fingerprint) {
    return { ok: false, text: 'the ledger has another certificate with this serial number' }
  }
  if (entry.revokedAt === undefined) return { ok: true, text: 'not revoked, says the ledger' }
  const why = entry.revocationReason === undefined ? '' : ` (${entry.revocationReason})`
  return { ok: false, text: `revoked on ${new Date(entry.revokedAt).toISOString()}${why}, says the ledger` }
}

/** Of the certificate itself, then of the CAs above it that are not trusted by themselves. */
function crlText({ certificate, path }: Found, { lists }: RevocationRules, now: Date): Omit<Check, 'name'> {
  if (isRefusal(path)) return { ok: false, text: 'not looked up in the CRL: no path leads to a trusted CA' }
  let issued = certificate
  for (const issuer of path) {
    const answer = lists.statusOf(issued, issuer, now)
    if (answer.kind === 'revoked') {
      const what = issued === certificate ? '' : `its CA ${issued.serial} was `
      const why = answer.reason === undefined ? '' : ` (${answer.reason})`
      return { ok: false, text: `${what}revoked on ${answer.revokedAt.toISOString()}${why}, says the CRL` }
    }
    // Whoever gives one list has not given those of all CAs above.
    if (answer.kind === 'unknown' && issued === certificate) {
      return { ok: false, text: `not known whether ${issuer.facts.subject} has revoked it: ${answer.reason}` }
    }
    issued = issuer.certificate
  }
  return { ok: true, text: 'not revoked, says the CRL' }
}

function revocationChecks(found: Found, request: VerifyRequest, rules: RevocationRules | undefined): Check[] {
  const { find, crls = [], now } = request
  const texts: Omit<Check, 'name'>[] = []
  if (find !== undefined) texts.push(ledgerText(found, find))
  if (rules !== undefined) {
    const { ok, text } = crlText(found, rules, now)
    const [unusable] = crls.flatMap((list) => (isUsable(list) ? [] : [list]))
    texts.push({ ok, text: ok || unusable === undefined ? text : `${text}; a CRL cannot be used: ${unusable.reason}` })
  }
  if (texts.length === 0) texts.push({ ok: true, text: 'not checked: neither a ledger nor a CRL was given' })
  return texts.map((text) => ({ name: 'revocation' as const, ...text }))
}

function rulesOf({ anchors, anchorSource, find, crls }: VerifyRequest, purpose: Purpose | undefined): TrustRules {
  const trusted = new TrustAnchors([anchors], anchorSource)
  const options = { exempt: new Set<string>(), authorities: trusted.authorities }
  return {
    anchors: trusted,
    purpose,
    minRsaBits: DEFAULT_MIN_RSA_BITS,
    book: find && { revokedAt: (id) => find(id)?.revokedAt },
    revocation: crls && { lists: new RevocationLists(crls.filter(isUsable), options), mode: 'soft' },
  }
}

/**
 * Whether a certificate would be accepted now: form, dates, purpose, path to a trusted CA, revocation. All checks are made,
 * also when one has failed; beside them stands what `serve` would say.
 * @throws XmppkiError BAD_INPUT when the first one is not a certificate, or the anchors are not CA certificates
 */
export function verifyCertificate(request: VerifyRequest): Verification {
  const { chain, now } = request
  const [leaf, ...sent] = chain
  const certificate = SignedCertificate.open(leaf)
  if (isRefusal(certificate)) throw new XmppkiError('BAD_INPUT', `the certificate is ${certificate.reason}`)
  const { facts } = certificate
  const purpose = request.purpose ?? statedPurpose(facts)
  const rules = rulesOf(request, purpose)
  const occasion = { now, sent: () => sent, ...(request.accounts && { accounts: request.accounts }) }
  const path = judgeOrigin(certificate, rules, occasion)
  const verdict = judge(certificate, rules, occasion)
  const strength = checkStrength(certificate.raw, { minRsaBits: rules.minRsaBits, isAnchor: true })
  const checks = [
    checkOf('form', checkForm(facts) ?? strength, 'readable without doubt'),
    checkOf('dates', checkValidity(facts, now), `valid until ${facts.notAfter.toISOString()}`),
    purposeCheck(facts, purpose),
    checkOf('chain', isRefusal(path) ? path : undefined, `issued by ${facts.issuer}`),
    ...revocationChecks({ certificate, path }, request, rules.revocation),
  ]
  return describe(facts, checks, isRefusal(verdict) ? verdict : undefined)
}

/** What no single check has found out, a CA that is revoked say, stands with the path. */
function describe({ subject, serial }: CertificateFacts, checks: readonly Check[], refusal: Refusal | undefined) {
  const isExplained = refusal === undefined || checks.some(({ ok }) => !ok)
  const all = checks.map((check) => {
    return check.name === 'chain' && !isExplained ? { ...check, ok: false, text: refusal.reason } : check
  })
  return { subject, serial, valid: all.every(({ ok }) => ok), refusal: refusal?.check ?? null, checks: all }
}
