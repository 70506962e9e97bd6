import type { Enrolment, EnrolmentChange, EnrolmentTerms } from '../../src/store/enrolments.ts'

export const ALICE = 'alice@localhost'
export const BOB = 'bob@localhost'

/** An enrolment of alice, good until long after the tests. */
export function enrolment(given: Partial<Enrolment> = {}): Enrolment {
  return {
    account: ALICE,
    label: 'Phone',
    fingerprint: 'f1',
    certificate: 'MIIB',
    mayManage: true,
    enrolledAt: 1_000,
    notAfter: 2_000_000,
    ...given,
  }
}

export const enrolling = (given: Partial<Enrolment> = {}, most = 16): EnrolmentChange => {
  return { kind: 'enrol', enrolment: enrolment(given), most }
}

export const terms = (given: Partial<EnrolmentTerms> = {}): EnrolmentTerms => ({
  at: 5_000,
  actor: undefined,
  ...given,
})
