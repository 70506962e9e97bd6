import type {
  Enrolment,
  EnrolmentChanges,
  EnrolmentConflict,
  EnrolmentRevocation,
  LedgerEnrolments,
} from '../enrolments.ts'

/** The reference: what the contract means, without a file. */
export class MemoryEnrolments implements LedgerEnrolments, EnrolmentChanges {
  #active: readonly Enrolment[] = []
  #revoked: readonly EnrolmentRevocation[] = []

  find(fingerprint: string): Enrolment | undefined {
    return this.#active.find((enrolment) => enrolment.fingerprint === fingerprint)
  }

  isRevoked(account: string, fingerprint: string): boolean {
    return this.#revoked.some((revoked) => revoked.account === account && revoked.fingerprint === fingerprint)
  }

  knows(account: string): boolean {
    return [...this.#active, ...this.#revoked].some((enrolment) => enrolment.account === account)
  }

  list(account: string): Enrolment[] {
    return this.#active.filter((enrolment) => enrolment.account === account)
  }

  all(): Enrolment[] {
    return [...this.#active]
  }

  revoked(): EnrolmentRevocation[] {
    return [...this.#revoked]
  }

  enrol(enrolment: Enrolment): EnrolmentConflict | undefined {
    if (this.#named(enrolment.account, enrolment.label) !== undefined) return 'label'
    if (this.find(enrolment.fingerprint) !== undefined) return 'certificate'
    if (this.isRevoked(enrolment.account, enrolment.fingerprint)) return 'revoked'
    this.#active = [...this.#active, enrolment]
    return undefined
  }

  disableEnrolment(account: string, label: string): Enrolment | undefined {
    const ended = this.#named(account, label)
    this.#active = this.#active.filter((enrolment) => enrolment !== ended)
    return ended
  }

  revokeEnrolment(account: string, label: string, at: number): Enrolment | undefined {
    const ended = this.disableEnrolment(account, label)
    if (ended === undefined) return undefined
    const { voucher: _, ...rest } = ended
    this.#revoked = [...this.#revoked, { ...rest, certificate: '', revokedAt: at }]
    return ended
  }

  /** What undoes everything from here on. */
  savepoint(): () => void {
    const [active, revoked] = [this.#active, this.#revoked]
    return () => {
      this.#active = active
      this.#revoked = revoked
    }
  }

  #named(account: string, label: string): Enrolment | undefined {
    return this.list(account).find((enrolment) => enrolment.label === label)
  }
}
