import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { verifyChain } from '../../src/store/audit.ts'
import type { EnrolmentChange, EnrolmentStore, Enrolments, EnrolmentTerms } from '../../src/store/enrolments.ts'
import type { Ledger } from '../../src/store/ledger.ts'
import { ALICE, BOB, enrolling, enrolment, terms } from './enrolment-samples.ts'

/** A store, what is known of it here, and the ledger that has its audit log. */
export interface OpenStore {
  readonly store: EnrolmentStore
  readonly known: Enrolments
  readonly ledger: Ledger
  close(): Promise<void>
}

/** What every place does where enrolments are changed. @param open a new, empty one each time */
export function describeEnrolmentStore(name: string, open: () => Promise<OpenStore>): void {
  describe(`${name}: enrolment store contract`, () => {
    let t: OpenStore
    beforeEach(async () => {
      t = await open()
    })
    afterEach(() => t.close())

    const change = (one: EnrolmentChange, given: Partial<EnrolmentTerms> = {}) => t.store.change(one, terms(given))
    const labels = (account = ALICE) => t.known.list(account).map(({ label }) => label)
    const entries = () => {
      const [, ...rest] = verifyChain(t.ledger.auditTrail())
      return rest.map(({ event, name: account, details }) => `${event} ${account} ${details?.['label']}`)
    }

    it('enrols, and knows it at once as it was given', async () => {
      const vouchedBy = { serial: 'a1', authority: 'CA', issuer: 'ca' }
      const whole = enrolment({ label: "Mobil-Telefon's <ü>", mayManage: false, vouchedBy, voucher: ['MIIB', 'MIIC'] })
      expect(await change({ kind: 'enrol', enrolment: whole, most: 16 })).toEqual({ enrolled: whole, ended: [] })
      expect(t.known.find('f1')).toStrictEqual(whole)
      expect(t.known.find('F1')).toBeUndefined()
      expect(t.known.list(ALICE)).toStrictEqual([whole])
      expect([t.known.knows(ALICE), t.known.knows(BOB)]).toEqual([true, false])
    })

    it('lists those of one account in the order of enrolment', async () => {
      await change(enrolling({ label: 'b', fingerprint: 'f2', enrolledAt: 9_000 }))
      await change(enrolling({ label: 'a' }))
      await change(enrolling({ account: BOB, fingerprint: 'f3' }))
      await change({ kind: 'disable', account: ALICE, label: 'b' })
      await change(enrolling({ label: 'c', fingerprint: 'f2' }))
      expect([labels(), labels(BOB), labels('carol@localhost')]).toEqual([['a', 'c'], ['Phone'], []])
    })

    it.each([
      { what: 'a label that the account uses already', given: { fingerprint: 'f2' }, refusal: 'label' },
      { what: 'a certificate twice', given: { label: 'Laptop' }, refusal: 'certificate' },
      { what: 'a certificate of another account', given: { account: BOB }, refusal: 'certificate' },
    ])('does not take $what', async ({ given, refusal }) => {
      await change(enrolling())
      expect(await change(enrolling(given))).toEqual({ refusal })
      expect([labels(), labels(BOB)]).toEqual([['Phone'], []])
      expect(entries()).toEqual(['enrolled alice@localhost Phone'])
    })

    it('does not take more than an account may have, and disables what has expired', async () => {
      await change(enrolling({ notAfter: 9_999 }, 2))
      await change(enrolling({ label: 'Laptop', fingerprint: 'f2' }, 2))
      const third = enrolling({ label: 'Tablet', fingerprint: 'f3' }, 2)
      expect(await change(third, { at: 10_998 })).toEqual({ refusal: 'full' })
      expect(await change(third, { at: 10_999 })).toMatchObject({ ended: [{ label: 'Phone' }] })
      expect(labels()).toEqual(['Laptop', 'Tablet'])
      expect(entries().slice(2)).toEqual([
        'enrolment-disabled alice@localhost Phone',
        'enrolled alice@localhost Tablet',
      ])
    })

    it('takes again what was disabled, also once it has expired', async () => {
      await change(enrolling({ notAfter: 5_000 }))
      expect(await change({ kind: 'disable', account: BOB, label: 'Phone' })).toEqual({ refusal: 'unknown' })
      await change({ kind: 'disable', account: ALICE, label: 'Phone' })
      expect([t.known.find('f1'), labels(), t.known.isRevoked(ALICE, 'f1')]).toEqual([undefined, [], false])
      expect(await change({ kind: 'disable', account: ALICE, label: 'Phone' })).toEqual({ refusal: 'unknown' })
      await change(enrolling({ notAfter: 5_000 }))
      expect(await change(enrolling(), { at: 6_000 })).toMatchObject({ ended: [{ label: 'Phone' }] })
      expect(t.known.find('f1')?.notAfter).toBe(2_000_000)
    })

    it('never takes back what its account has revoked; another account may enrol it', async () => {
      await change(enrolling())
      expect(await change({ kind: 'revoke', account: ALICE, label: 'Phone' })).toMatchObject({ ended: [enrolment()] })
      expect([t.known.find('f1'), t.known.isRevoked(ALICE, 'f1'), t.known.knows(ALICE)]).toEqual([
        undefined,
        true,
        true,
      ])
      expect(await change(enrolling({ label: 'Tablet' }))).toEqual({ refusal: 'revoked' })
      expect(await change(enrolling({ account: BOB }))).toMatchObject({ ended: [] })
      expect([t.known.isRevoked(BOB, 'f1'), t.known.find('f1')?.account]).toEqual([false, BOB])
      expect(entries()).toEqual([
        'enrolled alice@localhost Phone',
        'enrolment-revoked alice@localhost Phone',
        'enrolled bob@localhost Phone',
      ])
    })

    it('revokes all of an account, if there are any', async () => {
      await change(enrolling())
      await change(enrolling({ label: 'Laptop', fingerprint: 'f2' }))
      await change(enrolling({ account: BOB, fingerprint: 'f3' }))
      const all = { kind: 'revoke-all', account: ALICE } as const
      expect(await change(all)).toMatchObject({ ended: [{ label: 'Phone' }, { label: 'Laptop' }] })
      expect([labels(), labels(BOB)]).toEqual([[], ['Phone']])
      expect(await change(all)).toEqual({ ended: [] })
      expect(entries()).toHaveLength(5)
    })

    it('does nothing for somebody who may not any more', async () => {
      expect(await change(enrolling(), { isAllowed: () => false })).toEqual({ refusal: 'forbidden' })
      expect([labels(), entries()]).toEqual([[], []])
    })

    it('lets one of many have a certificate who want it at once', async () => {
      const accounts = Array.from({ length: 8 }, (_, index) => `user${index}@localhost`)
      const outcomes = await Promise.all(accounts.map((account) => change(enrolling({ account }))))
      expect(outcomes.filter((outcome) => !('refusal' in outcome))).toHaveLength(1)
      expect(accounts.flatMap((account) => labels(account))).toHaveLength(1)
    })
  })
}
