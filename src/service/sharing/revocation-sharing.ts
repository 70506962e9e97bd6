import type { Log } from '../../server/log.ts'
import type { Ledger } from '../../store/ledger.ts'
import { openRevocationFeed } from '../../store/open/open-revocation-feed.ts'
import { SqliteRevocations } from '../../store/sqlite/revocations.ts'
import { RevocationExchange } from './revocation-exchange.ts'

/** The revocations that a running server shares with others. */
export class RevocationSharing {
  readonly #own: Ledger
  readonly #path: string
  readonly #log: Log
  #replica: SqliteRevocations | undefined
  #exchange: RevocationExchange | undefined

  /** @param path of the file that keeps what others have revoked; made when there is something to share */
  constructor(ledger: Ledger, path: string, log: Log) {
    this.#own = ledger
    this.#path = path
    this.#log = log
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
    this.#replica ??= new SqliteRevocations(this.#path)
    const feed = await openRevocationFeed(url)
    this.#exchange = new RevocationExchange({ ledger: this.#own, feed, replica: this.#replica, log: this.#log })
    await this.#exchange.start()
  }

  async stop(): Promise<void> {
    await this.use(undefined)
    this.#replica?.close()
    this.#replica = undefined
  }
}
