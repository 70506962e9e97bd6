import { planAdoption } from '../common/adoption-plan.ts'
import { auditEventOf } from '../enrolment-plan.ts'
import type { Enrolment, EnrolmentRefusal, EnrolmentRevocation } from '../enrolments.ts'
import type { Listening } from '../revocations.ts'
import {
  type Adoption,
  activeOf,
  groundOf,
  type OwedEntry,
  rowAfter,
  type SharedChange,
  type SharedEnrolment,
  type SharedEnrolments,
} from '../shared-enrolments.ts'

/** Rows that are given out at once. */
const BATCH = 500

/** The reference: what the contract means, without a database. */
export class MemorySharedEnrolments implements SharedEnrolments {
  #rows: readonly SharedEnrolment[] = []
  #owed: readonly (OwedEntry & { readonly server: string })[] = []
  readonly #listeners = new Set<() => void>()

  async change({ account, origin, decide }: SharedChange): Promise<EnrolmentRefusal | readonly SharedEnrolment[]> {
    const plan = decide(groundOf(this.#of(account), (fingerprint) => this.#isTaken(account, fingerprint)))
    if (typeof plan === 'string') return plan
    const changed = plan.map((step) => this.#write(rowAfter(step)))
    const owed = plan.map((step, index) => {
      const number = changed[index]?.number ?? 0
      return {
        number,
        auditHead: origin.auditHead,
        server: origin.server,
        event: auditEventOf(step, origin.actor, number),
      }
    })
    this.#owed = [...this.#owed, ...owed]
    this.#tell()
    return changed
  }

  async adopt(account: string, enrolments: readonly Enrolment[]): Promise<readonly Adoption[]> {
    const isTaken = (fingerprint: string) => this.#isTaken(account, fingerprint)
    const { adoptions, rows } = planAdoption(enrolments, { known: this.#of(account), isTaken })
    for (const row of rows) this.#write({ ...row, state: 'active' })
    this.#tell()
    return adoptions
  }

  async publishRevoked(revoked: readonly EnrolmentRevocation[]): Promise<void> {
    for (const { revokedAt: at, ...enrolment } of revoked) {
      const isKnown = this.#of(enrolment.account).some(
        ({ fingerprint, state }) => fingerprint === enrolment.fingerprint && state === 'revoked',
      )
      if (!isKnown) this.#write(rowAfter({ event: 'enrolment-revoked', enrolment, at }))
    }
    this.#tell()
  }

  async list(account: string): Promise<readonly Enrolment[]> {
    return activeOf(this.#of(account))
  }

  async fetch(after: number): Promise<readonly SharedEnrolment[]> {
    return this.#rows
      .filter(({ number }) => number > after)
      .toSorted((a, b) => a.number - b.number)
      .slice(0, BATCH)
  }

  async owed(server: string): Promise<readonly OwedEntry[]> {
    return this.#owed.filter((entry) => entry.server === server).map(({ server: _, ...entry }) => entry)
  }

  async settle(numbers: readonly number[]): Promise<void> {
    this.#owed = this.#owed.filter(({ number }) => !numbers.includes(number))
  }

  async listen(onNews: () => void): Promise<Listening> {
    this.#listeners.add(onNews)
    const close = async () => {
      this.#listeners.delete(onNews)
    }
    return { isOpen: true, close }
  }

  async close(): Promise<void> {
    this.#listeners.clear()
  }

  #of(account: string): SharedEnrolment[] {
    return this.#rows.filter((row) => row.account === account)
  }

  #isTaken(account: string, fingerprint: string): boolean {
    return this.#rows.some(
      (row) => row.fingerprint === fingerprint && row.account !== account && row.state === 'active',
    )
  }

  #write(row: Omit<SharedEnrolment, 'number'>): SharedEnrolment {
    const written = { ...row, number: Math.max(0, ...this.#rows.map(({ number }) => number)) + 1 }
    const isOther = ({ account, fingerprint }: SharedEnrolment) =>
      account !== row.account || fingerprint !== row.fingerprint
    this.#rows = [...this.#rows.filter(isOther), written]
    return written
  }

  #tell(): void {
    for (const tell of this.#listeners) tell()
  }
}
