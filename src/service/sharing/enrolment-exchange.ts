import { XmppkiError } from '../../errors.ts'
import type { Log } from '../../server/log.ts'
import type { Enrolment } from '../../store/enrolments.ts'
import type { Ledger } from '../../store/ledger.ts'
import type { LedgerWatch } from '../../store/ledger-watch.ts'
import type { ReplicatedEnrolments } from '../../store/replicated/replicated-enrolments.ts'
import type { SharedEnrolments } from '../../store/shared-enrolments.ts'
import type { SqliteEnrolmentReplica } from '../../store/sqlite/enrolment-replica.ts'
import { ExchangeLoop } from './exchange-loop.ts'

export interface EnrolmentExchangeOptions {
  readonly database: SharedEnrolments
  readonly store: ReplicatedEnrolments
  readonly replica: Pick<SqliteEnrolmentReplica, 'begin' | 'complete' | 'revoked'>
  readonly ledger: Pick<Ledger, 'changes' | 'enrolments'>
  readonly watch: LedgerWatch
  readonly log: Log
}

/**
 * Keeps the replica of what accounts have enrolled up to date, and moves what the ledger has of it to the database: it was
 * enrolled before the database was shared, or the ledger came from a backup.
 */
export class EnrolmentExchange {
  readonly #options: EnrolmentExchangeOptions
  readonly #loop: ExchangeLoop
  /** The number of the last one that was read over this connection. */
  #read = 0
  /** Whether everything has been read over this connection. */
  #isComplete = false
  /** The state of the ledger in which the database had all that it knows. */
  #seen: number | undefined
  /** The state of the ledger in which the database had been told what that has revoked; undefined: over no connection yet. */
  #told: number | undefined
  /** What has been taken over and is still in the ledger. */
  #left: readonly Enrolment[] = []
  #mayForget = false
  #isBroken = false

  constructor(options: EnrolmentExchangeOptions) {
    this.#options = options
    const { database, log, watch } = options
    this.#loop = new ExchangeLoop(
      {
        listen: (onNews) => database.listen(onNews),
        begin: () => this.#begin(),
        steps: [() => this.#tell(), () => this.#adopt(), () => this.#fetch(), () => this.#tidy()],
        close: () => database.close(),
        words: {
          failed: 'enrolled certificates cannot be shared for now',
          mended: 'enrolled certificates are shared again',
        },
        log,
      },
      watch,
    )
  }

  /** Resolves when the database has been read once, or cannot be. Never throws: what fails is logged, and tried again. */
  start(): Promise<void> {
    return this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** There is no way back: what has been taken over may leave the ledger. Resolves as {@link start}. */
  keep(): Promise<void> {
    this.#mayForget = true
    return this.#loop.exchange()
  }

  #begin(): void {
    this.#read = 0
    this.#isComplete = false
    this.#seen = undefined
    this.#told = undefined
    this.#options.store.expectOwed()
  }

  /** What is revoked stays so, whatever copy of the database there is. */
  async #tell(): Promise<void> {
    const { database, ledger, replica } = this.#options
    const changes = ledger.changes()
    if (changes === this.#told) return
    const others = this.#told === undefined ? replica.revoked() : []
    await database.publishRevoked([...ledger.enrolments.revoked(), ...others])
    this.#told = changes
  }

  async #adopt(): Promise<void> {
    const { ledger, store } = this.#options
    const changes = ledger.changes()
    if (changes === this.#seen) return
    const enrolments = ledger.enrolments.all()
    for (const [account, all] of byAccount(enrolments)) {
      if (this.#loop.isOver) return
      await store.adopt(account, all)
    }
    this.#left = enrolments
    this.#seen = changes
  }

  async #fetch(): Promise<void> {
    const { database, replica, store } = this.#options
    if (!this.#isComplete && this.#read === 0) await replica.begin()
    for (;;) {
      // Another database may have taken the place of this one by the time that it answers.
      const news = await store.replicate(async () => {
        const found = await database.fetch(this.#read)
        return this.#loop.isOver ? [] : found
      })
      if (this.#loop.isOver) return
      const last = news.at(-1)
      if (last === undefined) break
      this.#read = last.number
    }
    if (this.#isComplete) return
    await replica.complete()
    this.#isComplete = true
  }

  /** What waits for the lock of the ledger is tried again, and keeps nothing else from being shared. */
  async #tidy(): Promise<void> {
    const { store, log } = this.#options
    try {
      if (this.#mayForget) {
        store.forget(this.#left)
        this.#left = []
      }
      await store.settle()
      this.#isBroken = false
    } catch (error) {
      if (!(error instanceof XmppkiError) || error.code === 'UNAVAILABLE') throw error
      if (error.code === 'IO' || this.#isBroken) return
      this.#isBroken = true
      log.error({ error: error.message, hint: error.hint }, 'the audit log cannot be written')
    }
  }
}

function byAccount(enrolments: readonly Enrolment[]): ReadonlyMap<string, readonly Enrolment[]> {
  const accounts = new Map<string, Enrolment[]>()
  for (const enrolment of enrolments) {
    const others = accounts.get(enrolment.account)
    if (others === undefined) accounts.set(enrolment.account, [enrolment])
    else others.push(enrolment)
  }
  return accounts
}
