import type { Jid } from '../../xmpp/address/jid.ts'
import type { SaslFailure, SaslMechanism, SaslOutcome } from '../../xmpp/sasl/mechanism.ts'

type Outcome = SaslOutcome | Promise<SaslOutcome>
type Refusal = SaslFailure | undefined

/**
 * Asks for more than the mechanism itself, when it has agreed.
 * @param admit why the account may not log in by it now
 */
export function gated(mechanism: SaslMechanism, admit: (account: Jid) => Refusal | Promise<Refusal>): SaslMechanism {
  const judge = (outcome: SaslOutcome, ask: () => Outcome): Outcome => {
    if (outcome.kind === 'failure') return outcome
    if (outcome.kind === 'challenge') {
      const { exchange } = outcome
      return { ...outcome, exchange: { respond: (data) => settle(() => exchange.respond(data)) } }
    }
    const refusal = admit(outcome.account)
    if (!(refusal instanceof Promise)) return refusal ?? outcome
    // Once more after the wait: what the mechanism rests on may have been revoked in it, before anybody watched over it.
    return refusal.then((settled) => settled ?? ask())
  }
  const settle = (ask: () => Outcome): Outcome => {
    const outcome = ask()
    return outcome instanceof Promise ? outcome.then((settled) => judge(settled, ask)) : judge(outcome, ask)
  }
  return { ...mechanism, start: (initial) => settle(() => mechanism.start(initial)) }
}
