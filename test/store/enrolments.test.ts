import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Enrolment } from '../../src/store/enrolments.ts'
import type { Ledger } from '../../src/store/ledger.ts'
import { MemoryLedger } from '../../src/store/memory/ledger.ts'
import { SqliteLedger } from '../../src/store/sqlite/ledger.ts'
import { enrolment } from './enrolment-samples.ts'
import { idOf } from './ledger-contract.ts'

let folder: string
let count = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-enrolments-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const newPath = () => join(folder, `ledger-${count++}.db`)

describe.each([
  { store: 'memory', open: (): Ledger => new MemoryLedger() },
  { store: 'sqlite', open: (): Ledger => new SqliteLedger(newPath()) },
])('$store: enrolments', ({ open }) => {
  let ledger: Ledger
  beforeEach(() => {
    ledger = open()
  })
  afterEach(() => ledger.close())

  const enrol = (given: Partial<Enrolment> = {}) =>
    ledger.transaction((_insert, changes) => changes.enrol(enrolment(given)))
  const disable = (label: string, account = 'alice@localhost') =>
    ledger.transaction((_insert, changes) => changes.disableEnrolment(account, label))
  const revoke = (label: string, account = 'alice@localhost') =>
    ledger.transaction((_insert, changes) => changes.revokeEnrolment(account, label, 5_000))

  it('gives back an enrolment as it was put in', () => {
    const whole = enrolment({
      label: "Mobil-Telefon's <ü>",
      mayManage: false,
      vouchedBy: idOf('a1'),
      voucher: ['MIIB'],
    })
    expect(enrol(whole)).toBeUndefined()
    expect(enrol({ label: 'Laptop', fingerprint: 'f2' })).toBeUndefined()
    expect(ledger.enrolments.find('f1')).toStrictEqual(whole)
    expect(ledger.enrolments.find('f2')).toStrictEqual(enrolment({ label: 'Laptop', fingerprint: 'f2' }))
    expect(ledger.enrolments.find('F1')).toBeUndefined()
  })

  it('lists those of one account, in the order of enrolment', () => {
    enrol({ label: 'b', fingerprint: 'f2', enrolledAt: 9_000 })
    enrol({ label: 'a', fingerprint: 'f1' })
    enrol({ account: 'bob@localhost', fingerprint: 'f3' })
    expect(ledger.enrolments.list('alice@localhost').map(({ label }) => label)).toEqual(['b', 'a'])
    expect(ledger.enrolments.list('bob@localhost').map(({ fingerprint }) => fingerprint)).toEqual(['f3'])
    expect(ledger.enrolments.list('carol@localhost')).toEqual([])
  })

  it.each([
    { what: 'a label that the account uses already', given: { fingerprint: 'f2' }, conflict: 'label' },
    { what: 'a certificate twice', given: { label: 'Laptop' }, conflict: 'certificate' },
    { what: 'a certificate of another account', given: { account: 'bob@localhost' }, conflict: 'certificate' },
  ])('does not take $what', ({ given, conflict }) => {
    enrol()
    expect(enrol(given)).toBe(conflict)
    expect(ledger.enrolments.find('f1')).toStrictEqual(enrolment())
    expect(ledger.enrolments.find('f2')).toBeUndefined()
  })

  it('takes the same label in another account', () => {
    enrol()
    expect(enrol({ account: 'bob@localhost', fingerprint: 'f2' })).toBeUndefined()
  })

  it('forgets what was disabled, and takes it again', () => {
    enrol()
    expect(disable('Phone', 'bob@localhost')).toBeUndefined()
    expect(disable('Phone')).toStrictEqual(enrolment())
    expect(ledger.enrolments.find('f1')).toBeUndefined()
    expect(ledger.enrolments.list('alice@localhost')).toEqual([])
    expect(ledger.enrolments.isRevoked('alice@localhost', 'f1')).toBe(false)
    expect(disable('Phone')).toBeUndefined()
    expect(enrol()).toBeUndefined()
  })

  it('never takes back what its account has revoked, under no label', () => {
    enrol()
    expect(revoke('Phone', 'bob@localhost')).toBeUndefined()
    expect(ledger.enrolments.isRevoked('alice@localhost', 'f1')).toBe(false)
    expect(revoke('Phone')).toStrictEqual(enrolment())
    expect(ledger.enrolments.isRevoked('alice@localhost', 'f1')).toBe(true)
    expect(ledger.enrolments.find('f1')).toBeUndefined()
    expect(ledger.enrolments.list('alice@localhost')).toEqual([])
    expect(revoke('Phone')).toBeUndefined()
    expect(enrol()).toBe('revoked')
    expect(enrol({ label: 'Tablet' })).toBe('revoked')
    expect(enrol({ fingerprint: 'f2' })).toBeUndefined()
  })

  it('lets another account enrol what one has revoked: nobody can lock others out', () => {
    enrol()
    revoke('Phone')
    expect(ledger.enrolments.isRevoked('bob@localhost', 'f1')).toBe(false)
    expect(enrol({ account: 'bob@localhost' })).toBeUndefined()
    expect(ledger.enrolments.find('f1')?.account).toBe('bob@localhost')
    expect(revoke('Phone', 'bob@localhost')).toBeDefined()
  })

  it('keeps nothing of a transaction that throws', () => {
    enrol({ label: 'a', fingerprint: 'f1' })
    enrol({ label: 'b', fingerprint: 'f2' })
    const failure = new Error('no')
    expect(() =>
      ledger.tryTransaction((_insert, changes) => {
        changes.enrol(enrolment({ label: 'c', fingerprint: 'f3' }))
        changes.disableEnrolment('alice@localhost', 'a')
        changes.revokeEnrolment('alice@localhost', 'b', 1)
        throw failure
      }),
    ).toThrow(failure)
    expect(ledger.enrolments.list('alice@localhost').map(({ label }) => label)).toEqual(['a', 'b'])
    expect(ledger.enrolments.isRevoked('alice@localhost', 'f2')).toBe(false)
  })

  it('counts as a change, so that other processes look again', () => {
    const before = ledger.changes()
    enrol()
    expect(ledger.changes()).not.toBe(before)
  })
})

describe('enrolments in a file', () => {
  it('are there when it is opened again, revocations too', () => {
    const path = newPath()
    const first = new SqliteLedger(path)
    first.transaction((_insert, changes) => {
      changes.enrol(enrolment())
      changes.enrol(enrolment({ label: 'Lost', fingerprint: 'f2' }))
      changes.revokeEnrolment('alice@localhost', 'Lost', 5_000)
    })
    first.close()
    const second = new SqliteLedger(path)
    expect(second.enrolments.list('alice@localhost')).toStrictEqual([enrolment()])
    expect(second.enrolments.isRevoked('alice@localhost', 'f2')).toBe(true)
    second.close()
  })

  it('are not waited for when another process writes', () => {
    const path = newPath()
    const [busy, server] = [new SqliteLedger(path), new SqliteLedger(path)]
    const began = performance.now()
    busy.transaction(() => {
      const work = () => server.tryTransaction((_insert, changes) => changes.enrol(enrolment()))
      expect(work).toThrow(expect.objectContaining({ code: 'IO', message: expect.stringContaining('locked') }))
    })
    // Others wait for half a minute.
    expect(performance.now() - began).toBeLessThan(20_000)
    expect(server.enrolments.find('f1')).toBeUndefined()
    expect(server.tryTransaction((_insert, changes) => changes.enrol(enrolment()))).toBeUndefined()
    busy.close()
    server.close()
  })
})
