import type { Log } from './log.ts'

/** A connection that was closed at once, because there are too many. */
export interface RefusedConnection {
  /** Name of the listener. */
  readonly listener: string
  /** The limit that was reached, as the configuration calls it. */
  readonly limit: 'max_connections' | 'max_connections_per_address'
  /** The address that it came from. */
  readonly address: string
}

/** Milliseconds in which a limit is spoken of once: a flood must not flood the log as well. */
const SILENCE_MS = 60_000

/** Says in the log that connections are refused, and how many, without a line for each of them. */
export class RefusalLog {
  readonly #log: Log
  readonly #now: () => Date
  /** By listener and limit: when it was spoken of last, and how many have been refused since. */
  readonly #spoken = new Map<string, { readonly at: number; since: number }>()

  constructor(log: Log, now: () => Date) {
    this.#log = log
    this.#now = now
  }

  note({ listener, limit, address }: RefusedConnection): void {
    const key = `${limit} ${listener}`
    const last = this.#spoken.get(key)
    const at = this.#now().getTime()
    // A clock that was set back must not silence it for as long as it was wrong.
    if (last !== undefined && Math.abs(at - last.at) < SILENCE_MS) {
      last.since += 1
      return
    }
    this.#spoken.set(key, { at, since: 0 })
    const refused = (last?.since ?? 0) + 1
    this.#log.warn({ listener, limit, address, refused }, 'connections are refused: too many')
  }
}
