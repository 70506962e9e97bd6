import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEnrolments } from '../../../src/store/open/open-enrolments.ts'
import { enrolling, terms } from '../../store/enrolment-samples.ts'
import { describeEnrolmentStore } from '../../store/enrolment-store-contract.ts'
import { changing, describeSharedEnrolments, step } from '../../store/shared-enrolments-contract.ts'
import { ReplicatedStore } from '../../support/servers/replicated-store.ts'
import { PostgresServer } from './postgres-server.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await PostgresServer.start()
})
afterAll(() => server.remove())

const openNew = async () => openEnrolments(server.url(await server.emptyDatabase()))

describeSharedEnrolments('postgres', openNew)
describeEnrolmentStore('postgres', async () => new ReplicatedStore(await openNew()))

describe('PostgresEnrolments', () => {
  it('lets one of several servers have a certificate', async () => {
    const url = server.url(await server.createDatabase())
    const stores = await Promise.all([0, 1, 2].map(async () => new ReplicatedStore(await openEnrolments(url))))
    const outcomes = await Promise.all(
      stores.flatMap(({ store }, index) =>
        [0, 1, 2, 3].map((number) => store.change(enrolling({ account: `u${index}-${number}@localhost` }), terms())),
      ),
    )
    expect(outcomes.filter((outcome) => !('refusal' in outcome))).toHaveLength(1)
    for (const store of stores) await store.close()
  })

  it('keeps labels and revocations of accounts that differ by case or locale alone', async () => {
    const shared = await openNew()
    await shared.change(changing([step('enrolled'), step('enrolled', { label: 'phone', fingerprint: 'F1' })]))
    expect((await shared.list('alice@localhost')).map(({ label }) => label)).toEqual(['Phone', 'phone'])
    expect(await shared.list('Alice@localhost')).toEqual([])
    await shared.close()
  })

  it('gives out many in pieces', async () => {
    const shared = await openNew()
    const revoked = Array.from({ length: 1_234 }, (_, index) => {
      return { ...step('enrolled', { label: `${index}`, fingerprint: `${index}` }).enrolment, revokedAt: index }
    })
    await shared.publishRevoked(revoked)
    const seen = new Set<string>()
    let after = 0
    for (let news = await shared.fetch(after); news.length > 0; news = await shared.fetch(after)) {
      expect(news.length).toBeLessThanOrEqual(500)
      for (const { fingerprint } of news) seen.add(fingerprint)
      after = news.at(-1)?.number ?? after
    }
    expect([seen.size, after]).toEqual([1_234, 1_234])
    await shared.close()
  })

  it('says that the database is away, and goes on when it is back', async () => {
    const shared = await openNew()
    await shared.change(changing([step('enrolled')]))
    await server.stop()
    await expect(shared.change(changing([step('enrolment-revoked')]))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(shared.list('alice@localhost')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await server.start()
    await shared.change(changing([step('enrolment-revoked')]))
    expect(await shared.fetch(0)).toMatchObject([{ state: 'revoked', number: 2 }])
    await shared.close()
  })
})
