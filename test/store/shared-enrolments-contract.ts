import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../src/errors.ts'
import type { EnrolmentStep } from '../../src/store/enrolment-plan.ts'
import type { Enrolment } from '../../src/store/enrolments.ts'
import type { SharedChange, SharedEnrolments } from '../../src/store/shared-enrolments.ts'
import { ALICE, BOB, enrolment } from './enrolment-samples.ts'

export const step = (event: EnrolmentStep['event'], given: Partial<Enrolment> = {}): EnrolmentStep => {
  return { event, enrolment: enrolment(given), at: 5_000 }
}

export const changing = (steps: readonly EnrolmentStep[], given: Partial<SharedChange> = {}): SharedChange => ({
  account: steps[0]?.enrolment.account ?? ALICE,
  origin: { server: 'here', auditHead: 7, actor: undefined },
  decide: () => steps,
  ...given,
})

/** What every database does that servers share enrolments in. @param open a new, empty one each time */
export function describeSharedEnrolments(name: string, open: () => Promise<SharedEnrolments>): void {
  describe(`${name}: shared enrolments contract`, () => {
    let shared: SharedEnrolments
    beforeEach(async () => {
      shared = await open()
    })
    afterEach(() => shared.close())

    const change = (...steps: EnrolmentStep[]) => shared.change(changing(steps))
    const states = async (after = 0) =>
      (await shared.fetch(after)).map(({ account, label, state, number }) => `${number} ${account} ${label} ${state}`)

    it('gives out what was put in, with the number of the change', async () => {
      const vouchedBy = { serial: 'a1', authority: 'CA', issuer: 'ca' }
      const whole = enrolment({ label: "Mobil-Telefon's <ü>", mayManage: false, vouchedBy, voucher: ['MIIB', 'MIIC'] })
      const changed = await shared.change(changing([{ event: 'enrolled', enrolment: whole, at: 1 }]))
      expect(changed).toStrictEqual([{ ...whole, state: 'active', number: 1 }])
      expect(await shared.fetch(0)).toStrictEqual(changed)
      expect(await shared.list(ALICE)).toStrictEqual([whole])
      expect(await shared.list(BOB)).toStrictEqual([])
    })

    it('keeps one row for each certificate of an account, as it was last', async () => {
      await change(step('enrolled'))
      await change(step('enrolled', { label: 'Laptop', fingerprint: 'f2', vouchedBy: idOf, voucher: ['MIIB'] }))
      await change(step('enrolment-disabled'))
      expect(await states()).toEqual(['2 alice@localhost Laptop active', '3 alice@localhost Phone disabled'])
      await change(
        step('enrolled', { label: 'Mobile' }),
        step('enrolment-revoked', { label: 'Laptop', fingerprint: 'f2' }),
      )
      expect(await states(3)).toEqual(['4 alice@localhost Mobile active', '5 alice@localhost Laptop revoked'])
      const [mobile, laptop] = await shared.fetch(3)
      expect(mobile).toStrictEqual({ ...enrolment({ label: 'Mobile' }), state: 'active', number: 4 })
      const ended = { ...enrolment({ label: 'Laptop', fingerprint: 'f2' }), certificate: '', endedAt: 5_000 }
      expect(laptop).toStrictEqual({ ...ended, state: 'revoked', number: 5 })
      expect((await shared.list(ALICE)).map(({ label }) => label)).toEqual(['Mobile'])
    })

    it('shows what is there to whoever decides, and does nothing when that is refused', async () => {
      await change(step('enrolled'), step('enrolled', { label: 'Laptop', fingerprint: 'f2' }))
      await change(step('enrolment-revoked', { label: 'Laptop', fingerprint: 'f2' }))
      const seen: unknown[] = []
      const look = (account: string) =>
        shared.change({
          ...changing([], { account, fingerprint: 'f1' }),
          decide: ({ active, isEnrolled, isRevoked }) => {
            seen.push([active.map(({ label }) => label), isEnrolled('f1'), isRevoked('f1'), isRevoked('f2')])
            return 'full'
          },
        })
      expect([await look(ALICE), await look(BOB)]).toEqual(['full', 'full'])
      expect(seen).toEqual([
        [['Phone'], true, false, true],
        [[], true, false, false],
      ])
      expect(await states()).toHaveLength(2)
      expect(await shared.owed('here')).toHaveLength(3)
    })

    it('keeps nothing of a change that throws', async () => {
      const failure = new XmppkiError('IO', 'no')
      const decide = () => {
        throw failure
      }
      await expect(shared.change({ ...changing([]), decide })).rejects.toBe(failure)
      expect([await shared.fetch(0), await shared.owed('here')]).toEqual([[], []])
    })

    it('owes each server its entries until it has them', async () => {
      await change(step('enrolled'))
      const actor = { user: 'x', host: 'y', pid: 1, version: '0' }
      const there = { server: 'there', auditHead: 3, actor }
      await shared.change(changing([step('enrolment-disabled')], { origin: there }))
      const details = { label: 'Phone', fingerprint: 'f1' }
      expect(await shared.owed('here')).toStrictEqual([
        {
          number: 1,
          auditHead: 7,
          event: { at: 5_000, event: 'enrolled', name: ALICE, details: { ...details, change: 1 } },
        },
      ])
      expect(await shared.owed('there')).toMatchObject([
        { number: 2, auditHead: 3, event: { event: 'enrolment-disabled', actor, details: { change: 2 } } },
      ])
      await shared.settle([1])
      expect([await shared.owed('here'), await shared.owed('there')]).toMatchObject([[], [{ number: 2 }]])
    })

    it('numbers changes in the order in which they come to be seen', async () => {
      const many = Array.from({ length: 12 }, (_, index) =>
        step('enrolled', { account: `u${index}@x`, fingerprint: `${index}` }),
      )
      await Promise.all(many.map((one) => change(one)))
      expect((await shared.fetch(0)).map(({ number }) => number)).toEqual(many.map((_, index) => index + 1))
      expect(await shared.fetch(10)).toHaveLength(2)
    })

    it('tells whoever listens', async () => {
      let tell = () => {}
      const news = () =>
        new Promise<void>((resolve) => {
          tell = resolve
        })
      const listening = await shared.listen(() => tell())
      for (const act of [
        () => change(step('enrolled')),
        () => shared.adopt(BOB, [enrolment({ account: BOB, fingerprint: 'f2' })]),
        () => shared.publishRevoked([{ ...enrolment(), revokedAt: 6_000 }]),
      ]) {
        const told = news()
        await act()
        await told
      }
      await listening.close()
    })

    describe('what a ledger had', () => {
      const adopt = async (...given: Partial<Enrolment>[]) =>
        (await shared.adopt(ALICE, given.map(enrolment))).map(
          ({ outcome, enrolment: { label } }) => `${label}: ${outcome}`,
        )

      it('is taken over, without another audit entry, and once', async () => {
        const ledger = [{}, { label: 'Laptop', fingerprint: 'f2' }]
        expect(await adopt(...ledger)).toEqual(['Phone: adopted', 'Laptop: adopted'])
        expect(await adopt(...ledger)).toEqual(['Phone: known', 'Laptop: known'])
        expect(await shared.list(ALICE)).toStrictEqual(ledger.map(enrolment))
        expect(await shared.owed('here')).toEqual([])
        expect(await states()).toHaveLength(2)
      })

      it('is taken over once when two servers begin at the same time', async () => {
        const both = (await Promise.all([adopt({}), adopt({})])).flat()
        expect(both.sort()).toEqual(['Phone: adopted', 'Phone: known'])
        expect(await states()).toEqual(['1 alice@localhost Phone active'])
      })

      it('does not count where its account has revoked it, disabled it since, or another has it', async () => {
        const others = ['f2', 'f3'].map((fingerprint) => step('enrolled', { label: fingerprint, fingerprint }))
        await change(...others)
        await change(step('enrolment-revoked', { label: 'f2', fingerprint: 'f2' }))
        await change(step('enrolment-disabled', { label: 'f3', fingerprint: 'f3' }))
        await change(step('enrolled', { account: BOB, fingerprint: 'f4' }))
        const ledger = ['f2', 'f3', 'f4'].map((fingerprint) => ({ label: fingerprint, fingerprint }))
        expect(await adopt(...ledger)).toEqual(['f2: revoked', 'f3: ended', 'f4: taken'])
        expect(await shared.list(ALICE)).toEqual([])
        expect(await adopt({ label: 'f3', fingerprint: 'f3', enrolledAt: 1_001 })).toEqual(['f3: adopted'])
      })

      it('gets another label where its own is in use', async () => {
        const label = 'é'.repeat(64)
        await change(step('enrolled'), step('enrolled', { label, fingerprint: 'f2' }))
        expect(await adopt({ fingerprint: 'f3' }, { fingerprint: 'f4' }, { label, fingerprint: 'f5' })).toEqual([
          'Phone 2: renamed',
          'Phone 3: renamed',
          `${'é'.repeat(62)} 2: renamed`,
        ])
      })

      it('stays revoked, whatever an older copy of the database says', async () => {
        await change(step('enrolled'))
        const revoked = [
          { ...enrolment(), revokedAt: 6_000 },
          { ...enrolment({ label: 'Lost', fingerprint: 'f9' }), revokedAt: 6_001 },
        ]
        await shared.publishRevoked(revoked)
        const all = ['2 alice@localhost Phone revoked', '3 alice@localhost Lost revoked']
        expect((await states()).sort()).toEqual(all)
        await shared.publishRevoked(revoked)
        await shared.publishRevoked([])
        expect((await states()).sort()).toEqual(all)
        expect(await adopt({}, { fingerprint: 'f9' })).toEqual(['Phone: revoked', 'Phone: revoked'])
      })
    })
  })
}

const idOf = { serial: 'a1', authority: 'CA', issuer: 'ca' }
