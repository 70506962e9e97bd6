import type { LoginLedger } from '../../store/ledger.ts'
import type { Refusal } from '../../trust/refusal.ts'

/** Without a ledger nobody knows whether a certificate has been revoked, or enrolled: none is accepted. */
export function noLedger(ledger: Pick<LoginLedger, 'absence'>): Refusal | undefined {
  const reason = ledger.absence?.()
  return reason === undefined ? undefined : { check: 'no-ledger', reason }
}
