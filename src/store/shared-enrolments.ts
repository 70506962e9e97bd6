import type { AuditEvent } from './audit.ts'
import type { EnrolmentGround, EnrolmentStep } from './enrolment-plan.ts'
import type { Enrolment, EnrolmentRefusal, EnrolmentRevocation } from './enrolments.ts'
import type { Listening } from './revocations.ts'

/** An enrolment as it is after its last change. Of one that has ended the certificate and its voucher are not kept. */
export interface SharedEnrolment extends Enrolment {
  readonly state: 'active' | 'disabled' | 'revoked'
  /** Of the last change; later changes have higher numbers, whoever makes them. */
  readonly number: number
  /** When it was disabled or revoked, in milliseconds since the epoch. */
  readonly endedAt?: number
}

/** The ledger that a change has its audit entries in. */
export interface ChangeOrigin {
  /** Of the workspace, as in {@link OwedEntry}. */
  readonly server: string
  /** Number of the last audit entry before the change. */
  readonly auditHead: number
  readonly actor: AuditEvent['actor']
}

/** What is asked of {@link SharedEnrolments.change}. */
export interface SharedChange {
  readonly account: string
  readonly origin: ChangeOrigin
  /** What is to be done with what is there; nothing else changes meanwhile. */
  readonly decide: (ground: EnrolmentGround) => EnrolmentRefusal | readonly EnrolmentStep[]
  /** Of a certificate that is to be enrolled. */
  readonly fingerprint?: string
}

/** An audit entry that is not known to be in the ledger of its server yet. */
export interface OwedEntry {
  /** That of the change; it stands in the entry as well. */
  readonly number: number
  /** The entry comes after this one in the audit log. */
  readonly auditHead: number
  readonly event: AuditEvent
}

/** What became of an enrolment that a ledger had. */
export interface Adoption {
  readonly enrolment: Enrolment
  /**
   * `adopted`, maybe as `renamed`, because its account has its label in use; `known`: it was there; `ended`: it was there
   * and has been disabled since; `revoked` by its account; `taken`: another account has enrolled the certificate.
   */
  readonly outcome: 'adopted' | 'renamed' | 'known' | 'ended' | 'revoked' | 'taken'
}

/**
 * The enrolments that several servers share. Changes are made one after the other, and numbered in that order.
 * All methods reject with an XmppkiError: UNAVAILABLE when the database cannot be reached now, CORRUPT, IO.
 */
export interface SharedEnrolments {
  /**
   * One change, complete or absent; when the connection is lost before the answer nobody knows which. With it comes what
   * its server then owes its audit log. @returns what has changed
   */
  change(change: SharedChange): Promise<EnrolmentRefusal | readonly SharedEnrolment[]>
  /** Takes over what a ledger has of one account; what is there already, or has ended, counts more. */
  adopt(account: string, enrolments: readonly Enrolment[]): Promise<readonly Adoption[]>
  /** Revokes, whatever is there: an older copy of the database does not know of it. */
  publishRevoked(revoked: readonly EnrolmentRevocation[]): Promise<void>
  /** Those of an account that have not been ended, in the order of enrolment. */
  list(account: string): Promise<readonly Enrolment[]>
  /** All, in the order of their numbers, at most some hundred. @param after the number of the last one that is known, or 0 */
  fetch(after: number): Promise<readonly SharedEnrolment[]>
  /** What a server owes its audit log, in the order of the changes. */
  owed(server: string): Promise<readonly OwedEntry[]>
  /** Forgets what is in the audit log. */
  settle(numbers: readonly number[]): Promise<void>
  /** @param onNews called when something has changed, by whomever, while the connection lasts */
  listen(onNews: () => void): Promise<Listening>
  close(): Promise<void>
}

/** What there is of an enrolment after a step. */
export function rowAfter({ event, enrolment, at }: EnrolmentStep): Omit<SharedEnrolment, 'number'> {
  if (event === 'enrolled') return { ...enrolment, state: 'active' }
  const { vouchedBy: _vouchedBy, voucher: _voucher, ...rest } = enrolment
  const state = event === 'enrolment-disabled' ? 'disabled' : 'revoked'
  return { ...rest, certificate: '', state, endedAt: at }
}

/** The ground of a change. @param rows all of the account @param isTaken whether another account has enrolled it */
export function groundOf(rows: readonly SharedEnrolment[], isTaken: (fingerprint: string) => boolean): EnrolmentGround {
  const has = (fingerprint: string, state: SharedEnrolment['state']) =>
    rows.some((row) => row.fingerprint === fingerprint && row.state === state)
  return {
    active: activeOf(rows),
    isRevoked: (fingerprint) => has(fingerprint, 'revoked'),
    isEnrolled: (fingerprint) => has(fingerprint, 'active') || isTaken(fingerprint),
  }
}

/** Those that have not been ended, in the order of enrolment. */
export function activeOf(rows: readonly SharedEnrolment[]): Enrolment[] {
  return rows
    .filter(({ state }) => state === 'active')
    .toSorted((a, b) => a.number - b.number)
    .map(({ state: _state, number: _number, ...enrolment }) => enrolment)
}
