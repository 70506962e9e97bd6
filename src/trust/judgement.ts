import type { CertificateFacts } from '../pki/x509/certificate.ts'
import type { Jid } from '../xmpp/address/jid.ts'
import type { TrustAnchors } from './anchors.ts'
import type { CaCertificate, CertificationPath } from './ca-certificate.ts'
import { checkForm, checkPurpose, checkValidity, type Purpose } from './checks.ts'
import { checkAccounts, checkAuthorities } from './path-rules.ts'
import { findPath } from './path-search.ts'
import { isRefusal, type Refusal } from './refusal.ts'
import { idsOf, type PathIds, type RevocationBook, type RevocationRules, revocationOf } from './revocation.ts'
import type { RevocationGap } from './revocation-lists.ts'
import type { SignedCertificate } from './signed-certificate.ts'
import { checkStrength } from './strength.ts'

/** By what certificates are judged. */
export interface TrustRules {
  readonly anchors: TrustAnchors
  /** What it has to be good for; undefined: for anything. */
  readonly purpose: Purpose | undefined
  /** Fewer bits of an RSA key are `weak-key`. */
  readonly minRsaBits: number
  /** Whether it is enough that its own key has signed it. */
  readonly acceptsSelfSigned?: boolean
  /** Undefined: nobody is asked. */
  readonly book?: RevocationBook | undefined
  readonly revocation?: RevocationRules | undefined
}

/** What else there is to one judgement. */
export interface Occasion {
  readonly now: Date
  /** DER of what came with the certificate, in any order; asked for when it is needed. */
  readonly sent?: () => readonly Uint8Array[]
  /** The accounts that its names could open, for name constraints; undefined: none is asked about. */
  readonly accounts?: (names: CertificateFacts) => readonly Jid[]
  /**
   * What was found before by the same anchors and for the same bits of a key: whatever cannot have changed since is not
   * looked at again.
   */
  readonly known?: Accepted | undefined
}

/** A certificate against which nothing speaks. */
export interface Accepted {
  /** From its issuer to the anchor; empty for one that is good because it is self-signed. */
  readonly path: readonly CaCertificate[]
  /** What may be revoked of it: the certificate, then the CAs below the top. */
  readonly ids: PathIds
  /** CAs of which it is not known what they have revoked, in `soft` mode. */
  readonly gaps: readonly RevocationGap[]
}

export type Verdict = Accepted | Refusal

/**
 * The one judgement of a certificate: dates, algorithms, a path to an anchor on which everything holds, form, purpose,
 * names, revocation (RFC 5280 §6). OpenSSL is asked about signatures, keys and encoding; which way leads up is decided
 * here, because the way that is found has to be the way that is judged. Throws for nothing that a peer can send.
 */
export function judge(certificate: SignedCertificate, rules: TrustRules, occasion: Occasion): Verdict {
  const { now, known, sent } = occasion
  const { minRsaBits } = rules
  const untimely = checkValidity(certificate.raw, now)
  if (untimely !== undefined) return untimely
  // Whatever has changed, there may be another way.
  const again = known && judgeAgain(certificate, known, rules, occasion)
  if (again !== undefined && !isRefusal(again)) return again
  const weak = checkStrength(certificate.raw, { minRsaBits, isAnchor: false })
  if (weak !== undefined) return weak
  if (rules.acceptsSelfSigned && certificate.isSelfSigned) return judgedBy(certificate, [], rules, occasion)
  return findPath({
    leaf: certificate,
    sent: sent ?? (() => []),
    anchors: rules.anchors,
    judge: (path) => judgedBy(certificate, path, rules, occasion),
  })
}

/**
 * Where a certificate comes from, and nothing else: a path to an anchor against which nothing speaks, whatever the
 * certificate says of itself and whoever is revoked.
 */
export function judgeOrigin(
  certificate: SignedCertificate,
  rules: Pick<TrustRules, 'anchors' | 'purpose' | 'minRsaBits'>,
  { now, sent = () => [] }: Pick<Occasion, 'now' | 'sent'>,
): CertificationPath | Refusal {
  const weak = checkStrength(certificate.raw, { minRsaBits: rules.minRsaBits, isAnchor: false })
  if (weak !== undefined) return weak
  return findPath({
    leaf: certificate,
    sent,
    anchors: rules.anchors,
    judge: (path) => checkAuthorities(certificate, path, rules) ?? checkDates(path, now) ?? path,
  })
}

/** Everything about a certificate whose signatures are good. */
function judgedBy(
  certificate: SignedCertificate,
  path: readonly CaCertificate[],
  rules: TrustRules,
  occasion: Occasion,
): Verdict {
  return (
    checkAuthorities(certificate, path, rules) ??
    checkLeaf(certificate, rules) ??
    judgeAgain(certificate, { path, ids: idsOf(certificate, path) }, rules, occasion)
  )
}

/** What may change: dates, the rules for names, and what is revoked. */
function judgeAgain(
  certificate: SignedCertificate,
  { path, ids }: Pick<Accepted, 'path' | 'ids'>,
  rules: TrustRules,
  { now, accounts }: Occasion,
): Verdict {
  const constraint = accounts && checkAccounts(path, () => accounts(certificate.facts))
  const early = checkDates(path, now) ?? constraint
  if (early !== undefined) return early
  const gaps = revocationOf(certificate, { path, ids }, rules, now)
  return isRefusal(gaps) ? gaps : { path, ids, gaps }
}

/**
 * What a certificate says of itself, whoever has issued it: dates, key, form, purpose. For those that nobody's signature
 * vouches for, and for questions about one certificate alone.
 */
export function judgeAlone(
  certificate: SignedCertificate,
  rules: Pick<TrustRules, 'purpose' | 'minRsaBits'>,
  now: Date,
): Refusal | undefined {
  return (
    checkValidity(certificate.raw, now) ??
    // Nobody's signature counts here, so it is as good as that of an anchor.
    checkStrength(certificate.raw, { minRsaBits: rules.minRsaBits, isAnchor: true }) ??
    checkLeaf(certificate, rules)
  )
}

function checkLeaf(certificate: SignedCertificate, { purpose }: Pick<TrustRules, 'purpose'>): Refusal | undefined {
  const facts = readable(certificate)
  if (isRefusal(facts)) return facts
  return checkForm(facts) ?? (purpose && checkPurpose(facts, purpose))
}

function readable(certificate: SignedCertificate): CertificateFacts | Refusal {
  try {
    return certificate.facts
  } catch (error) {
    return { check: 'malformed', reason: error instanceof Error ? error.message : String(error) }
  }
}

function checkDates(path: readonly CaCertificate[], now: Date): Refusal | undefined {
  for (const { facts } of path) {
    const refusal = checkValidity(facts, now)
    if (refusal !== undefined) return { check: refusal.check, reason: `its CA ${facts.subject}: ${refusal.reason}` }
  }
  return undefined
}
