import type { Configuration } from '../config/schema.ts'
import { storeUrl } from '../config/store-url.ts'
import type { Log } from '../server/log.ts'
import type { Accounts } from '../store/accounts.ts'
import { openAccounts } from '../store/open/open-accounts.ts'

/** Accounts that are open for a configuration; either taken up or given back. */
export interface PreparedAccounts {
  /** Undefined when no account logs in with a password. */
  readonly accounts: Accounts | undefined
  /** What was open before is closed. */
  take(): Promise<void>
  giveBack(): Promise<void>
}

interface Opened {
  /** Undefined for the file in the workspace. */
  readonly url: string | undefined
  readonly accounts: Accounts
}

/** The accounts of a running server, wherever the configuration has them; a reload may move them. */
export class AccountStore {
  readonly #path: string
  readonly #log: Log
  #opened: Opened | undefined

  /** @param path where the SQLite file is, or is made */
  constructor(path: string, log: Log) {
    this.#path = path
    this.#log = log
  }

  /**
   * Opens what a configuration wants, if it is not open already. A database server that is away now may come back: logins
   * fail until then.
   * @throws {XmppkiError} NOT_FOUND, IO, BAD_INPUT about the URL, CORRUPT
   */
  async prepare(configuration: Configuration): Promise<PreparedAccounts> {
    const before = this.#opened
    const wanted = await this.#open(configuration, before)
    const isSame = wanted === before
    return {
      accounts: wanted?.accounts,
      take: async () => {
        this.#opened = wanted
        if (!isSame) await before?.accounts.close()
      },
      giveBack: async () => {
        if (!isSame) await wanted?.accounts.close()
      },
    }
  }

  async close(): Promise<void> {
    await this.#opened?.accounts.close()
    this.#opened = undefined
  }

  async #open(configuration: Configuration, before: Opened | undefined): Promise<Opened | undefined> {
    if (!configuration.auth.methods.includes('rdbms')) return undefined
    const url = storeUrl(configuration)
    if (before !== undefined && before.url === url) return before
    const accounts = await openAccounts({
      url,
      path: this.#path,
      onUnavailable: ({ message, hint }) => this.#log.error({ error: message, hint }, 'the accounts cannot be read'),
    })
    return { url, accounts }
  }
}
