import type { Log } from '../../server/log.ts'
import type { EnrolmentStore } from '../../store/enrolments.ts'
import type { Ledger } from '../../store/ledger.ts'
import { LedgerWatch } from '../../store/ledger-watch.ts'
import { SharedLedger } from '../../store/replicated/shared-ledger.ts'
import type { WorkspacePaths } from '../../workspace/base/paths.ts'
import { EnrolmentSharing } from './enrolment-sharing.ts'
import { RevocationSharing } from './revocation-sharing.ts'

/** What a running server shares with others, over the database of the configuration if there is one. */
export class DatabaseSharing {
  /** For logins: what the ledger knows, and what others do. */
  readonly ledger: SharedLedger
  /** Of that ledger, for whoever has to know when it changes. */
  readonly watch: LedgerWatch
  readonly #revocations: RevocationSharing
  readonly #enrolments: EnrolmentSharing
  #url: string | undefined

  constructor(ledger: Ledger, { revocations, enrolments }: WorkspacePaths, log: Log) {
    const watch = () => this.watch
    this.#revocations = new RevocationSharing(ledger, { path: revocations, watch, log })
    this.#enrolments = new EnrolmentSharing(ledger, { path: enrolments, watch, log })
    this.ledger = new SharedLedger(ledger, () => this.#revocations.replica, this.#enrolments)
    this.watch = new LedgerWatch(this.ledger)
  }

  /** Where accounts change what they have enrolled. */
  get enrolments(): EnrolmentStore {
    return this.#enrolments
  }

  /** The database that is in use. */
  get url(): string | undefined {
    return this.#url
  }

  /**
   * Shares over this database from now on, or with nobody any more. Resolves when the database has been read once, or
   * cannot be: that is logged, and tried again. @throws {XmppkiError} BAD_INPUT, CORRUPT, IO
   */
  async use(url: string | undefined): Promise<void> {
    if (url === this.#url) return
    this.#url = url
    // At once: each may have to wait for a database that is away.
    const outcomes = await Promise.allSettled([this.#revocations.use(url), this.#enrolments.use(url)])
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  /** The configuration with this database is in force: what has been moved to it may leave where it was. */
  keep(): void {
    this.#enrolments.keep()
  }

  async stop(): Promise<void> {
    this.#url = undefined
    await Promise.all([this.#revocations.stop(), this.#enrolments.stop()])
  }
}
