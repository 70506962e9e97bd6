import { XmppkiError } from '../errors.ts'
import type { Log } from '../server/log.ts'
import type { Ledger } from '../store/ledger.ts'

/** How long logins wait in memory: one write, with its fsync, for all that come in this time. */
const DELAY_MS = 5_000

/** How often the write is tried at the end, when another process holds the lock. */
const LAST_ATTEMPTS = 20

type LoginLedger = Pick<Ledger, 'findBySerial' | 'recordLogins'>

/**
 * Keeps the last login with each certificate until it is written to the ledger. A login pays for one entry in a map;
 * what fails is tried again later, and said once.
 */
export class LoginRecorder {
  readonly #ledger: LoginLedger
  readonly #log: Pick<Log, 'warn'>
  readonly #delayMs: number
  #pending = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #failing = false

  constructor(ledger: LoginLedger, log: Pick<Log, 'warn'>, delayMs = DELAY_MS) {
    this.#ledger = ledger
    this.#log = log
    this.#delayMs = delayMs
  }

  /** @param serial as in the ledger; certificates that it does not know are left out when it is written */
  note(serial: string, at: number): void {
    this.#pending.set(serial, at)
    this.#timer ??= setTimeout(() => this.#write(), this.#delayMs).unref()
  }

  /** Writes what is left, as far as that can be done within a second. */
  async stop(): Promise<void> {
    for (let attempt = 1; this.#pending.size > 0 && attempt <= LAST_ATTEMPTS; attempt++) {
      this.#write()
      if (this.#pending.size > 0) await new Promise((resolve) => setTimeout(resolve, 25))
    }
    clearTimeout(this.#timer)
  }

  #write(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const logins = this.#pending
    this.#pending = new Map()
    try {
      const isOurs = ([serial]: [string, number]) => this.#ledger.findBySerial(serial) !== undefined
      this.#ledger.recordLogins(new Map([...logins].filter(isOurs)))
      this.#failing = false
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      if (!this.#failing) this.#log.warn({ error: error.message }, 'the last logins could not be written down yet')
      this.#failing = true
      for (const [serial, at] of logins) this.note(serial, Math.max(at, this.#pending.get(serial) ?? 0))
    }
  }
}
