import type { Configuration } from '../config/schema.ts'
import { storeUrl } from '../config/store-url.ts'
import type { Log } from '../server/log.ts'
import type { Accounts } from '../store/accounts.ts'
import { openAccounts } from '../store/open-accounts.ts'

/** Accounts that were opened, and where they are. */
interface Opened {
  /** Undefined when nobody logs in by password. */
  readonly accounts: Accounts | undefined
  readonly place: string | undefined
}

const NOWHERE: Opened = { accounts: undefined, place: undefined }

/** The accounts of a running server, which may come to be elsewhere at a reload. */
export class AccountStore {
  readonly #path: string
  readonly #log: Pick<Log, 'warn'>
  #current = NOWHERE

  /** @param path of the SQLite file, for configurations that name no database */
  constructor(path: string, log: Pick<Log, 'warn'>) {
    this.#path = path
    this.#log = log
  }

  /**
   * Opens what a configuration needs; the same as now when it is in the same place. A database that cannot be reached is
   * no obstacle: certificates log in without it, and passwords as soon as it is there.
   * @returns to be handed to either {@link adopt} or {@link drop}
   * @throws {XmppkiError} BAD_INPUT, NOT_FOUND about the URL, CORRUPT, IO
   */
  async open(configuration: Configuration): Promise<Opened> {
    const url = storeUrl(configuration)
    const place = url ?? this.#path
    if (!configuration.auth.methods.some((method: string) => method !== 'pki')) return NOWHERE
    if (place === this.#current.place) return this.#current
    const accounts = await openAccounts({
      url,
      path: this.#path,
      onUnavailable: ({ message }) => this.#log.warn({ error: message }, 'nobody can log in by password for now'),
    })
    return { accounts, place }
  }

  /** From now on these are in use; those before are closed. */
  async adopt(opened: Opened): Promise<void> {
    const before = this.#current
    this.#current = opened
    if (before !== opened) await before.accounts?.close()
  }

  /** Closes what does not come into use. */
  async drop(opened: Opened): Promise<void> {
    if (opened !== this.#current) await opened.accounts?.close()
  }

  close(): Promise<void> {
    return this.adopt(NOWHERE)
  }
}
