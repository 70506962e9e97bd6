import { XmppkiError } from '../../errors.ts'
import { Memo } from '../../memo.ts'
import type { Accounts } from '../../store/accounts.ts'
import type { LoginLedger } from '../../store/ledger.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import type { Log } from '../log.ts'

/** How long names wait in memory: one write for all that come in this time. */
const DELAY_MS = 1_000

/** Names that are not written again when they come back. */
const MAX_WRITTEN = 10_000

export interface HolderBookOptions {
  /** Undefined while there are none; asked at every use. */
  readonly accounts: () => Pick<Accounts, 'noteHolders' | 'isHolder'> | undefined
  readonly ledger: Pick<LoginLedger, 'knowsClient'>
  readonly log: Pick<Log, 'warn'>
}

/**
 * Names that belong to somebody who has had a certificate for them, whether or not there is an account: nobody else may
 * have them. Those who log in with certificates of other CAs are remembered in the store of the accounts.
 */
export class HolderBook {
  readonly #options: HolderBookOptions
  readonly #written = new Memo<true>(MAX_WRITTEN)
  #pending = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: HolderBookOptions) {
    this.#options = options
  }

  /** Of somebody who has logged in with a certificate. @param account bare */
  note(account: Jid): void {
    const jid = account.toString()
    if (this.#written.get(jid) === true) return
    this.#pending.add(jid)
    this.#timer ??= setTimeout(() => void this.write(), DELAY_MS).unref()
  }

  /** @throws {XmppkiError} when that cannot be found out */
  async isKnown(jid: string): Promise<boolean> {
    if (this.#pending.has(jid) || this.#options.ledger.knowsClient(jid)) return true
    return (await this.#options.accounts()?.isHolder(jid)) === true
  }

  /** Writes what is left. Never throws: what fails is logged, and tried again with the next name. */
  async write(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const accounts = this.#options.accounts()
    const names = [...this.#pending]
    if (accounts === undefined || names.length === 0) return
    try {
      await accounts.noteHolders(names)
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      this.#options.log.warn({ error: error.message }, 'who has logged in with a certificate is not written down yet')
      return
    }
    for (const name of names) {
      this.#pending.delete(name)
      this.#written.keep(name, true)
    }
  }
}
