import { closeSync, openSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { XmppkiError } from '../errors.ts'
import type { Holder, InsertRecord, IssuedKind, IssuedRecord, Ledger, LedgerChanges, Revocation } from './ledger.ts'
import { openDatabase, type SqliteDatabase, type SqliteStatement, translated } from './sqlite-driver.ts'

/** Forward-only; the position is the version. A released entry never changes, new ones are appended. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE issued (
     id INTEGER PRIMARY KEY,
     serial TEXT NOT NULL UNIQUE,
     kind TEXT NOT NULL,
     name TEXT NOT NULL,
     device TEXT NOT NULL,
     domains TEXT NOT NULL,
     fingerprint TEXT NOT NULL,
     not_before INTEGER NOT NULL,
     not_after INTEGER NOT NULL,
     issued_at INTEGER NOT NULL,
     directory TEXT NOT NULL,
     revoked_at INTEGER,
     revocation_reason TEXT
   ) STRICT;
   CREATE INDEX issued_holder ON issued (kind, name, device, issued_at);`,
  `CREATE TABLE crl (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     last_number INTEGER NOT NULL
   ) STRICT;
   INSERT INTO crl VALUES (1, 0);`,
  // Before this version a workspace had one CA, the root.
  `ALTER TABLE issued ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
   UPDATE issued SET issuer = (SELECT serial FROM issued WHERE kind = 'root') WHERE EXISTS (SELECT 1 FROM issued WHERE kind = 'root');
   CREATE INDEX issued_revoked ON issued (issuer, issued_at) WHERE revoked_at IS NOT NULL;
   CREATE TABLE crl_number (issuer TEXT PRIMARY KEY, last_number INTEGER NOT NULL) STRICT;
   INSERT INTO crl_number SELECT issued.serial, crl.last_number FROM issued, crl WHERE issued.kind = 'root';
   DROP TABLE crl;
   CREATE TABLE login (serial TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT;`,
]

interface IssuedRow {
  readonly serial: string
  readonly kind: IssuedKind
  readonly issuer: string
  readonly name: string
  readonly device: string
  readonly domains: string
  readonly fingerprint: string
  readonly not_before: number
  readonly not_after: number
  readonly issued_at: number
  readonly directory: string
  readonly revoked_at: number | null
  readonly revocation_reason: string | null
}

/**
 * The ledger in an SQLite file: WAL, `synchronous=FULL`, one writer at a time over all processes.
 * Folders beside or below the file are stored relative to it, so the whole workspace may be moved or mounted elsewhere.
 */
export class SqliteLedger implements Ledger {
  readonly #path: string
  /** The folder of the file, absolute. */
  readonly #root: string
  readonly #database: SqliteDatabase
  readonly #insert: SqliteStatement
  readonly #bySerial: SqliteStatement
  readonly #current: SqliteStatement
  readonly #list: SqliteStatement
  readonly #revoked: SqliteStatement
  readonly #login: SqliteStatement
  readonly #logins: SqliteStatement
  readonly #revoke: SqliteStatement
  readonly #relocate: SqliteStatement
  readonly #crlNumber: SqliteStatement
  readonly #changes: LedgerChanges = {
    revoke: (serial, revocation) => this.#markRevoked(serial, revocation),
    relocate: (serial, directory) => {
      this.#relocate.run(serial, this.#stored(directory))
    },
    nextCrlNumber: (issuer, above) => (this.#crlNumber.get(issuer, above) as { last_number: number }).last_number,
  }

  /** Opens the file or creates it (mode 0600). @throws {XmppkiError} IO, CORRUPT */
  constructor(path: string) {
    this.#path = path
    this.#root = dirname(resolve(path))
    createPrivateFile(path)
    this.#database = openDatabase(path)
    translated(path, () => migrate(this.#database, path))
    const prepare = (sql: string) => translated(path, () => this.#database.prepare(sql))
    this.#insert = prepare(
      `INSERT INTO issued (serial, kind, name, device, domains, fingerprint, not_before, not_after, issued_at,
         directory, revoked_at, revocation_reason, issuer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#bySerial = prepare('SELECT * FROM issued WHERE serial = ?')
    this.#current = prepare(
      `SELECT * FROM issued WHERE kind = ? AND name = ? AND device = ? AND revoked_at IS NULL
       ORDER BY issued_at DESC, id DESC LIMIT 1`,
    )
    this.#list = prepare('SELECT * FROM issued WHERE kind = ?1 OR ?1 IS NULL ORDER BY issued_at, id')
    this.#revoke = prepare(
      'UPDATE issued SET revoked_at = ?2, revocation_reason = ?3 WHERE serial = ?1 AND revoked_at IS NULL',
    )
    this.#relocate = prepare('UPDATE issued SET directory = ?2 WHERE serial = ?1')
    this.#crlNumber = prepare(
      `INSERT INTO crl_number VALUES (?1, ?2 + 1)
       ON CONFLICT (issuer) DO UPDATE SET last_number = max(last_number, ?2) + 1 RETURNING last_number`,
    )
    this.#revoked = prepare('SELECT * FROM issued WHERE issuer = ? AND revoked_at IS NOT NULL ORDER BY issued_at, id')
    this.#login = prepare(
      'INSERT INTO login VALUES (?, ?) ON CONFLICT (serial) DO UPDATE SET at = max(at, excluded.at)',
    )
    this.#logins = prepare('SELECT serial, at FROM login')
  }

  transaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => T): T {
    const insert: InsertRecord = (record) => this.#record(record)
    return translated(this.#path, () => inTransaction(this.#database, () => work(insert, this.#changes)))
  }

  #markRevoked(serial: string, { at, reason }: Revocation): IssuedRecord | undefined {
    this.#revoke.run(serial, at, reason)
    return this.findBySerial(serial)
  }

  #record(record: IssuedRecord): void {
    this.#insert.run(
      record.serial,
      record.kind,
      record.name,
      record.device,
      JSON.stringify(record.domains),
      record.fingerprint,
      record.notBefore,
      record.notAfter,
      record.issuedAt,
      this.#stored(record.directory),
      record.revokedAt ?? null,
      record.revocationReason ?? null,
      record.issuer,
    )
  }

  #stored(directory: string): string {
    const inside = relative(this.#root, directory)
    return inside.startsWith('..') || isAbsolute(inside) ? directory : inside
  }

  #read(row: unknown): IssuedRecord | undefined {
    return row === undefined ? undefined : toRecord(row as IssuedRow, this.#root)
  }

  findBySerial(serial: string): IssuedRecord | undefined {
    return translated(this.#path, () => this.#read(this.#bySerial.get(serial)))
  }

  findCurrent(holder: Holder): IssuedRecord | undefined {
    return translated(this.#path, () => this.#read(this.#current.get(holder.kind, holder.name, holder.device)))
  }

  list(kind?: IssuedKind): IssuedRecord[] {
    return translated(this.#path, () => this.#list.all(kind ?? null).flatMap((row) => this.#read(row) ?? []))
  }

  listRevoked(issuer: string): IssuedRecord[] {
    return translated(this.#path, () => this.#revoked.all(issuer).flatMap((row) => this.#read(row) ?? []))
  }

  recordLogins(logins: ReadonlyMap<string, number>): void {
    translated(this.#path, () =>
      inTransaction(this.#database, () => {
        for (const [serial, at] of logins) this.#login.run(serial, at)
      }),
    )
  }

  lastLogins(): Map<string, number> {
    const rows = translated(this.#path, () => this.#logins.all()) as { serial: string; at: number }[]
    return new Map(rows.map(({ serial, at }) => [serial, at]))
  }

  close(): void {
    this.#database.close()
  }
}

/** SQLite gives its WAL and shared-memory files the mode of the database file. */
function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600))
  } catch (error) {
    throw new XmppkiError('IO', `the ledger ${path} cannot be opened: ${String(error)}`, { cause: error })
  }
}

function inTransaction<T>(database: SqliteDatabase, work: () => T): T {
  // IMMEDIATE takes the write lock before the first read, so nothing that was read can be outdated.
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // SQLite itself has rolled back after some errors, e.g. on a full disk.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function migrate(database: SqliteDatabase, path: string): void {
  if (schemaVersion(database) === MIGRATIONS.length) return
  inTransaction(database, () => {
    // Asked again under the lock: another process may just have done it.
    const version = schemaVersion(database)
    if (version > MIGRATIONS.length) {
      throw new XmppkiError('CORRUPT', `the ledger ${path} was written by a newer xmppki`, {
        hint: 'install the newest xmppki',
      })
    }
    for (const sql of MIGRATIONS.slice(version)) database.exec(sql)
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`)
  })
}

function schemaVersion(database: SqliteDatabase): number {
  return (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
}

/** The table is STRICT and written only here, so a row has the shape that the schema gives it. */
function toRecord(row: IssuedRow, root: string): IssuedRecord {
  return {
    serial: row.serial,
    kind: row.kind,
    issuer: row.issuer,
    name: row.name,
    device: row.device,
    domains: JSON.parse(row.domains) as string[],
    fingerprint: row.fingerprint,
    notBefore: row.not_before,
    notAfter: row.not_after,
    issuedAt: row.issued_at,
    // Cheaper than resolve() on the login path; what is stored is either absolute or already normal.
    directory: isAbsolute(row.directory) ? row.directory : join(root, row.directory),
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
    ...(row.revocation_reason === null ? {} : { revocationReason: row.revocation_reason }),
  }
}
