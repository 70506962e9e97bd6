import { XmppkiError } from '../../errors.ts'
import { changesIn } from '../audit.ts'
import { accountOf, type EnrolmentStep, outcomeOf, planChange } from '../enrolment-plan.ts'
import type { Enrolment, EnrolmentChange, EnrolmentOutcome, EnrolmentStore, EnrolmentTerms } from '../enrolments.ts'
import type { Ledger } from '../ledger.ts'
import type { Adoption, SharedEnrolment, SharedEnrolments } from '../shared-enrolments.ts'
import type { SqliteEnrolmentReplica } from '../sqlite/enrolment-replica.ts'

export interface ReplicatedEnrolmentsOptions {
  readonly database: SharedEnrolments
  readonly replica: SqliteEnrolmentReplica
  /** Of this workspace: has the audit log, and what was enrolled before the database was shared. */
  readonly ledger: Pick<Ledger, 'transaction' | 'tryTransaction' | 'enrolments' | 'auditTrail' | 'auditHead'>
  /** Whether the lock of the ledger is waited for; a server must not stand still. */
  readonly waits: boolean
  readonly onAdopted: (adoptions: readonly Adoption[]) => void
  /** Told that a change has been made and its audit entry could not be written yet. */
  readonly onOwed: (error: XmppkiError) => void
}

/**
 * Enrolments in a database that several servers share. A change is made there first, along with the audit entry that it
 * is owed; then its entry is put into the ledger, and the change into the replica here. Whoever is killed between the two owes the
 * entry on: it is written by the next server or command of this workspace that reaches the database.
 */
export class ReplicatedEnrolments implements EnrolmentStore {
  readonly #options: ReplicatedEnrolmentsOptions
  /** What comes from the database is known here in the order in which it came. */
  #turns: Promise<unknown> = Promise.resolve()
  #mayOwe = true

  constructor(options: ReplicatedEnrolmentsOptions) {
    this.#options = options
  }

  async change(change: EnrolmentChange, terms: EnrolmentTerms): Promise<EnrolmentOutcome> {
    const account = accountOf(change)
    await this.adopt(account, this.#options.ledger.enrolments.list(account))
    return this.#inTurn(() => this.#change(change, terms))
  }

  /** Takes over what the ledger has of an account; it stays in the ledger until {@link forget}. */
  async adopt(account: string, enrolments: readonly Enrolment[]): Promise<void> {
    if (enrolments.length === 0) return
    this.#options.onAdopted(await this.#options.database.adopt(account, enrolments))
  }

  /** Takes out of the ledger what has been taken over. @throws {XmppkiError} IO when another process writes to it */
  forget(enrolments: readonly Enrolment[]): void {
    if (enrolments.length === 0) return
    const { ledger } = this.#options
    ledger.tryTransaction((_insert, changes) => {
      for (const { account, label, fingerprint } of enrolments) {
        const found = ledger.enrolments.find(fingerprint)
        if (found?.account === account && found.label === label) changes.disableEnrolment(account, label)
      }
    })
  }

  /** Makes known here what is read, before anything that is read later. @returns what was read */
  replicate(read: () => Promise<readonly SharedEnrolment[]>): Promise<readonly SharedEnrolment[]> {
    return this.#inTurn(async () => {
      const enrolments = await read()
      await this.#options.replica.take(enrolments)
      return enrolments
    })
  }

  /** There may be entries that the audit log is owed, e.g. by a process that was killed. */
  expectOwed(): void {
    this.#mayOwe = true
  }

  /**
   * Writes what the audit log is owed, each entry once.
   * @throws {XmppkiError} IO when another process writes to the ledger, UNAVAILABLE, CORRUPT
   */
  async settle(): Promise<void> {
    if (!this.#mayOwe) return
    this.#mayOwe = false
    try {
      await this.#settle()
    } catch (error) {
      this.#mayOwe = true
      throw error
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turns.then(work)
    this.#turns = turn.catch(() => undefined)
    return turn
  }

  async #change(change: EnrolmentChange, terms: EnrolmentTerms): Promise<EnrolmentOutcome> {
    const { database, ledger, replica } = this.#options
    let steps: readonly EnrolmentStep[] = []
    // Also when no answer comes: it may have been made.
    this.#mayOwe = true
    const changed = await database.change({
      account: accountOf(change),
      ...(change.kind === 'enrol' ? { fingerprint: change.enrolment.fingerprint } : {}),
      origin: { server: replica.server, auditHead: ledger.auditHead(), actor: terms.actor },
      decide: (ground) => {
        const plan = planChange(change, ground, terms)
        if (typeof plan !== 'string') steps = plan
        return plan
      },
    })
    if (typeof changed === 'string') return { refusal: changed }
    if (changed.length > 0) {
      await this.#settleIfFree()
      // Last, and nobody reads it meanwhile: whoever revokes what he has logged in with is answered before his session ends.
      await replica.take(changed)
    }
    return outcomeOf(steps)
  }

  async #settle(): Promise<void> {
    const { database, ledger, replica, waits } = this.#options
    const owed = await database.owed(replica.server)
    if (owed.length === 0) return
    const begin = Math.min(...owed.map(({ auditHead }) => auditHead))
    const transaction = waits ? ledger.transaction.bind(ledger) : ledger.tryTransaction.bind(ledger)
    transaction((_insert, changes) => {
      // Under the lock: another process of this workspace may be doing the same.
      const written = changesIn(ledger.auditTrail(begin), begin)
      for (const { number, event } of owed) if (!written.has(number)) changes.audit(event)
    })
    await database.settle(owed.map(({ number }) => number))
  }

  /** The change is made, whatever becomes of its entry now. */
  async #settleIfFree(): Promise<void> {
    try {
      await this.settle()
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      this.#options.onOwed(error)
    }
  }
}
