import type { Accounts } from '../store/accounts.ts'
import { failed } from '../xmpp/sasl/attempt.ts'
import type { SaslMechanism, SaslOutcome } from '../xmpp/sasl/mechanism.ts'
import { isFailure, lookUp } from './account-lookup.ts'
import type { Log } from './log.ts'

/** Asks for more than the mechanism itself: that there is an account. Whoever holds a certificate then still needs one. */
export function requiringAccount(mechanism: SaslMechanism, accounts: Pick<Accounts, 'find'>, log: Log): SaslMechanism {
  const gated = async (outcome: SaslOutcome | Promise<SaslOutcome>): Promise<SaslOutcome> => {
    const settled = await outcome
    if (settled.kind === 'failure') return settled
    if (settled.kind === 'challenge') {
      const { exchange } = settled
      return { ...settled, exchange: { respond: (data) => gated(exchange.respond(data)) } }
    }
    const found = await lookUp(accounts, settled.account, log)
    if (isFailure(found)) return found
    return found === undefined ? failed('not-authorized', `there is no account ${settled.account.bare()}`) : settled
  }
  return { ...mechanism, start: (initial) => gated(mechanism.start(initial)) }
}
