import { setTimeout as pause } from 'node:timers/promises'
import { XmppkiError } from '../../errors.ts'
import { accountOf, auditEventOf, type EnrolmentStep, outcomeOf, planChange } from '../enrolment-plan.ts'
import type {
  EnrolmentChange,
  EnrolmentOutcome,
  EnrolmentRefusal,
  EnrolmentStore,
  EnrolmentTerms,
} from '../enrolments.ts'
import type { Ledger, LedgerChanges } from '../ledger.ts'

/** How often a change is tried while another process writes, and how long between. */
const ATTEMPTS = 20
const PAUSE_MS = 100

/** Enrolments in the ledger, for a server that shares them with nobody: one transaction with their audit entries. */
export class LedgerEnrolmentStore implements EnrolmentStore {
  readonly #ledger: Pick<Ledger, 'tryTransaction' | 'enrolments'>
  readonly #pauseMs: number

  constructor(ledger: Pick<Ledger, 'tryTransaction' | 'enrolments'>, pauseMs = PAUSE_MS) {
    this.#ledger = ledger
    this.#pauseMs = pauseMs
  }

  async change(change: EnrolmentChange, terms: EnrolmentTerms): Promise<EnrolmentOutcome> {
    for (let attempt = 1; ; attempt++) {
      try {
        return this.#attempt(change, terms)
      } catch (error) {
        const isBusy = error instanceof XmppkiError && error.code === 'IO'
        if (!isBusy || attempt === ATTEMPTS) throw error
      }
      await pause(this.#pauseMs)
    }
  }

  #attempt(change: EnrolmentChange, terms: EnrolmentTerms): EnrolmentOutcome {
    const { enrolments } = this.#ledger
    const account = accountOf(change)
    // Accounts come and go that never had one: not every one of them is worth a lock.
    if (change.kind === 'revoke-all' && enrolments.list(account).length === 0) return { ended: [] }
    return this.#ledger.tryTransaction((_insert, changes) => {
      const ground = {
        active: enrolments.list(account),
        isRevoked: (fingerprint: string) => enrolments.isRevoked(account, fingerprint),
        isEnrolled: (fingerprint: string) => enrolments.find(fingerprint) !== undefined,
      }
      const plan = planChange(change, ground, terms)
      if (typeof plan === 'string') return { refusal: plan }
      for (const step of plan) take(changes, step, terms)
      return outcomeOf(plan)
    })
  }
}

function take(changes: LedgerChanges, step: EnrolmentStep, { actor }: EnrolmentTerms): void {
  const { account, label } = step.enrolment
  if (step.event === 'enrolled') refuse(changes.enrol(step.enrolment))
  else if (step.event === 'enrolment-disabled') changes.disableEnrolment(account, label)
  else changes.revokeEnrolment(account, label, step.at)
  changes.audit(auditEventOf(step, actor))
}

/** The plan has ruled it out under the same lock. */
function refuse(conflict: EnrolmentRefusal | undefined): void {
  if (conflict !== undefined) throw new Error(`an enrolment that was planned is refused: ${conflict}`)
}
