import { DerError } from '../pki/der/der.ts'
import { OID } from '../pki/der/oids.ts'
import type { Jid } from '../xmpp/address/jid.ts'
import { type CaCertificate, isSelfIssued, mayAnchor, mayIssue } from './ca-certificate.ts'
import { checkForm, type Purpose } from './checks.ts'
import { accountViolation, readConstrainedNames, violation } from './constrained-names.ts'
import type { Refusal } from './refusal.ts'
import type { SignedCertificate } from './signed-certificate.ts'
import { checkStrength } from './strength.ts'

interface AuthorityRules {
  readonly purpose: Purpose | undefined
  readonly minRsaBits: number
}

/**
 * What the CAs of a path say of themselves and of what lies below them, and what does not change while the anchors are the
 * same: form, algorithms, the right to issue, path length, key purposes, name constraints (RFC 5280 §6.1.3, §6.1.4).
 * @param path from the issuer of the leaf to the anchor
 */
export function checkAuthorities(
  leaf: SignedCertificate,
  path: readonly CaCertificate[],
  rules: AuthorityRules,
): Refusal | undefined {
  for (const [index, authority] of path.entries()) {
    const below = path.slice(0, index)
    const refusal = checkAuthority(authority, index === path.length - 1, rules) ?? checkLength(authority, below)
    if (refusal !== undefined) return ofCa(authority, refusal)
    const violated = checkNames(authority, leaf, below)
    if (violated !== undefined) return violated
  }
  return undefined
}

function ofCa({ facts }: CaCertificate, { check, reason }: Refusal): Refusal {
  return { check, reason: `its CA ${facts.subject}: ${reason}` }
}

function checkAuthority(authority: CaCertificate, isTop: boolean, { purpose, minRsaBits }: AuthorityRules) {
  const { facts, certificate } = authority
  return (
    checkForm(facts) ??
    checkStrength(certificate.raw, { minRsaBits, isAnchor: isTop, isCa: true }) ??
    checkIssuing(authority, isTop) ??
    (purpose && checkPurposes(authority, purpose))
  )
}

function checkIssuing({ facts }: CaCertificate, isTop: boolean): Refusal | undefined {
  return (isTop ? mayAnchor : mayIssue)(facts)
    ? undefined
    : { check: 'not-a-ca', reason: 'it may not issue certificates' }
}

/** Key purposes of a CA bound what it issues: RFC 5280 does not say so, every implementation does. */
function checkPurposes({ facts: { extendedKeyUsage } }: CaCertificate, purpose: Purpose): Refusal | undefined {
  const { anyExtendedKeyUsage, [purpose]: wanted } = OID
  if (extendedKeyUsage === undefined) return undefined
  if (extendedKeyUsage.includes(wanted) || extendedKeyUsage.includes(anyExtendedKeyUsage)) return undefined
  const check = purpose === 'clientAuth' ? 'not-for-client-auth' : 'not-for-server-auth'
  return { check, reason: `extended key usage without ${purpose}` }
}

/** RFC 5280 §4.2.1.9: self-issued ones do not count. */
function checkLength({ facts: { pathLength } }: CaCertificate, below: readonly CaCertificate[]): Refusal | undefined {
  const count = below.filter((authority) => !isSelfIssued(authority)).length
  if (pathLength === undefined || count <= pathLength) return undefined
  return { check: 'path-too-long', reason: `${count} CAs below it, and it allows ${pathLength}` }
}

/** RFC 5280 §6.1.3 b, c: on the leaf always, on CAs unless they are self-issued. */
function checkNames(
  authority: CaCertificate,
  leaf: SignedCertificate,
  below: readonly CaCertificate[],
): Refusal | undefined {
  const { constraints } = authority
  if (constraints === undefined) return undefined
  const bound = [leaf, ...below.filter((one) => !isSelfIssued(one)).map(({ certificate }) => certificate)]
  try {
    for (const { raw } of bound) {
      const violated = violation(constraints, readConstrainedNames(raw))
      if (violated !== undefined) return constrained(authority, violated)
    }
    return undefined
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return { check: 'malformed', reason: `a name cannot be read: ${error.message}` }
  }
}

function constrained({ facts }: CaCertificate, violated: string): Refusal {
  return { check: 'name-constraint', reason: `its CA ${facts.subject} ${violated}` }
}

/**
 * Whether the CAs of a path let a certificate open accounts: whatever name becomes an account lies in the constraints.
 * @param accounts asked only when there are any
 */
export function checkAccounts(path: readonly CaCertificate[], accounts: () => readonly Jid[]): Refusal | undefined {
  for (const authority of path) {
    const { constraints } = authority
    if (constraints === undefined) continue
    for (const account of accounts()) {
      const violated = accountViolation(constraints, account)
      if (violated !== undefined) return constrained(authority, violated)
    }
  }
  return undefined
}
