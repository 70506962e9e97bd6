import { XmppkiError } from '../errors.ts'
import type { Log } from '../server/log.ts'
import { type CertificateId, certificateKey } from '../store/certificate-id.ts'
import type { Ledger, NotedLogin } from '../store/ledger.ts'

/** How long logins wait in memory: one write, with its fsync, for all that come in this time. */
const DELAY_MS = 5_000

/** How often the write is tried at the end, when another process holds the lock. */
const LAST_ATTEMPTS = 20

type LoginLedger = Pick<Ledger, 'recordLogins'>

/**
 * Keeps the last login with each certificate until it is written to the ledger. A login pays for one entry in a map;
 * what fails is tried again later, and said once.
 */
export class LoginRecorder {
  readonly #ledger: LoginLedger
  readonly #log: Pick<Log, 'warn'>
  readonly #delayMs: number
  #pending = new Map<string, NotedLogin>()
  #timer: NodeJS.Timeout | undefined
  #failing = false

  constructor(ledger: LoginLedger, log: Pick<Log, 'warn'>, delayMs = DELAY_MS) {
    this.#ledger = ledger
    this.#log = log
    this.#delayMs = delayMs
  }

  /** Certificates that the ledger does not know are left out when it is written. */
  note(certificate: CertificateId, at: number): void {
    this.#pending.set(certificateKey(certificate), { certificate, at })
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
      this.#ledger.recordLogins([...logins.values()])
      this.#failing = false
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      if (!this.#failing) this.#log.warn({ error: error.message }, 'the last logins could not be written down yet')
      this.#failing = true
      for (const [key, { certificate, at }] of logins) {
        this.note(certificate, Math.max(at, this.#pending.get(key)?.at ?? 0))
      }
    }
  }
}
