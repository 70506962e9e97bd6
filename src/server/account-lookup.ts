import { XmppkiError } from '../errors.ts'
import type { Account, Accounts } from '../store/accounts.ts'
import type { Jid } from '../xmpp/jid.ts'
import { failed } from '../xmpp/sasl/attempt.ts'
import type { SaslFailure } from '../xmpp/sasl/mechanism.ts'
import type { Log } from './log.ts'

/** The answer to a login while accounts cannot be asked about: it says nothing about any of them. */
function unavailable(): SaslFailure {
  return failed('temporary-auth-failure', 'the accounts cannot be read')
}

/**
 * Whether there is such an account, for a login. An unreachable store is an operator's matter and costs this login only.
 * @returns undefined when there is none
 */
export async function lookUp(
  accounts: Pick<Accounts, 'find'>,
  account: Jid,
  log: Log,
): Promise<Account | undefined | SaslFailure> {
  return ask(() => accounts.find(account.bare().toString()), log)
}

/** As {@link lookUp}: what decoys are made from. */
export function lookUpSecret(accounts: Pick<Accounts, 'decoySecret'>, log: Log): Promise<Uint8Array | SaslFailure> {
  return ask(() => accounts.decoySecret(), log)
}

async function ask<T>(work: () => Promise<T>, log: Log): Promise<T | SaslFailure> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof XmppkiError)) throw error
    log.error({ error: error.message, hint: error.hint }, 'the accounts cannot be read')
    return unavailable()
  }
}

export function isFailure(found: Account | Uint8Array | undefined | SaslFailure): found is SaslFailure {
  return found !== undefined && 'kind' in found
}
