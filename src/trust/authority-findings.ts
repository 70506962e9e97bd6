import type { CaCertificate } from './ca-certificate.ts'
import { checkValidity } from './checks.ts'
import { maySignLists } from './loaded-list.ts'

/** What somebody who runs a server should know about a CA or a CRL that it trusts. */
export interface TrustFinding {
  /** In words; lower-case start, no full stop. */
  readonly text: string
  readonly fix: string
}

const DAY_MS = 86_400_000

/** A CA that ends sooner needs a successor now: everybody has to be given certificates of that one. */
const WARN_DAYS = 90

function datesOf({ facts }: CaCertificate, now: Date): TrustFinding[] {
  const refusal = checkValidity(facts, now)
  if (refusal !== undefined) {
    const fix = 'put the certificate of its successor there'
    const verdict = refusal.reason.replace(/^not /, 'is not ')
    return [{ text: `the CA ${facts.subject} ${verdict}: nobody logs in with its certificates`, fix }]
  }
  const days = Math.floor((facts.notAfter.getTime() - now.getTime()) / DAY_MS)
  if (days >= WARN_DAYS) return []
  return [{ text: `the CA ${facts.subject} ends in ${days} days`, fix: 'add the certificate of its successor' }]
}

/** A root needs nobody above it, and so does a CA whose issuer is there. */
function isComplete(authority: CaCertificate, others: readonly CaCertificate[]): boolean {
  const { certificate } = authority
  if (certificate.isSelfSigned) return true
  return others.some((other) => other.name === certificate.issuerName && certificate.isSignedBy(other))
}

/**
 * What is wrong, or soon will be, with a CA that client certificates are accepted from.
 * @param all every CA that is accepted at the same place
 */
export function authorityFindings(authority: CaCertificate, all: readonly CaCertificate[], now: Date): TrustFinding[] {
  const { subject, issuer } = authority.facts
  const findings = datesOf(authority, now)
  if (!isComplete(authority, all)) {
    const text = `the CA ${subject} was issued by ${issuer}, which is not configured: whether it was revoked is not looked up`
    findings.push({ text, fix: `add the certificate of ${issuer}` })
  }
  if (!maySignLists(authority)) {
    const text = `the CA ${subject} may not sign CRLs: its keyUsage lacks cRLSign`
    findings.push({ text, fix: 'ask for a certificate of that CA with cRLSign' })
  }
  return findings
}
