import { XmppkiError } from '../../errors.ts'
import type { Account, Accounts } from '../../store/accounts.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import { failed } from '../../xmpp/sasl/attempt.ts'
import type { DummyKeySource } from '../../xmpp/sasl/dummy-keys.ts'
import type { SaslFailure } from '../../xmpp/sasl/mechanism.ts'
import type { Log } from '../log.ts'

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

/** As {@link lookUp}: what dummies of a domain are made from. */
export function lookUpDummyKeys(
  accounts: Pick<Accounts, 'dummySecret' | 'keyForms'>,
  domain: string,
  log: Log,
): Promise<Pick<DummyKeySource, 'secret' | 'forms'> | SaslFailure> {
  return ask(async () => ({ secret: await accounts.dummySecret(), forms: await accounts.keyForms(domain) }), log)
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

export function isFailure(found: object | undefined): found is SaslFailure {
  return found !== undefined && 'kind' in found
}
