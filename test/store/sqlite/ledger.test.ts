import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyChain } from '../../../src/store/audit.ts'
import { certificateKey } from '../../../src/store/certificate-id.ts'
import { openDatabase, type SqliteDatabase, translated } from '../../../src/store/sqlite/driver.ts'
import { SqliteIssued } from '../../../src/store/sqlite/issued.ts'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { LEDGER_MIGRATIONS } from '../../../src/store/sqlite/ledger-migrations.ts'
import { migrate } from '../../../src/store/sqlite/migrate.ts'
import { DatabaseSync } from '../../support/documents/sqlite.ts'
import { describeLedger, idOf, issuedRecord } from '../ledger-contract.ts'

let folder: string
let count = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-sqlite-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const CA = { authority: 'CA', issuer: 'ca' }

const newPath = () => join(folder, `ledger-${count++}.db`)

describeLedger('sqlite', () => new SqliteLedger(newPath()))

describe('SqliteLedger', () => {
  it('keeps its records when it is opened again', () => {
    const path = newPath()
    const first = new SqliteLedger(path)
    first.transaction((insert) => insert(issuedRecord({ serial: 'a1' })))
    first.close()
    const second = new SqliteLedger(path)
    expect(second.list()).toStrictEqual([issuedRecord({ serial: 'a1' })])
    second.close()
  })

  it('sees what another connection has committed, and what it has itself, as changes', () => {
    const path = newPath()
    const [first, second] = [new SqliteLedger(path), new SqliteLedger(path)]
    const seen = [first.changes()]
    for (const [ledger, serial] of [
      [second, 'a1'],
      [first, 'b2'],
      [second, 'c3'],
    ] as const) {
      ledger.transaction((insert) => insert(issuedRecord({ serial })))
      seen.push(first.changes())
    }
    expect(new Set(seen).size).toBe(4)
    second.transaction((_insert, changes) => changes.revoke(idOf('a1'), { at: 5_000, reason: 'superseded' }))
    expect(first.changes()).not.toBe(seen.at(-1))
    expect(first.revokedAmong([idOf('a1'), idOf('b2')])).toEqual([idOf('a1')])
    first.close()
    second.close()
  })

  it('goes on counting CRL numbers when it is opened again', () => {
    const path = newPath()
    for (const expected of [1, 2]) {
      const ledger = new SqliteLedger(path)
      expect(ledger.transaction((_insert, changes) => changes.nextCrlNumber(CA, 0))).toBe(expected)
      ledger.close()
    }
  })

  describe('brings a ledger up to date and keeps its rows', () => {
    const COLUMNS =
      'serial, kind, name, device, domains, fingerprint, not_before, not_after, issued_at, directory, revoked_at, revocation_reason'
    const FILL_1 = `INSERT INTO issued (id, ${COLUMNS}) VALUES
      (3, 'ca', 'root', 'CA', '', '[]', 'f', 1, 9, 1, '/ca', NULL, NULL),
      (5, 'a1', 'client', 'alice@localhost', '', '[]', 'f', 1, 9, 2, '/alice', 5, 'superseded');`
    const FILL_3 = `INSERT INTO issued (id, ${COLUMNS}, issuer) VALUES
      (3, 'ca', 'root', 'CA', '', '[]', 'f', 1, 9, 1, '/ca', NULL, NULL, 'ca'),
      (5, 'a1', 'client', 'alice@localhost', '', '[]', 'f', 1, 9, 2, '/alice', 5, 'superseded', 'ca');
      INSERT INTO crl_number VALUES ('ca', 41);
      INSERT INTO login VALUES ('a1', 4);`
    const ENROLMENT = `INSERT INTO enrolment
      VALUES (1, 'alice@localhost', 'Phone', 'f1', 'AA==', 1, 3, 9, 'a1', NULL);`

    it.each([
      { version: 1, fill: FILL_1, number: 1, began: true },
      { version: 2, fill: `${FILL_1} UPDATE crl SET last_number = 41;`, number: 42, began: true },
      { version: 3, fill: FILL_3, number: 42, login: 4, began: true },
      { version: 4, fill: FILL_3, number: 42, login: 4, began: false },
      { version: 5, fill: FILL_3 + ENROLMENT, number: 42, login: 4, enrolled: true, began: false },
    ])('of version $version', ({ version, fill, number, login, enrolled = false, began }) => {
      const path = newPath()
      const database = new DatabaseSync(path)
      migrate(database, LEDGER_MIGRATIONS.slice(0, version), 'the ledger')
      database.exec(fill)
      database.close()
      const ledger = new SqliteLedger(path)
      const alice = { authority: '', issuer: 'ca', serial: 'a1' }
      expect(ledger.list().map(({ serial, issuer, authority }) => [serial, issuer, authority])).toEqual([
        ['ca', 'ca', ''],
        ['a1', 'ca', ''],
      ])
      expect(ledger.find(idOf('a1'))).toMatchObject({ ...alice, revokedAt: 5, directory: '/alice' })
      expect(ledger.listRevoked(CA).map(({ serial }) => serial)).toEqual(['a1'])
      expect(ledger.lastLogins()).toEqual(new Map(login === undefined ? [] : [[certificateKey(alice), login]]))
      expect(ledger.enrolments.find('f1')?.vouchedBy).toEqual(enrolled ? alice : undefined)
      const [started] = verifyChain(ledger.auditTrail())
      const counts = began ? { certificates: 2, revoked: 1 } : { certificates: 0, revoked: 0 }
      expect(started).toMatchObject({ event: 'log-started', details: counts })
      expect(ledger.transaction((_insert, changes) => changes.nextCrlNumber(CA, 0))).toBe(number)
      ledger.close()
    })

    it('and what others have made for its tables', () => {
      const path = newPath()
      const database = new DatabaseSync(path)
      migrate(database, LEDGER_MIGRATIONS.slice(0, 5), 'the ledger')
      database.exec(`${FILL_3}
        CREATE INDEX by_fingerprint ON issued (fingerprint);
        CREATE TABLE seen (serial TEXT);
        CREATE TRIGGER seen AFTER INSERT ON issued BEGIN INSERT INTO seen VALUES (new.serial); END;
        CREATE VIEW revoked AS SELECT serial FROM issued WHERE revoked_at IS NOT NULL;`)
      database.close()
      const ledger = new SqliteLedger(path)
      ledger.transaction((insert) => insert(issuedRecord({ serial: 'b2' })))
      ledger.close()
      const after = new DatabaseSync(path)
      expect(after.prepare('SELECT serial FROM seen').all()).toEqual([{ serial: 'b2' }])
      expect(after.prepare('SELECT serial FROM revoked').all()).toEqual([{ serial: 'a1' }])
      expect(after.prepare("SELECT name FROM sqlite_schema WHERE name = 'by_fingerprint'").all()).toHaveLength(1)
      expect(after.prepare('SELECT id FROM issued ORDER BY id').all()).toEqual([{ id: 3 }, { id: 5 }, { id: 6 }])
      after.close()
    })
  })

  it('answers what a login asks from an index', () => {
    const path = newPath()
    new SqliteLedger(path).close()
    const database = new DatabaseSync(path)
    const asked: string[] = []
    const prepare = (sql: string) => {
      asked.push(sql)
      return database.prepare(sql)
    }
    new SqliteIssued({ prepare } as unknown as SqliteDatabase, path)
    const plans = asked
      .filter((sql) => sql.startsWith('SELECT authority, issuer, revoked_at') || sql.includes('json_each'))
      .map((sql) =>
        (database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[]).map((row) => row.detail),
      )
    expect(plans).toHaveLength(2)
    for (const plan of plans) {
      expect(plan.filter((step) => /\bissued\b/.test(step))).toEqual([
        expect.stringMatching(/^SEARCH issued USING INDEX \S+ \(serial=\?/),
      ])
    }
    database.close()
  })

  it('does not wait for another writer to note logins, but waits again afterwards', () => {
    const path = newPath()
    const [busy, server] = [new SqliteLedger(path), new SqliteLedger(path)]
    busy.transaction((insert) => insert(issuedRecord({ serial: 'a1' })))
    const began = performance.now()
    busy.transaction(() => {
      const locked = expect.objectContaining({ code: 'IO', message: expect.stringContaining('locked') })
      expect(() => server.recordLogins([{ certificate: idOf('a1'), at: 1 }])).toThrow(locked)
    })
    // Others wait for half a minute.
    expect(performance.now() - began).toBeLessThan(20_000)
    server.recordLogins([{ certificate: idOf('a1'), at: 1 }])
    expect(server.lastLogins()).toEqual(new Map([[certificateKey(idOf('a1')), 1]]))
    busy.close()
    server.close()
  })

  it.each(["UPDATE audit SET hash = ''", 'DELETE FROM audit'])('refuses %s', (sql) => {
    const path = newPath()
    new SqliteLedger(path).close()
    const database = new DatabaseSync(path)
    expect(() => database.exec(sql)).toThrow('the audit log is append-only')
    database.close()
  })

  it('shows one connection what another one has committed, and not before', () => {
    const path = newPath()
    const writer = new SqliteLedger(path)
    const reader = new SqliteLedger(path)
    const before = writer.transaction((insert) => {
      insert(issuedRecord({ serial: 'a1' }))
      return reader.find(idOf('a1'))
    })
    expect(before).toBeUndefined()
    expect(reader.find(idOf('a1'))?.serial).toBe('a1')
    writer.close()
    reader.close()
  })

  it('finds folders of the workspace again when the whole workspace was moved', () => {
    const before = join(folder, `workspace-${count++}`)
    const after = join(folder, `workspace-${count++}`)
    mkdirSync(before)
    const directories = { a1: join(before, 'clients/x/alice'), b2: '/elsewhere/bob', c3: `${before}-beside/carol` }
    const ledger = new SqliteLedger(join(before, 'ledger.db'))
    ledger.transaction((insert) => {
      for (const [serial, directory] of Object.entries(directories)) insert(issuedRecord({ serial, directory }))
    })
    expect(ledger.list().map(({ directory }) => directory)).toEqual(Object.values(directories))
    ledger.close()
    renameSync(before, after)
    const moved = new SqliteLedger(join(after, 'ledger.db'))
    const found = moved.list().map(({ directory }) => directory)
    expect(found).toEqual([join(after, 'clients/x/alice'), directories.b2, directories.c3])
    moved.close()
  })

  it('is readable by its owner only, with its WAL, whatever the umask is', () => {
    const umask = process.umask(0)
    const path = newPath()
    const ledger = new SqliteLedger(path)
    ledger.transaction((insert) => insert(issuedRecord({ serial: 'a1' })))
    const modes = ['', '-wal', '-shm'].map((suffix) => statSync(path + suffix).mode & 0o777)
    process.umask(umask)
    ledger.close()
    expect(modes).toEqual([0o600, 0o600, 0o600])
  })

  it('writes through to the disk: WAL, synchronous=FULL', () => {
    const path = newPath()
    new SqliteLedger(path).close()
    const database = new DatabaseSync(path)
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: LEDGER_MIGRATIONS.length })
    database.close()
  })

  it.each([
    [
      'a text file',
      'CORRUPT',
      'is not an SQLite database',
      (path: string) => writeFileSync(path, 'not a ledger '.repeat(500)),
    ],
    [
      'a ledger of a newer version',
      'CORRUPT',
      'was written by a newer xmppki',
      (path: string) => {
        const database = new DatabaseSync(path)
        database.exec('PRAGMA user_version = 999')
        database.close()
      },
    ],
  ])('refuses %s and names the path', (_name, code, text, make) => {
    const path = newPath()
    make(path)
    expect(() => new SqliteLedger(path)).toThrow(
      expect.objectContaining({ code, message: `the ledger ${path} ${text}` }),
    )
  })

  it('tells that it is damaged, whatever is read', () => {
    const path = newPath()
    const ledger = new SqliteLedger(path)
    for (const serial of ['a1', 'b2']) ledger.transaction((insert) => insert(issuedRecord({ serial })))
    ledger.close()
    const checkpoint = new DatabaseSync(path)
    checkpoint.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    checkpoint.close()
    const octets = readFileSync(path)
    // The schema is on the first page; how to read each of the others stands at its beginning.
    for (let page = 4096; page < octets.length; page += 4096) octets.fill(0xff, page, page + 16)
    writeFileSync(path, octets)
    const damaged = new SqliteLedger(path)
    const error = expect.objectContaining({ code: 'CORRUPT', message: `the ledger ${path} is damaged` })
    expect(() => damaged.list()).toThrow(error)
    expect(() => damaged.findCurrent({ kind: 'client', name: 'alice@localhost', device: '' })).toThrow(error)
    damaged.close()
  })

  it('tells that there is no room', () => {
    const path = newPath()
    const database = openDatabase(path)
    database.exec('CREATE TABLE t (x); PRAGMA max_page_count = 2')
    const fill = () => translated(path, () => database.prepare('INSERT INTO t VALUES (zeroblob(99999))').run())
    expect(fill).toThrow(
      expect.objectContaining({ code: 'IO', message: `the ledger ${path} cannot grow: the disk is full` }),
    )
    database.close()
  })

  it('reports a path where no file can be', () => {
    const path = join(folder, 'no', 'such', 'folder', 'ledger.db')
    expect(() => new SqliteLedger(path)).toThrow(
      expect.objectContaining({ code: 'IO', message: expect.stringContaining(path) }),
    )
  })
})
