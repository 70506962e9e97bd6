import { domainToASCII } from 'node:url'
import { loginMethods } from '../../config/login-methods.ts'
import type { Configuration } from '../../config/schema.ts'
import { XmppkiError } from '../../errors.ts'
import type { TrustAnchors } from '../../trust/anchors.ts'
import type { CaCertificate } from '../../trust/ca-certificate.ts'
import { accountViolation } from '../../trust/constrained-names.ts'

/** Stands for all localparts that no constraint names. */
const ANYBODY = 'anybody'

/**
 * Refuses registration where a CA outside of the workspace may certify users of a domain that is served: whom it has
 * certified the ledger does not know, so a stranger could register the name before its holder comes, and be that person.
 * @param anchors what certificates are accepted from @param ours those of the workspace
 * @throws {XmppkiError} BAD_INPUT
 */
export function checkRegistration(
  { auth, general }: Configuration,
  anchors: TrustAnchors,
  ours: TrustAnchors | undefined,
): void {
  if (!auth.registration || !loginMethods(auth).certificates) return
  for (const authority of anchors.authorities) {
    if (ours?.has(authority) === true) continue
    const host = general.hosts.find((domain) => mayCertify(authority, domain, anchors))
    if (host === undefined) continue
    const { subject } = authority.facts
    throw new XmppkiError('BAD_INPUT', `strangers could register names that ${subject} certifies at ${host}`, {
      hint: 'remove registration or the CA, or have the CA constrained to other domains',
    })
  }
}

/** Where the issuer of a configured CA is configured as well, what binds that one binds both. */
function mayCertify(authority: CaCertificate, domain: string, anchors: TrustAnchors, depth = 0): boolean {
  if (!permitsSomebody(authority, domain)) return false
  const issuers = anchors.named(authority.certificate.issuerName).filter(({ id }) => id !== authority.id)
  const signers = issuers.filter((issuer) => authority.certificate.isSignedBy(issuer))
  if (signers.length === 0 || depth >= anchors.authorities.length) return true
  return signers.some((issuer) => mayCertify(issuer, domain, anchors, depth + 1))
}

function permitsSomebody({ constraints }: CaCertificate, domain: string): boolean {
  if (constraints === undefined) return true
  const host = `@${domainToASCII(domain)}`
  const mailboxes = constraints.permitted.emails
    .filter((base) => base.endsWith(host))
    .map((base) => base.slice(0, -host.length))
  return [ANYBODY, ...mailboxes].some((local) => accountViolation(constraints, { local, domain }) === undefined)
}
