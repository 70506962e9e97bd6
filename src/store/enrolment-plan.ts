import type { AuditEvent } from './audit.ts'
import {
  type Enrolment,
  type EnrolmentChange,
  type EnrolmentOutcome,
  type EnrolmentRefusal,
  type EnrolmentTerms,
  hasExpired,
} from './enrolments.ts'

/** What is there when something is to be changed. Nobody else changes anything before that is done. */
export interface EnrolmentGround {
  /** Of the account, those that have not been ended, in the order of enrolment. */
  readonly active: readonly Enrolment[]
  /** Whether the account has revoked the certificate with this fingerprint. */
  readonly isRevoked: (fingerprint: string) => boolean
  /** Whether any account has enrolled it. */
  readonly isEnrolled: (fingerprint: string) => boolean
}

/** What happens to one enrolment; each is an entry in the audit log. */
export interface EnrolmentStep {
  readonly event: 'enrolled' | 'enrolment-disabled' | 'enrolment-revoked'
  readonly enrolment: Enrolment
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** What a change means for what is there; without a step where there is nothing to do. */
export function planChange(
  change: EnrolmentChange,
  ground: EnrolmentGround,
  { at, isAllowed }: EnrolmentTerms,
): EnrolmentRefusal | readonly EnrolmentStep[] {
  if (isAllowed?.() === false) return 'forbidden'
  if (change.kind === 'enrol') return planEnrolment(change, ground, at)
  if (change.kind === 'revoke-all')
    return ground.active.map((enrolment) => ({ event: 'enrolment-revoked', enrolment, at }))
  const found = ground.active.find(({ label }) => label === change.label)
  if (found === undefined) return 'unknown'
  return [{ event: change.kind === 'disable' ? 'enrolment-disabled' : 'enrolment-revoked', enrolment: found, at }]
}

function planEnrolment(
  { enrolment, most }: Extract<EnrolmentChange, { kind: 'enrol' }>,
  { active, isRevoked, isEnrolled }: EnrolmentGround,
  at: number,
): EnrolmentRefusal | readonly EnrolmentStep[] {
  const { label, fingerprint } = enrolment
  const expired = active.filter((one) => hasExpired(one, at))
  const left = active.filter((one) => !expired.includes(one))
  if (left.length >= most) return 'full'
  if (left.some((one) => one.label === label)) return 'label'
  if (isEnrolled(fingerprint) && !expired.some((one) => one.fingerprint === fingerprint)) return 'certificate'
  if (isRevoked(fingerprint)) return 'revoked'
  return [
    ...expired.map((one): EnrolmentStep => ({ event: 'enrolment-disabled', enrolment: one, at })),
    { event: 'enrolled', enrolment, at },
  ]
}

/** Whose certificates change. */
export function accountOf(change: EnrolmentChange): string {
  return change.kind === 'enrol' ? change.enrolment.account : change.account
}

/** What the audit log says about a step. @param number of the change in a database that several servers share */
export function auditEventOf({ event, enrolment, at }: EnrolmentStep, actor: AuditEvent['actor'], number?: number) {
  const { account: name, label, fingerprint } = enrolment
  const details = { label, fingerprint, ...(number === undefined ? {} : { change: number }) }
  return { at, event, ...(actor && { actor }), name, details } satisfies AuditEvent
}

/** What has come of a plan that has been carried out. */
export function outcomeOf(steps: readonly EnrolmentStep[]): EnrolmentOutcome {
  const enrolled = steps.find(({ event }) => event === 'enrolled')?.enrolment
  const ended = steps.filter(({ event }) => event !== 'enrolled').map(({ enrolment }) => enrolment)
  return { ...(enrolled && { enrolled }), ended }
}
