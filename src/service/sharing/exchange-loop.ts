import { XmppkiError } from '../../errors.ts'
import type { Log } from '../../server/log.ts'
import type { LedgerWatch } from '../../store/ledger-watch.ts'
import type { Listening } from '../../store/revocations.ts'

/** After so many turns of the watch the database is read, whether or not there was news: a connection can be lost without a sound. */
const TURNS_BETWEEN_READS = 8

/** What is exchanged with a database. */
export interface Exchange {
  /** Hears of what others put there, while the connection lasts. */
  listen(onNews: () => void): Promise<Listening>
  /** There is a new connection: the database may be another one by now, from a backup for instance. */
  begin(): void
  /** In this order, at every exchange; when one rejects, the connection is given up. */
  readonly steps: readonly (() => Promise<void>)[]
  close(): Promise<void>
  /** For the log. */
  readonly words: { readonly failed: string; readonly mended: string }
  readonly log: Log
}

/**
 * Exchanges something with a database for as long as a server runs: at once when the ledger has changed or there are news,
 * and every two seconds. While the database is away it is tried again.
 */
export class ExchangeLoop {
  readonly #exchange: Exchange
  readonly #watch: LedgerWatch
  /** From the start to the end. */
  #stopWatching: (() => void) | undefined
  #turns = 0
  /** What the ledger was like in the last turn, and when the last exchange began that has succeeded. */
  #state: number | undefined
  #exchanged: number | undefined
  #listening: Listening | undefined
  #round: Promise<void> | undefined
  #again = false
  #failing = false

  constructor(exchange: Exchange, watch: LedgerWatch) {
    this.#exchange = exchange
    this.#watch = watch
  }

  /** Whether it has been stopped, or not been started. */
  get isOver(): boolean {
    return this.#stopWatching === undefined
  }

  /** Resolves after the first exchange, or when it has failed. Never throws: what fails is logged, and tried again. */
  start(): Promise<void> {
    this.#stopWatching = this.#watch.watch((changes) => this.#turn(changes))
    return this.exchange()
  }

  async stop(): Promise<void> {
    this.#stopWatching?.()
    this.#stopWatching = undefined
    await Promise.all([this.#disconnect(), this.#exchange.close()])
  }

  #turn(changes: () => number): void {
    this.#turns += 1
    this.#state = stateOf(changes)
    const hasChanged = this.#state === undefined || this.#state !== this.#exchanged
    if (this.#turns % TURNS_BETWEEN_READS === 0 || (!this.#failing && hasChanged)) void this.exchange()
  }

  /** One at a time; whoever asks meanwhile gets another one after it. Resolves as {@link start}. */
  exchange(): Promise<void> {
    if (this.isOver) return Promise.resolve()
    this.#again = this.#round !== undefined
    this.#round ??= this.#attempt().finally(() => {
      this.#round = undefined
      if (this.#again) void this.exchange()
    })
    return this.#round
  }

  async #attempt(): Promise<void> {
    const { steps, words, log } = this.#exchange
    const state = this.#state
    try {
      await this.#connect()
      for (const step of steps) {
        if (!this.isOver) await step()
      }
      if (this.#failing) log.info({}, words.mended)
      this.#failing = false
      this.#exchanged = state
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      // What others tell from now on is not known here, so it is more than a warning.
      if (!this.#failing && !this.isOver) log.error({ error: error.message, hint: error.hint }, words.failed)
      this.#failing = true
      await this.#disconnect()
    }
  }

  async #connect(): Promise<void> {
    if (this.#listening?.isOpen === true) return
    const listening = await this.#exchange.listen(() => void this.exchange())
    this.#exchange.begin()
    this.#listening = listening
    if (this.isOver) await listening.close()
  }

  /** Also after a failure, so that the next connection tells and reads everything. */
  async #disconnect(): Promise<void> {
    const listening = this.#listening
    this.#listening = undefined
    await listening?.close()
  }
}

/** An error shows in the exchange. */
function stateOf(changes: () => number): number | undefined {
  try {
    return changes()
  } catch {
    return undefined
  }
}
