import type { Log } from '../log.ts'
import type { FailedHandshake } from './failed-handshake.ts'

/** A connection that was closed at once, because there are too many. */
export interface RefusedConnection {
  /** Name of the listener. */
  readonly listener: string
  /** The limit that was reached, as the configuration calls it. */
  readonly limit: 'max_connections' | 'max_connections_per_address'
  /** The address that it came from. */
  readonly address: string
}

/** Milliseconds in which a cause is spoken of once: a flood must not flood the log as well. */
const SILENCE_MS = 60_000

/** Says in the log that connections fail, and how many, without a line for each of them. */
export class RefusalLog {
  readonly #log: Log
  readonly #now: () => Date
  /** By listener and cause: when it was spoken of last, and how many there have been since. */
  readonly #spoken = new Map<string, { readonly at: number; since: number }>()

  constructor(log: Log, now: () => Date) {
    this.#log = log
    this.#now = now
  }

  note({ listener, limit, address }: RefusedConnection): void {
    const refused = this.#due(`${limit} ${listener}`)
    if (refused === undefined) return
    this.#log.warn({ listener, limit, address, refused }, 'connections are refused: too many')
  }

  noteHandshake({ listener, remote, code, reason }: FailedHandshake): void {
    const failed = this.#due(`${code} ${listener}`)
    if (failed === undefined) return
    this.#log.info({ listener, remote, code, reason, failed }, 'TLS handshakes fail')
  }

  /** How many there were since the last line; undefined when it is too early for another one. */
  #due(key: string): number | undefined {
    const last = this.#spoken.get(key)
    const at = this.#now().getTime()
    // A clock that was set back must not silence it for as long as it was wrong.
    if (last !== undefined && Math.abs(at - last.at) < SILENCE_MS) {
      last.since += 1
      return undefined
    }
    this.#spoken.set(key, { at, since: 0 })
    return (last?.since ?? 0) + 1
  }
}
