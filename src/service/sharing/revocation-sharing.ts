import type { Log } from '../../server/log.ts'
import type { Ledger } from '../../store/ledger.ts'
import type { LedgerWatch } from '../../store/ledger-watch.ts'
import { openRevocationFeed } from '../../store/open/open-revocation-feed.ts'
import { SqliteRevocations } from '../../store/sqlite/revocations.ts'
import { RevocationExchange } from './revocation-exchange.ts'

export interface SharingOptions {
  /** Of the file that keeps what others have told; made when there is something to share. */
  readonly path: string
  /** Over what the ledger and others know. */
  readonly watch: () => LedgerWatch
  readonly log: Log
}

/** The revocations that a running server shares with others. */
export class RevocationSharing {
  readonly #own: Ledger
  readonly #options: SharingOptions
  #replica: SqliteRevocations | undefined
  #exchange: RevocationExchange | undefined

  constructor(ledger: Ledger, options: SharingOptions) {
    this.#own = ledger
    this.#options = options
  }

  /** What others have revoked; undefined as long as nothing has been shared. */
  get replica(): SqliteRevocations | undefined {
    return this.#replica
  }

  /**
   * Shares over this database from now on, or with nobody any more; what is known stays known as long as this runs.
   * Resolves when the database has been read once, or cannot be: that is logged, and tried again.
   * @throws {XmppkiError} BAD_INPUT, CORRUPT, IO
   */
  async use(url: string | undefined): Promise<void> {
    await this.#exchange?.stop()
    this.#exchange = undefined
    if (url === undefined) return
    const { path, watch, log } = this.#options
    this.#replica ??= new SqliteRevocations(path)
    const feed = await openRevocationFeed(url)
    this.#exchange = new RevocationExchange({ ledger: this.#own, feed, replica: this.#replica, log, watch: watch() })
    await this.#exchange.start()
  }

  async stop(): Promise<void> {
    await this.use(undefined)
    this.#replica?.close()
    this.#replica = undefined
  }
}
