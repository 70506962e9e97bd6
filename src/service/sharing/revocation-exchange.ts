import type { Log } from '../../server/log.ts'
import { certificateId, certificateKey } from '../../store/certificate-id.ts'
import type { IssuedRecord, Ledger } from '../../store/ledger.ts'
import type { LedgerWatch } from '../../store/ledger-watch.ts'
import type { RevocationFeed, SharedRevocation } from '../../store/revocations.ts'
import type { SqliteRevocations } from '../../store/sqlite/revocations.ts'
import { ExchangeLoop } from './exchange-loop.ts'

export interface RevocationExchangeOptions {
  readonly ledger: Pick<Ledger, 'changes' | 'countRevoked' | 'listRevoked'>
  readonly feed: RevocationFeed
  /** Where what others have revoked is kept; stays open when the exchange ends. */
  readonly replica: Pick<SqliteRevocations, 'take'>
  readonly watch: LedgerWatch
  readonly log: Log
}

/** What is told about a revoked certificate. */
export function sharedRevocation(record: IssuedRecord): SharedRevocation {
  const { revokedAt = 0, revocationReason = 'unspecified' } = record
  return { ...certificateId(record), revokedAt, reason: revocationReason }
}

/**
 * Puts what the ledger has revoked on the feed, and takes from it what others have. Nothing is lost while the feed is
 * away: whoever has it again puts everything there, and reads everything.
 */
export class RevocationExchange {
  readonly #options: RevocationExchangeOptions
  readonly #loop: ExchangeLoop
  /** The number of the last one that was read over this connection. */
  #read = 0
  /** What has been put on the feed over this connection, by its `certificateKey`. */
  readonly #published = new Set<string>()
  /** The state of the ledger in which all that it has revoked was on the feed. */
  #seen: number | undefined

  constructor(options: RevocationExchangeOptions) {
    this.#options = options
    const { feed, log, watch } = options
    this.#loop = new ExchangeLoop(
      {
        listen: (onNews) => feed.listen(onNews),
        begin: () => this.#begin(),
        steps: [() => this.#publish(), () => this.#fetch()],
        close: () => feed.close(),
        words: { failed: 'revocations cannot be shared for now', mended: 'revocations are shared again' },
        log,
      },
      watch,
    )
  }

  /** Resolves when the feed has been read once, or cannot be. Never throws: what fails is logged, and tried again. */
  start(): Promise<void> {
    return this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  #begin(): void {
    this.#read = 0
    this.#published.clear()
    this.#seen = undefined
  }

  async #publish(): Promise<void> {
    const { ledger, feed } = this.#options
    const changes = ledger.changes()
    if (changes === this.#seen) return
    if (ledger.countRevoked() > this.#published.size) {
      const missing = ledger.listRevoked().filter((record) => !this.#published.has(certificateKey(record)))
      await feed.publish(missing.map(sharedRevocation))
      for (const record of missing) this.#published.add(certificateKey(record))
    }
    this.#seen = changes
  }

  async #fetch(): Promise<void> {
    const { feed, replica, log } = this.#options
    for (;;) {
      const news = await feed.fetch(this.#read)
      const last = news.at(-1)
      if (last === undefined || this.#loop.isOver) return
      // What this machine has put there is on the feed as well.
      const learned = replica.take(news.filter((one) => !this.#published.has(certificateKey(one))))
      this.#read = last.number
      if (learned > 0) log.info({ count: learned }, 'revocations learned from other machines')
    }
  }
}
