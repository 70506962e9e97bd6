import type { Ledger, LedgerChanges } from '../../store/ledger.ts'
import { currentActor } from '../base/audit-events.ts'

/** A certificate of a user's own (XEP-0257) that logs in no more. */
export interface RevokedEnrolment {
  readonly jid: string
  /** What the user calls it. */
  readonly label: string
  /** SHA-256 over the DER certificate, lower-case hexadecimal. */
  readonly fingerprint: string
}

/**
 * Revokes whatever a user has enrolled, for good.
 * @param jid bare, normalised @param changes of a transaction of this ledger @param at milliseconds since the epoch
 */
export function revokeEnrolments(ledger: Ledger, changes: LedgerChanges, jid: string, at: number): RevokedEnrolment[] {
  return ledger.enrolments.list(jid).map(({ label, fingerprint }) => {
    changes.revokeEnrolment(jid, label, at)
    const details = { label, fingerprint }
    changes.audit({ at, event: 'enrolment-revoked', actor: currentActor(), name: jid, details })
    return { jid, label, fingerprint }
  })
}
