import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { certificateKey } from '../../../src/store/certificate-id.ts'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { LEDGER_MIGRATIONS } from '../../../src/store/sqlite/ledger-migrations.ts'
import { migrate } from '../../../src/store/sqlite/migrate.ts'
import { DatabaseSync } from '../../support/documents/sqlite.ts'
import { issuedRecord } from '../ledger-contract.ts'

const ROOT = { authority: 'A', issuer: '0a' }
const ISSUING = { authority: 'B', issuer: '1b' }
const KNOWN = new Map([
  ['0a', 'A'],
  ['1b', 'B'],
])

let folder: string
let count = 0
let path: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-adoption-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const INSERT = `INSERT INTO issued (serial, kind, name, device, domains, fingerprint, not_before, not_after, issued_at,
  directory, revoked_at, revocation_reason, issuer) VALUES (?, ?, ?, '', '[]', '', 1, 9, 1, '/x', ?, ?, ?)`

/** As the version before left it, with a root and an issuing CA. */
beforeEach(() => {
  path = join(folder, `ledger-${count++}.db`)
  const database = new DatabaseSync(path)
  migrate(database, LEDGER_MIGRATIONS.slice(0, 5), 'the ledger')
  const insert = database.prepare(INSERT)
  insert.run('0a', 'root', 'Root', null, null, '0a')
  insert.run('1b', 'issuing', 'Issuing', null, null, '0a')
  insert.run('1005', 'client', 'alice@localhost', 5, 'superseded', '1b')
  insert.run('1006', 'client', 'bob@localhost', null, null, '0a')
  database.exec(`INSERT INTO crl_number VALUES ('0a', 7), ('1b', 3);
    INSERT INTO login VALUES ('1005', 4);
    INSERT INTO enrolment VALUES (1, 'alice@localhost', 'Phone', 'f1', 'AA==', 1, 3, 9, '1005', NULL);`)
  database.close()
})

const next = (ledger: SqliteLedger, signer: typeof ROOT) =>
  ledger.transaction((_insert, changes) => changes.nextCrlNumber(signer, 0))

describe('rows of the version before', () => {
  it('are those of the CAs whose certificates they name, with everything that belongs to them', () => {
    const ledger = new SqliteLedger(path)
    ledger.adopt(() => KNOWN)
    expect(ledger.list().map(({ serial, authority, issuer }) => [serial, authority, issuer])).toEqual([
      ['0a', 'A', '0a'],
      ['1b', 'A', '0a'],
      ['1005', 'B', '1b'],
      ['1006', 'A', '0a'],
    ])
    const alice = { ...ISSUING, serial: '1005' }
    expect(ledger.revokedAt(alice)).toBe(5)
    expect(ledger.revokedAt({ ...alice, authority: 'partner' })).toBeUndefined()
    expect(ledger.lastLogins()).toEqual(new Map([[certificateKey(alice), 4]]))
    expect(ledger.enrolments.find('f1')?.vouchedBy).toEqual(alice)
    expect([next(ledger, ROOT), next(ledger, { ...ISSUING, issuer: 'renewed' }), next(ledger, ISSUING)]).toEqual([
      8, 4, 5,
    ])
    ledger.close()
  })

  it('leave room for another CA that gave the same numbers, and stay what the number meant', () => {
    const ledger = new SqliteLedger(path)
    ledger.transaction((insert) => insert(issuedRecord({ serial: '1005', authority: 'C', issuer: 'cc' })))
    expect(ledger.enrolments.find('f1')?.vouchedBy).toMatchObject({ authority: '', issuer: '1b' })
    ledger.adopt(() => KNOWN)
    expect(ledger.listBySerial('1005').map(({ authority }) => authority)).toEqual(['B', 'C'])
    expect(ledger.enrolments.find('f1')?.vouchedBy).toMatchObject(ISSUING)
    ledger.close()
  })

  it('wait while their CA is not known, and count as they did', () => {
    const ledger = new SqliteLedger(path)
    ledger.adopt(() => new Map([['0a', 'A']]))
    expect(ledger.list().map(({ authority }) => authority)).toEqual(['A', 'A', '', 'A'])
    expect(ledger.revokedAt({ ...ISSUING, serial: '1005' })).toBe(5)
    expect(next(ledger, ISSUING)).toBe(4)
    ledger.adopt(() => KNOWN)
    expect(ledger.list().map(({ authority }) => authority)).toEqual(['A', 'A', 'B', 'A'])
    expect(next(ledger, ISSUING)).toBe(5)
    ledger.close()
  })

  it('are asked for once: after that nothing has to be known', () => {
    const ledger = new SqliteLedger(path)
    ledger.adopt(() => KNOWN)
    ledger.adopt(() => {
      throw new Error('nobody should ask')
    })
    ledger.close()
  })

  it('are told to other connections as a change', () => {
    const [first, second] = [new SqliteLedger(path), new SqliteLedger(path)]
    const before = [first.changes(), second.changes()]
    first.adopt(() => KNOWN)
    expect(first.changes()).not.toBe(before[0])
    expect(second.changes()).not.toBe(before[1])
    first.close()
    second.close()
  })

  it('are left alone while another process writes, without waiting for it', () => {
    const [busy, reader] = [new SqliteLedger(path), new SqliteLedger(path)]
    const began = performance.now()
    busy.transaction(() => {
      expect(() => reader.adopt(() => KNOWN)).toThrow(expect.objectContaining({ code: 'IO' }))
      expect(reader.revokedAt({ ...ISSUING, serial: '1005' })).toBe(5)
    })
    // Others wait for half a minute.
    expect(performance.now() - began).toBeLessThan(20_000)
    busy.close()
    reader.close()
  })

  it('also come from a server of that version that runs on', () => {
    const old = new DatabaseSync(path)
    const insert = old.prepare(INSERT)
    const revokedAt = old.prepare('SELECT revoked_at FROM issued WHERE serial = ? AND revoked_at IS NOT NULL')
    const ledger = new SqliteLedger(path)
    ledger.adopt(() => KNOWN)
    expect(revokedAt.get('1005')).toEqual({ revoked_at: 5 })
    insert.run('1007', 'client', 'carol@localhost', null, null, '1b')
    old.exec(`INSERT INTO enrolment (account, label, fingerprint, certificate, may_manage, enrolled_at, not_after, vouched_by)
      VALUES ('carol@localhost', 'Phone', 'f2', 'AA==', 1, 3, 9, '1007')`)
    ledger.adopt(() => KNOWN)
    expect(ledger.find({ ...ISSUING, serial: '1007' })).toMatchObject(ISSUING)
    expect(ledger.enrolments.find('f2')?.vouchedBy).toEqual({ ...ISSUING, serial: '1007' })
    old.close()
    ledger.close()
  })
})
