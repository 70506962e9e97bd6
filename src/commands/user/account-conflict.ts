import { XmppkiError } from '../../errors.ts'
import type { CreationConflict } from '../../store/accounts.ts'

/** Says that an account was not made, and why. */
export function conflictError(jid: string, conflict: CreationConflict): XmppkiError {
  if (conflict === 'exists') {
    return new XmppkiError('EXISTS', `there is an account ${jid} already`, {
      hint: '--if-missing accepts it; xmppki user passwd sets another password',
    })
  }
  return new XmppkiError('EXISTS', `no account ${jid}: its domain has as many as it may have`, {
    hint: 'raise auth.max_users_per_domain in xmppki.toml',
  })
}
