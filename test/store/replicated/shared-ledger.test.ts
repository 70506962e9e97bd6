import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemoryEnrolments } from '../../../src/store/memory/enrolments.ts'
import { MemoryLedger } from '../../../src/store/memory/ledger.ts'
import { SharedLedger } from '../../../src/store/replicated/shared-ledger.ts'
import type { SharedRevocation } from '../../../src/store/revocations.ts'
import { SqliteRevocations } from '../../../src/store/sqlite/revocations.ts'
import { DatabaseSync } from '../../support/documents/sqlite.ts'
import { ALICE, BOB, enrolment } from '../enrolment-samples.ts'
import { idOf, issuedRecord } from '../ledger-contract.ts'

let folder: string
let others: SqliteRevocations
let own: MemoryLedger
let ledger: SharedLedger
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-shared-'))
  others = new SqliteRevocations(join(folder, 'revocations.db'))
  own = new MemoryLedger()
  ledger = new SharedLedger(own, () => others)
})
afterEach(() => {
  others.close()
  rmSync(folder, { recursive: true })
})

const OTHER = { authority: 'Other', issuer: 'other' }

function elsewhere(serial: string, given: Partial<SharedRevocation> = {}): SharedRevocation {
  return { ...idOf(serial), revokedAt: 7_000, reason: 'keyCompromise', ...given }
}

describe('SharedLedger', () => {
  it('knows what others have revoked, of certificates that it has issued and of others', () => {
    own.transaction((insert) => insert(issuedRecord({ serial: 'a1' })))
    others.take([elsewhere('a1'), elsewhere('b2')])
    const revoked = { revokedAt: 7_000, revocationReason: 'keyCompromise' }
    expect(ledger.find(idOf('a1'))).toStrictEqual({ ...issuedRecord({ serial: 'a1' }), ...revoked })
    expect(ledger.find(idOf('b2'))).toStrictEqual(revoked)
    expect(ledger.find(idOf('c3'))).toBeUndefined()
    expect(ledger.revokedAmong([idOf('a1'), idOf('b2'), idOf('c3')])).toEqual([idOf('a1'), idOf('b2')])
  })

  it('keeps date and reason of its own revocations, and says each once', () => {
    const mine = issuedRecord({ serial: 'a1', revokedAt: 5_000, revocationReason: 'superseded' })
    own.transaction((insert) => insert(mine))
    others.take([elsewhere('a1')])
    expect(ledger.find(idOf('a1'))).toStrictEqual(mine)
    expect(ledger.revokedAmong([idOf('a1')])).toEqual([idOf('a1')])
  })

  it('does not take a certificate of another CA with the same number for its own', () => {
    own.transaction((insert) => insert(issuedRecord({ serial: '01' })))
    others.take([elsewhere('01', OTHER)])
    expect(ledger.find(idOf('01'))).toStrictEqual(issuedRecord({ serial: '01' }))
    expect(ledger.revokedAmong([idOf('01')])).toEqual([])
    others.take([elsewhere('01')])
    expect(ledger.revokedAmong([idOf('01')])).toEqual([idOf('01')])
  })

  describe('a partner CA that has given the same number', () => {
    const partner = idOf('1005', { authority: 'Partner', issuer: 'partner' })

    it('is not meant by what another machine with this CA has revoked', () => {
      others.take([elsewhere('1005')])
      expect([idOf('1005'), partner].map((id) => ledger.revokedAt(id))).toEqual([7_000, undefined])
      expect(ledger.revokedAmong([partner, idOf('1005')])).toEqual([idOf('1005')])
      expect(ledger.find(partner)).toBeUndefined()
    })

    it('is not meant by a server of an earlier version, which names the certificate of the CA alone', () => {
      others.take([elsewhere('1005', { authority: '' })])
      expect([idOf('1005'), partner].map((id) => ledger.revokedAt(id))).toEqual([7_000, undefined])
    })

    it('is meant when it is named', () => {
      others.take([{ ...elsewhere('1005'), ...partner }])
      expect(ledger.revokedAmong([partner, idOf('1005')])).toEqual([partner])
      expect(ledger.find(partner)).toStrictEqual({ revokedAt: 7_000, revocationReason: 'keyCompromise' })
    })
  })

  it('knows a certificate whose CA has been renewed since, also as a server of an earlier version names it', () => {
    own.transaction((insert) => insert(issuedRecord({ serial: 'a1' })))
    const asked = idOf('a1', { issuer: 'renewed' })
    others.take([elsewhere('a1', { authority: '' })])
    expect(ledger.revokedAt(asked)).toBe(7_000)
    others.take([elsewhere('b2')])
    expect(ledger.revokedAt(idOf('b2', { issuer: 'renewed' }))).toBe(7_000)
  })

  it('counts rows that do not say which CA they are from by the certificate of the CA', () => {
    own.transaction((insert) => insert(issuedRecord({ serial: 'a1', authority: '' })))
    others.take([elsewhere('a1')])
    expect(ledger.revokedAt(idOf('a1', { authority: '' }))).toBe(7_000)
  })

  it('has changed when either has', () => {
    const seen = [ledger.changes()]
    expect(others.take([elsewhere('a1'), elsewhere('b2')])).toBe(2)
    seen.push(ledger.changes())
    own.transaction((insert) => insert(issuedRecord({ serial: 'c3' })))
    seen.push(ledger.changes())
    expect(new Set(seen).size).toBe(3)
    expect(others.take([elsewhere('a1', { revokedAt: 9_000 })])).toBe(0)
    expect(ledger.changes()).toBe(seen[2])
    expect(ledger.find(idOf('a1'))?.revokedAt).toBe(7_000)
  })

  it('is the ledger alone when nothing is shared', () => {
    const alone = new SharedLedger(own, () => undefined)
    own.transaction((insert) => insert(issuedRecord({ serial: 'a1' })))
    expect(alone.find(idOf('a1'))).toStrictEqual(issuedRecord({ serial: 'a1' }))
    expect(alone.revokedAmong([idOf('a1')])).toEqual([])
    expect(alone.changes()).toBe(own.changes())
  })
})

