import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SharedEnrolment } from '../../../src/store/shared-enrolments.ts'
import { SqliteEnrolmentReplica } from '../../../src/store/sqlite/enrolment-replica.ts'
import { ALICE, BOB, enrolment } from '../enrolment-samples.ts'

let folder: string
let path: string
let replica: SqliteEnrolmentReplica
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-replica-'))
  path = join(folder, 'enrolments.db')
  replica = new SqliteEnrolmentReplica(path)
})
afterEach(() => {
  replica.close()
  rmSync(folder, { recursive: true })
})

const row = (number: number, given: Partial<SharedEnrolment> = {}): SharedEnrolment => {
  return { ...enrolment(), state: 'active', number, ...given }
}
const labels = (account = ALICE) => replica.list(account).map(({ label }) => label)

describe('SqliteEnrolmentReplica', () => {
  it('answers what it was told, in the order of the changes', async () => {
    const vouchedBy = { serial: 'a1', authority: 'CA', issuer: 'ca' }
    await replica.take([row(8, { label: 'b', fingerprint: 'f2', vouchedBy, voucher: ['MIIB'] }), row(9)])
    expect(replica.find('f2')).toStrictEqual(enrolment({ label: 'b', fingerprint: 'f2', vouchedBy, voucher: ['MIIB'] }))
    expect(replica.find('f1')).toStrictEqual(enrolment())
    expect(labels()).toEqual(['b', 'Phone'])
    expect([replica.knows(ALICE), replica.knows(BOB)]).toEqual([true, false])
  })

  it('forgets what was disabled, and never what was revoked', async () => {
    await replica.take([row(1), row(2, { label: 'Lost', fingerprint: 'f2' })])
    await replica.take([row(3, { state: 'disabled' }), row(4, { fingerprint: 'f2', state: 'revoked', endedAt: 6_000 })])
    expect([labels(), replica.isRevoked(ALICE, 'f1'), replica.isRevoked(ALICE, 'f2')]).toEqual([[], false, true])
    await replica.take([row(5, { fingerprint: 'f2' }), row(6, { fingerprint: 'f2', state: 'disabled' })])
    expect([replica.find('f2'), replica.isRevoked(ALICE, 'f2')]).toEqual([undefined, true])
    expect(replica.revoked()).toMatchObject([{ account: ALICE, fingerprint: 'f2', revokedAt: 6_000 }])
    expect([replica.isRevoked(BOB, 'f2'), replica.knows(ALICE)]).toEqual([false, true])
  })

  it('tells that it has learned something', async () => {
    const before = replica.changes
    await replica.take([])
    expect(replica.changes).toBe(before)
    await replica.take([row(1)])
    expect(replica.changes).toBeGreaterThan(before)
  })

  it('is complete when a database has been read once, and stays so', async () => {
    expect(replica.isComplete).toBe(false)
    await replica.begin()
    await replica.take([row(1)])
    await replica.complete()
    replica.close()
    replica = new SqliteEnrolmentReplica(path)
    expect([replica.isComplete, labels()]).toEqual([true, ['Phone']])
  })

  it('forgets what another database does not have, except that it was revoked', async () => {
    await replica.take([row(1), row(2, { label: 'b', fingerprint: 'f2', state: 'revoked' })])
    await replica.take([row(3, { label: 'c', fingerprint: 'f3' })])
    await replica.begin()
    await replica.take([row(1, { label: 'c', fingerprint: 'f3' })])
    expect(labels()).toEqual(['Phone', 'c'])
    await replica.complete()
    expect([labels(), replica.isRevoked(ALICE, 'f2')]).toEqual([['c'], true])
  })

  it('has a certificate in one account and a label once, whichever database says so last', async () => {
    await replica.take([row(1), row(2, { label: 'b', fingerprint: 'f2' })])
    await replica.take([row(1, { account: BOB }), row(2, { label: 'b', fingerprint: 'f3' })])
    expect(replica.find('f1')?.account).toBe(BOB)
    expect(replica.list(ALICE).map(({ fingerprint }) => fingerprint)).toEqual(['f3'])
  })

  it('has a name that stays, and no other replica has', () => {
    const other = new SqliteEnrolmentReplica(join(folder, 'other.db'))
    const again = new SqliteEnrolmentReplica(path)
    expect(again.server).toBe(replica.server)
    expect(other.server).not.toBe(replica.server)
    for (const one of [other, again]) one.close()
  })

  it('can be read by nobody else', () => {
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('shows one process what another has written', async () => {
    const command = new SqliteEnrolmentReplica(path)
    await Promise.all([replica.take([row(1)]), command.take([row(2, { label: 'b', fingerprint: 'f2' })])])
    expect(labels()).toEqual(['Phone', 'b'])
    await command.take([row(3, { state: 'revoked' })])
    expect(replica.isRevoked(ALICE, 'f1')).toBe(true)
    command.close()
  })
})
