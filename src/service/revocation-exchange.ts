import { XmppkiError } from '../errors.ts'
import type { Log } from '../server/log.ts'
import { certificateId, certificateKey } from '../store/certificate-id.ts'
import type { IssuedRecord, Ledger } from '../store/ledger.ts'
import type { Listening, RevocationBoard, SharedRevocation } from '../store/revocations.ts'
import type { SqliteRevocations } from '../store/sqlite/revocations.ts'

/** How often the ledger is asked whether it has revoked something: well below the second in which others should know. */
const LOOK_MS = 250

/** After so many looks the board is read, whether or not there was news: a connection can be lost without a sound. */
const LOOKS_BETWEEN_READS = 8

export interface RevocationExchangeOptions {
  readonly ledger: Pick<Ledger, 'changes' | 'countRevoked' | 'listRevoked'>
  readonly board: RevocationBoard
  /** Where what others have revoked is kept; stays open when the exchange ends. */
  readonly replica: Pick<SqliteRevocations, 'take'>
  readonly log: Log
}

/** What is told about a revoked certificate. */
export function sharedRevocation(record: IssuedRecord): SharedRevocation {
  const { revokedAt = 0, revocationReason = 'unspecified' } = record
  return { ...certificateId(record), revokedAt, reason: revocationReason }
}

/**
 * Puts what the ledger has revoked on the board, and takes from it what others have. Nothing is lost while the board is
 * away: whoever has it again puts everything there, and reads everything.
 */
export class RevocationExchange {
  readonly #options: RevocationExchangeOptions
  #timer: NodeJS.Timeout | undefined
  #looks = 0
  #listening: Listening | undefined
  /** The number of the last one that was read over this connection. */
  #read = 0
  /** What has been put on the board over this connection, by its `certificateKey`. */
  readonly #published = new Set<string>()
  /** The state of the ledger in which all that it has revoked was on the board. */
  #seen: number | undefined
  #round: Promise<void> | undefined
  #again = false
  #failing = false

  constructor(options: RevocationExchangeOptions) {
    this.#options = options
  }

  /** Resolves when the board has been read once, or cannot be. Never throws: what fails is logged, and tried again. */
  start(): Promise<void> {
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref()
    return this.#exchange()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    await Promise.all([this.#disconnect(), this.#options.board.close()])
  }

  #look(): void {
    this.#looks += 1
    if (this.#looks % LOOKS_BETWEEN_READS === 0 || (!this.#failing && this.#hasChanged())) void this.#exchange()
  }

  /** An error shows in the exchange. */
  #hasChanged(): boolean {
    try {
      return this.#options.ledger.changes() !== this.#seen
    } catch {
      return true
    }
  }

  /** One at a time; whoever asks meanwhile gets another one after it. */
  #exchange(): Promise<void> {
    if (this.#timer === undefined) return Promise.resolve()
    this.#again = this.#round !== undefined
    this.#round ??= this.#attempt().finally(() => {
      this.#round = undefined
      if (this.#again) void this.#exchange()
    })
    return this.#round
  }

  async #attempt(): Promise<void> {
    const { log } = this.#options
    try {
      for (const step of [this.#connect, this.#publish, this.#fetch]) {
        if (this.#timer !== undefined) await step.call(this)
      }
      if (this.#failing) log.info({}, 'revocations are shared again')
      this.#failing = false
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      // What others revoke from now on is not known here, so it is more than a warning.
      if (!this.#failing && this.#timer !== undefined) {
        log.error({ error: error.message, hint: error.hint }, 'revocations cannot be shared for now')
      }
      this.#failing = true
      await this.#disconnect()
    }
  }

  async #connect(): Promise<void> {
    if (this.#listening?.isOpen === true) return
    const listening = await this.#options.board.listen(() => void this.#exchange())
    // The database may be another one by now, from a backup for instance.
    this.#read = 0
    this.#published.clear()
    this.#seen = undefined
    this.#listening = listening
    if (this.#timer === undefined) await listening.close()
  }

  /** Also after a failure, so that the next connection puts and reads everything. */
  async #disconnect(): Promise<void> {
    const listening = this.#listening
    this.#listening = undefined
    await listening?.close()
  }

  async #publish(): Promise<void> {
    const { ledger, board } = this.#options
    const changes = ledger.changes()
    if (changes === this.#seen) return
    if (ledger.countRevoked() > this.#published.size) {
      const missing = ledger.listRevoked().filter((record) => !this.#published.has(certificateKey(record)))
      await board.publish(missing.map(sharedRevocation))
      for (const record of missing) this.#published.add(certificateKey(record))
    }
    this.#seen = changes
  }

  async #fetch(): Promise<void> {
    const { board, replica, log } = this.#options
    for (;;) {
      const news = await board.fetch(this.#read)
      const last = news.at(-1)
      if (last === undefined || this.#timer === undefined) return
      // What this machine has put there is on the board as well.
      const learned = replica.take(news.filter((one) => !this.#published.has(certificateKey(one))))
      this.#read = last.number
      if (learned > 0) log.info({ count: learned }, 'revocations learned from other machines')
    }
  }
}
