import type { SharedRevocation } from '../revocations.ts'
import { type FileWords, type SqliteDatabase, type SqliteStatement, translated } from './driver.ts'
import { inTransaction, type Migration, openForServer, rebuildTable } from './migrate.ts'

export const REVOCATIONS_WORDS: FileWords = {
  name: 'the database of what others have revoked',
  restore: 'remove it: it is filled again from the database that the machines share, if that can be reached',
  locked: 'UNAVAILABLE',
}

const MIGRATIONS: readonly Migration[] = [
  `CREATE TABLE revocation (
     serial TEXT NOT NULL,
     issuer TEXT NOT NULL,
     revoked_at INTEGER NOT NULL,
     reason TEXT NOT NULL,
     PRIMARY KEY (serial, issuer)
   ) STRICT, WITHOUT ROWID;`,
  (database) => {
    const definition = `CREATE TABLE revocation (
         serial TEXT NOT NULL,
         issuer TEXT NOT NULL,
         revoked_at INTEGER NOT NULL,
         reason TEXT NOT NULL,
         authority TEXT NOT NULL DEFAULT '',
         PRIMARY KEY (serial, issuer, authority)
       ) STRICT, WITHOUT ROWID`
    rebuildTable(database, 'revocation', definition, 'serial, issuer, revoked_at, reason')
  },
]

interface RevocationRow {
  readonly serial: string
  readonly issuer: string
  readonly authority: string
  readonly revoked_at: number
  readonly reason: string
}

/**
 * What machines have revoked that share a feed, kept here in a file: it holds while the feed cannot be reached, also
 * when the server starts in that time.
 */
export class SqliteRevocations {
  readonly #path: string
  readonly #database: SqliteDatabase
  readonly #insert: SqliteStatement
  readonly #find: SqliteStatement
  readonly #among: SqliteStatement
  #changes = 0

  /** Opens the file or creates it (mode 0600). @throws {XmppkiError} IO, CORRUPT */
  constructor(path: string) {
    this.#path = path
    this.#database = openForServer(path, REVOCATIONS_WORDS, MIGRATIONS)
    const prepare = (sql: string) => this.#translated(() => this.#database.prepare(sql))
    this.#insert = prepare(
      `INSERT INTO revocation (serial, issuer, authority, revoked_at, reason) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING RETURNING serial`,
    )
    this.#find = prepare('SELECT * FROM revocation WHERE serial = ?')
    this.#among = prepare('SELECT * FROM revocation WHERE serial IN (SELECT value FROM json_each(?))')
  }

  /** A number that changes when {@link take} has learned something. */
  get changes(): number {
    return this.#changes
  }

  /** Remembers for ever. @returns how many were not known. @throws {XmppkiError} UNAVAILABLE, IO, CORRUPT */
  take(revocations: readonly SharedRevocation[]): number {
    const isNew = ({ serial, issuer, authority, revokedAt, reason }: SharedRevocation) =>
      this.#insert.get(serial, issuer, authority, revokedAt, reason) !== undefined
    const write = () => revocations.filter(isNew).length
    const learned = this.#translated(() => inTransaction(this.#database, write))
    this.#changes += learned
    return learned
  }

  /** Certificates with this serial number, of whichever CA. @throws {XmppkiError} UNAVAILABLE, IO, CORRUPT */
  find(serial: string): SharedRevocation[] {
    return this.#translated(() => this.#find.all(serial).map((row) => toRevocation(row as RevocationRow)))
  }

  /** Those of {@link find} for many serial numbers. */
  findAmong(serials: readonly string[]): SharedRevocation[] {
    return this.#translated(() =>
      this.#among.all(JSON.stringify(serials)).map((row) => toRevocation(row as RevocationRow)),
    )
  }

  close(): void {
    this.#database.close()
  }

  #translated<T>(work: () => T): T {
    return translated(this.#path, work, REVOCATIONS_WORDS)
  }
}

/** The table is STRICT and written only here, so a row has the shape that the schema gives it. */
function toRevocation({ serial, issuer, authority, revoked_at, reason }: RevocationRow): SharedRevocation {
  return { serial, issuer, authority, revokedAt: revoked_at, reason }
}
