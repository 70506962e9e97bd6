import { XmppkiError } from '../errors.ts'
import { logStarted } from './audit.ts'
import type { SqliteDatabase } from './sqlite-driver.ts'

type Migration = string | ((database: SqliteDatabase) => void)

/** Forward-only; the position is the version. A released entry never changes, new ones are appended. */
const MIGRATIONS: readonly Migration[] = [
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
  (database) => {
    // Not even by mistake: what was written stays. Whoever drops the triggers is found out by the hashes.
    database.exec(
      `CREATE TABLE audit (number INTEGER PRIMARY KEY, entry TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
       CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
       CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;`,
    )
    const counts = database.prepare('SELECT count(*) AS certificates, count(revoked_at) AS revoked FROM issued').get()
    const { number, text, hash } = logStarted(Date.now(), counts as { certificates: number; revoked: number })
    database.prepare('INSERT INTO audit VALUES (?, ?, ?)').run(number, text, hash)
  },
  `CREATE TABLE enrolment (
     id INTEGER PRIMARY KEY,
     account TEXT NOT NULL,
     label TEXT NOT NULL,
     fingerprint TEXT NOT NULL,
     certificate TEXT NOT NULL,
     may_manage INTEGER NOT NULL,
     enrolled_at INTEGER NOT NULL,
     not_after INTEGER NOT NULL,
     vouched_by TEXT,
     revoked_at INTEGER
   ) STRICT;
   CREATE UNIQUE INDEX enrolment_label ON enrolment (account, label) WHERE revoked_at IS NULL;
   CREATE UNIQUE INDEX enrolment_fingerprint ON enrolment (fingerprint) WHERE revoked_at IS NULL;
   CREATE UNIQUE INDEX enrolment_revoked ON enrolment (account, fingerprint) WHERE revoked_at IS NOT NULL;`,
]

/** Runs `work` under the write lock, all or nothing. */
export function inTransaction<T>(database: SqliteDatabase, work: () => T): T {
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

/** As {@link inTransaction} for work that waits. */
export async function inLongTransaction<T>(database: SqliteDatabase, work: () => Promise<T>): Promise<T> {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = await work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** Brings the tables up to date. @throws {XmppkiError} CORRUPT when they are newer than this program */
export function migrate(database: SqliteDatabase, path: string): void {
  if (schemaVersion(database) === MIGRATIONS.length) return
  inTransaction(database, () => {
    // Asked again under the lock: another process may just have done it.
    const version = schemaVersion(database)
    if (version > MIGRATIONS.length) {
      throw new XmppkiError('CORRUPT', `the ledger ${path} was written by a newer xmppki`, {
        hint: 'install the newest xmppki',
      })
    }
    for (const migration of MIGRATIONS.slice(version)) {
      if (typeof migration === 'string') database.exec(migration)
      else migration(database)
    }
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`)
  })
}

function schemaVersion(database: SqliteDatabase): number {
  return (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
}
