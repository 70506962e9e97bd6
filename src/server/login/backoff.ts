/** Names that are remembered at most; of more, those that were quiet for longest are forgotten. */
const MAX_NAMES = 50_000

export interface BackoffRules {
  /** Failures without any consequence. */
  readonly free: number
  /** Milliseconds after the first one that has a consequence; twice as long after each further one. */
  readonly firstMs: number
  readonly mostMs: number
  /** Milliseconds in which half of the failures are forgotten. */
  readonly halfLifeMs: number
}

interface Record {
  readonly failures: number
  readonly at: number
}

/** Makes whoever fails again and again wait longer and longer, by name. In memory, and bounded. */
export class Backoff {
  readonly #rules: BackoffRules
  readonly #now: () => number
  readonly #most: number
  /** The one that failed last is at the end. */
  readonly #records = new Map<string, Record>()

  /** @param now milliseconds */
  constructor(rules: BackoffRules, now: () => number, most = MAX_NAMES) {
    this.#rules = rules
    this.#now = now
    this.#most = most
  }

  /** Milliseconds that this name has to wait from now; 0 when it need not. */
  wait(name: string): number {
    const record = this.#recordOf(name)
    if (record === undefined) return 0
    const { free, firstMs, mostMs } = this.#rules
    const beyond = record.failures - free
    if (beyond <= 0) return 0
    const delay = Math.min(mostMs, firstMs * 2 ** Math.min(beyond - 1, 30))
    // The delay is that of the last failure: it does not shrink while it lasts.
    return Math.max(0, record.at + delay - this.#now())
  }

  failed(name: string): void {
    const failures = this.#left(name) + 1
    this.#records.delete(name)
    this.#records.set(name, { failures, at: this.#now() })
    if (this.#records.size <= this.#most) return
    for (const oldest of this.#records.keys()) {
      this.#records.delete(oldest)
      return
    }
  }

  forget(name: string): void {
    this.#records.delete(name)
  }

  #left(name: string): number {
    const record = this.#recordOf(name)
    if (record === undefined) return 0
    return record.failures * 2 ** -((this.#now() - record.at) / this.#rules.halfLifeMs)
  }

  /** When the clock has been put back, nobody waits for the hour that comes twice. */
  #recordOf(name: string): Record | undefined {
    const record = this.#records.get(name)
    const now = this.#now()
    if (record === undefined || record.at <= now) return record
    const moved = { ...record, at: now }
    this.#records.set(name, moved)
    return moved
  }
}