describe('SqliteRevocations', () => {
  it('keeps what the version before has learned', () => {
    const path = join(folder, 'old.db')
    const database = new DatabaseSync(path)
    database.exec(`CREATE TABLE revocation (serial TEXT NOT NULL, issuer TEXT NOT NULL, revoked_at INTEGER NOT NULL,
        reason TEXT NOT NULL, PRIMARY KEY (serial, issuer)) STRICT, WITHOUT ROWID;
      INSERT INTO revocation VALUES ('a1', 'ca', 7000, 'keyCompromise');
      PRAGMA user_version = 1`)
    database.close()
    const opened = new SqliteRevocations(path)
    const old = elsewhere('a1', { authority: '' })
    expect(opened.find('a1')).toStrictEqual([old])
    expect(opened.take([old, elsewhere('a1')])).toBe(1)
    expect(opened.find('a1')).toStrictEqual([old, elsewhere('a1')])
    opened.close()
  })

  it('remembers what it has learned when it is opened again', () => {
    const path = join(folder, 'again.db')
    const first = new SqliteRevocations(path)
    first.take([elsewhere('a1'), elsewhere('b2', OTHER)])
    first.close()
    const second = new SqliteRevocations(path)
    expect(second.findAmong(['a1', 'b2', 'c3'])).toStrictEqual([elsewhere('a1'), elsewhere('b2', OTHER)])
    second.close()
  })

  describe('what accounts have enrolled', () => {
    const enrolled = new MemoryEnrolments()
    enrolled.enrol(enrolment())

    it('is what the servers share, and the ledger alone while they do not', () => {
      own.transaction((_insert, changes) => changes.enrol(enrolment({ account: BOB, fingerprint: 'f2' })))
      const shared: { changes: number; enrolments: MemoryEnrolments | undefined } = { changes: 0, enrolments: enrolled }
      const both = new SharedLedger(own, () => others, shared)
      expect([both.enrolments.find('f1')?.account, both.enrolments.find('f2')]).toEqual([ALICE, undefined])
      expect([both.knowsClient(ALICE), both.knowsClient(BOB), both.knowsClient('carol@localhost')]).toEqual([
        true,
        true,
        false,
      ])
      shared.enrolments = undefined
      expect([both.enrolments.find('f1'), both.enrolments.find('f2')?.account]).toEqual([undefined, BOB])
      expect(both.knowsClient(ALICE)).toBe(false)
    })

    it('counts as a change when it is learned', () => {
      const shared = { changes: 0, enrolments: enrolled }
      const both = new SharedLedger(own, () => others, shared)
      const before = both.changes()
      shared.changes += 1
      expect(both.changes()).not.toBe(before)
    })
  })
})
