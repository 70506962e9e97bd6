import type { LoginLedger } from './ledger.ts'

/** How often the ledger is asked whether anything was committed: well below the second in which a revocation counts. */
const INTERVAL_MS = 250

/** Called at every turn. @param changes the state of the ledger in this turn; throws what reading it has thrown */
export type LedgerWatcher = (changes: () => number) => void

/**
 * Tells whoever has to know when the ledger has changed, by whatever process: it is read once a turn, and not at all
 * while nobody watches. A turn comes also when nothing has changed, for what depends on the clock.
 */
export class LedgerWatch {
  readonly #ledger: Pick<LoginLedger, 'changes'>
  readonly #intervalMs: number
  readonly #watchers = new Set<LedgerWatcher>()
  #timer: NodeJS.Timeout | undefined

  constructor(ledger: Pick<LoginLedger, 'changes'>, intervalMs = INTERVAL_MS) {
    this.#ledger = ledger
    this.#intervalMs = intervalMs
  }

  /** @returns ends it */
  watch(watcher: LedgerWatcher): () => void {
    this.#watchers.add(watcher)
    this.#timer ??= setInterval(() => this.#turn(), this.#intervalMs).unref()
    return () => {
      this.#watchers.delete(watcher)
      if (this.#watchers.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  #turn(): void {
    const changes = this.#read()
    for (const watcher of [...this.#watchers]) {
      if (this.#watchers.has(watcher)) watcher(changes)
    }
  }

  #read(): () => number {
    try {
      const changes = this.#ledger.changes()
      return () => changes
    } catch (error) {
      return () => {
        throw error
      }
    }
  }
}
