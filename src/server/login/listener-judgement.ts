import { judge, type Occasion, type TrustRules, type Verdict } from '../../trust/judgement.ts'
import type { Refusal } from '../../trust/refusal.ts'
import type { SignedCertificate } from '../../trust/signed-certificate.ts'
import type { ClientTrust } from '../net/client-trust.ts'

export const NOT_ACCEPTED: Refusal = { check: 'not-accepted', reason: 'certificates are not accepted any more' }

/** Whether a listener asks for certificates at all. */
export function isAsked({ verifyMode }: ClientTrust): boolean {
  return verifyMode !== 'none'
}

/** What a listener makes of a client certificate. */
export function judgeFor(
  trust: ClientTrust,
  certificate: SignedCertificate,
  given: { readonly rules: Pick<TrustRules, 'book' | 'minRsaBits'>; readonly occasion: Occasion },
): Verdict {
  if (!isAsked(trust)) return NOT_ACCEPTED
  const { anchors, verifyMode, revocation } = trust
  const { book, minRsaBits } = given.rules
  const acceptsSelfSigned = verifyMode === 'selfsigned_peer'
  const rules: TrustRules = { anchors, acceptsSelfSigned, book, minRsaBits, revocation, purpose: 'clientAuth' }
  return judge(certificate, rules, given.occasion)
}
