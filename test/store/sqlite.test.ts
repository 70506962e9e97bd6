import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyChain } from '../../src/store/audit.ts'
import { certificateKey } from '../../src/store/certificate-id.ts'
import { SqliteLedger } from '../../src/store/sqlite.ts'
import { openDatabase, translated } from '../../src/store/sqlite-driver.ts'
import { describeLedger, idOf, issuedRecord } from './contract.ts'

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
    const COLUMNS = `id INTEGER PRIMARY KEY, serial TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, name TEXT NOT NULL,
      device TEXT NOT NULL, domains TEXT NOT NULL, fingerprint TEXT NOT NULL, not_before INTEGER NOT NULL,
      not_after INTEGER NOT NULL, issued_at INTEGER NOT NULL, directory TEXT NOT NULL, revoked_at INTEGER,
      revocation_reason TEXT`
    const VERSION_1 = `CREATE TABLE issued (${COLUMNS}) STRICT;
      INSERT INTO issued VALUES (1, 'ca', 'root', 'CA', '', '[]', 'f', 1, 9, 1, '/ca', NULL, NULL),
        (2, 'a1', 'client', 'alice@localhost', '', '[]', 'f', 1, 9, 2, '/alice', 5, 'superseded');
      PRAGMA user_version = 1;`
    const VERSION_2 = `${VERSION_1}
      CREATE TABLE crl (id INTEGER PRIMARY KEY CHECK (id = 1), last_number INTEGER NOT NULL) STRICT;
      INSERT INTO crl VALUES (1, 41);
      PRAGMA user_version = 2;`

    it.each([
      ['1, without CRLs', VERSION_1, 1],
      ['2, with one CA', VERSION_2, 42],
    ])('of version %s', (_version, sql, number) => {
      const path = newPath()
      const database = new DatabaseSync(path)
      database.exec(sql)
      database.close()
      const ledger = new SqliteLedger(path)
      expect(ledger.list().map(({ serial, issuer }) => [serial, issuer])).toEqual([
        ['ca', 'ca'],
        ['a1', 'ca'],
      ])
      expect(ledger.listRevoked(CA).map(({ serial }) => serial)).toEqual(['a1'])
      const [started] = verifyChain(ledger.auditTrail())
      expect(started).toMatchObject({ event: 'log-started', details: { certificates: 2, revoked: 1 } })
      expect(ledger.transaction((_insert, changes) => changes.nextCrlNumber(CA, 0))).toBe(number)
      ledger.close()
    })
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
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 6 })
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
