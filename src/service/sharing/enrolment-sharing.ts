import type { Log } from '../../server/log.ts'
import type {
  EnrolmentChange,
  EnrolmentOutcome,
  EnrolmentStore,
  Enrolments,
  EnrolmentTerms,
} from '../../store/enrolments.ts'
import type { Ledger } from '../../store/ledger.ts'
import type { LedgerWatch } from '../../store/ledger-watch.ts'
import { openEnrolments } from '../../store/open/open-enrolments.ts'
import { KnownEnrolments } from '../../store/replicated/known-enrolments.ts'
import { LedgerEnrolmentStore } from '../../store/replicated/ledger-enrolment-store.ts'
import { ReplicatedEnrolments } from '../../store/replicated/replicated-enrolments.ts'
import type { SharedKnowledge } from '../../store/replicated/shared-ledger.ts'
import type { Adoption } from '../../store/shared-enrolments.ts'
import { SqliteEnrolmentReplica } from '../../store/sqlite/enrolment-replica.ts'
import { EnrolmentExchange } from './enrolment-exchange.ts'
import type { SharingOptions } from './revocation-sharing.ts'

interface Shared {
  readonly store: ReplicatedEnrolments
  readonly known: KnownEnrolments
  readonly exchange: EnrolmentExchange
}

/**
 * What accounts have enrolled, for a running server: in the database of the configuration, shared with others, or in the
 * ledger when there is none.
 */
export class EnrolmentSharing implements EnrolmentStore, SharedKnowledge {
  readonly #ledger: Ledger
  readonly #watch: () => LedgerWatch
  readonly #path: string
  readonly #log: Log
  readonly #alone: LedgerEnrolmentStore
  #replica: SqliteEnrolmentReplica | undefined
  #shared: Shared | undefined

  constructor(ledger: Ledger, { path, watch, log }: SharingOptions) {
    this.#ledger = ledger
    this.#watch = watch
    this.#path = path
    this.#log = log
    this.#alone = new LedgerEnrolmentStore(ledger)
  }

  get changes(): number {
    return this.#replica?.changes ?? 0
  }

  get enrolments(): Enrolments | undefined {
    return this.#shared?.known
  }

  change(change: EnrolmentChange, terms: EnrolmentTerms): Promise<EnrolmentOutcome> {
    return (this.#shared?.store ?? this.#alone).change(change, terms)
  }

  /**
   * Shares over this database from now on, or with nobody any more. Resolves when the database has been read once, or
   * cannot be: that is logged, and tried again. @throws {XmppkiError} BAD_INPUT, CORRUPT, IO
   */
  async use(url: string | undefined): Promise<void> {
    const before = this.#shared
    // Logins go on meanwhile, by what is known.
    const next = url === undefined ? undefined : await this.#open(url)
    this.#shared = next
    await before?.exchange.stop()
    await next?.exchange.start()
  }

  async #open(url: string): Promise<Shared> {
    const [ledger, log] = [this.#ledger, this.#log]
    const database = await openEnrolments(url)
    this.#replica ??= new SqliteEnrolmentReplica(this.#path)
    const replica = this.#replica
    const store = new ReplicatedEnrolments({
      database,
      replica,
      ledger,
      waits: false,
      onAdopted: (adoptions) => reportAdoptions(log, adoptions),
      onOwed: ({ message }) => log.warn({ error: message }, 'the audit entry of an enrolment is written later'),
    })
    const exchange = new EnrolmentExchange({ database, store, replica, ledger, log, watch: this.#watch() })
    return { store, known: new KnownEnrolments(replica, ledger), exchange }
  }

  /** There is no way back: what the ledger had is in the database alone from now on. */
  keep(): void {
    // Nobody waits for a database that is away.
    void this.#shared?.exchange.keep()
  }

  async stop(): Promise<void> {
    await this.use(undefined)
    this.#replica?.close()
    this.#replica = undefined
  }
}

/** What users find otherwise than they left it, in words for the log; all else was moved without a sound. */
const REMARKS: Partial<Record<Adoption['outcome'], string>> = {
  renamed: 'an enrolled certificate has another name in the shared database, where its own was in use',
  revoked: 'an enrolled certificate does not count any more: its account has revoked it on another server',
  taken: 'an enrolled certificate does not count any more: another account has enrolled it on another server',
}

function reportAdoptions(log: Log, adoptions: readonly Adoption[]): void {
  for (const { enrolment, outcome } of adoptions) {
    const { account, label, fingerprint } = enrolment
    const remark = REMARKS[outcome]
    if (remark !== undefined) log.warn({ account, label, fingerprint }, remark)
  }
  const count = adoptions.filter(({ outcome }) => outcome === 'adopted' || outcome === 'renamed').length
  if (count > 0) log.info({ count }, 'enrolled certificates moved from the ledger to the shared database')
}
