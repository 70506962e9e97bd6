import { TAG } from '../der/der.ts'
import { element } from '../der/der-writer.ts'

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

/** The reason of this number; undefined for 7, which is not used, and for numbers that nobody has given a meaning. */
export function reasonOfCode(code: number | undefined): RevocationReason | undefined {
  return REASONS.find((name) => REASON_CODES[name] === code)
}
