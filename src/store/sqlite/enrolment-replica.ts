import { randomUUID } from 'node:crypto'
import type { CertificateId } from '../certificate-id.ts'
import type { Enrolment, EnrolmentRevocation, Enrolments } from '../enrolments.ts'
import type { SharedEnrolment } from '../shared-enrolments.ts'
import {
  explained,
  type FileWords,
  type SqliteDatabase,
  type SqliteStatement,
  translated,
  untilFree,
} from './driver.ts'
import { inTransaction, type Migration, openForServer } from './migrate.ts'

export const ENROLMENTS_WORDS: FileWords = {
  name: 'the copy of what accounts have enrolled',
  restore: 'remove it: it is filled again from the database that the machines share, if that can be reached',
  locked: 'UNAVAILABLE',
}

/** A command that has changed something writes for a moment. */
const PATIENCE_MS = 2_000

const MIGRATIONS: readonly Migration[] = [
  `CREATE TABLE enrolment (
     account TEXT NOT NULL,
     fingerprint TEXT NOT NULL,
     label TEXT NOT NULL,
     certificate TEXT NOT NULL,
     may_manage INTEGER NOT NULL,
     enrolled_at INTEGER NOT NULL,
     not_after INTEGER NOT NULL,
     vouched_by TEXT,
     voucher TEXT,
     revoked_at INTEGER,
     number INTEGER NOT NULL,
     reading INTEGER NOT NULL,
     PRIMARY KEY (account, fingerprint)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX enrolment_fingerprint ON enrolment (fingerprint) WHERE revoked_at IS NULL;
   CREATE TABLE replica (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     server TEXT NOT NULL,
     reading INTEGER NOT NULL,
     is_complete INTEGER NOT NULL
   ) STRICT;`,
  (database) => {
    database.prepare('INSERT INTO replica VALUES (1, ?, 0, 0)').run(randomUUID())
  },
]

interface ReplicaRow {
  readonly account: string
  readonly fingerprint: string
  readonly label: string
  readonly certificate: string
  readonly may_manage: number
  readonly enrolled_at: number
  readonly not_after: number
  readonly vouched_by: string | null
  readonly voucher: string | null
  readonly revoked_at: number | null
}

/** What one account alone may have: the certificate, and the label in the account. Databases differ in who has it. */
const DISPLACE = `DELETE FROM enrolment WHERE revoked_at IS NULL
  AND (fingerprint = :fingerprint AND account <> :account
    OR account = :account AND label = :label AND fingerprint <> :fingerprint)`

/** What is revoked stays so. */
const PUT = `INSERT INTO enrolment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT reading FROM replica))
  ON CONFLICT DO UPDATE SET label = excluded.label, certificate = excluded.certificate, may_manage = excluded.may_manage,
    enrolled_at = excluded.enrolled_at, not_after = excluded.not_after, vouched_by = excluded.vouched_by,
    voucher = excluded.voucher, revoked_at = excluded.revoked_at, number = excluded.number, reading = excluded.reading
  WHERE revoked_at IS NULL`

/**
 * What accounts have enrolled in the database that several servers share, kept here in a file: logins are judged by it, also
 * while the database cannot be reached, and also when the server starts in that time.
 */
export class SqliteEnrolmentReplica implements Enrolments {
  /** Of the workspace; says whose audit log is owed an entry. */
  readonly server: string
  readonly #path: string
  readonly #database: SqliteDatabase
  readonly #byFingerprint: SqliteStatement
  readonly #byAccount: SqliteStatement
  readonly #revokedOne: SqliteStatement
  readonly #known: SqliteStatement
  readonly #allRevoked: SqliteStatement
  readonly #displace: SqliteStatement
  readonly #put: SqliteStatement
  readonly #forget: SqliteStatement
  readonly #forgetUnread: SqliteStatement
  #changes = 0
  #isComplete: boolean

  /** Opens the file or creates it (mode 0600). @throws {XmppkiError} IO, CORRUPT */
  constructor(path: string) {
    this.#path = path
    this.#database = openForServer(path, ENROLMENTS_WORDS, MIGRATIONS)
    const prepare = (sql: string) => this.#translated(() => this.#database.prepare(sql))
    this.#byFingerprint = prepare('SELECT * FROM enrolment WHERE fingerprint = ? AND revoked_at IS NULL')
    this.#byAccount = prepare('SELECT * FROM enrolment WHERE account = ? AND revoked_at IS NULL ORDER BY number')
    this.#revokedOne = prepare(
      'SELECT 1 FROM enrolment WHERE account = ? AND fingerprint = ? AND revoked_at IS NOT NULL',
    )
    this.#known = prepare('SELECT 1 FROM enrolment WHERE account = ? LIMIT 1')
    this.#allRevoked = prepare('SELECT * FROM enrolment WHERE revoked_at IS NOT NULL')
    this.#displace = prepare(DISPLACE)
    this.#put = prepare(PUT)
    this.#forget = prepare('DELETE FROM enrolment WHERE account = ? AND fingerprint = ? AND revoked_at IS NULL')
    this.#forgetUnread = prepare(
      'DELETE FROM enrolment WHERE revoked_at IS NULL AND reading <> (SELECT reading FROM replica)',
    )
    const state = prepare('SELECT server, is_complete FROM replica')
    const { server, is_complete } = this.#translated(() => state.get()) as { server: string; is_complete: number }
    this.server = server
    this.#isComplete = is_complete === 1
  }

  /** Whether the whole of a database has ever been read. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** A number that changes when this process has learned something. */
  get changes(): number {
    return this.#changes
  }

  find(fingerprint: string): Enrolment | undefined {
    const row = this.#translated(() => this.#byFingerprint.get(fingerprint))
    return row === undefined ? undefined : toEnrolment(row as ReplicaRow)
  }

  isRevoked(account: string, fingerprint: string): boolean {
    return this.#translated(() => this.#revokedOne.get(account, fingerprint)) !== undefined
  }

  /** As far as it has not been disabled since. */
  knows(account: string): boolean {
    return this.#translated(() => this.#known.get(account)) !== undefined
  }

  list(account: string): Enrolment[] {
    return this.#translated(() => this.#byAccount.all(account)).map((row) => toEnrolment(row as ReplicaRow))
  }

  /** Of all accounts, in any order. */
  revoked(): EnrolmentRevocation[] {
    const rows = this.#translated(() => this.#allRevoked.all()) as ReplicaRow[]
    return rows.map((row) => ({ ...toEnrolment(row), revokedAt: row.revoked_at ?? 0 }))
  }

  /** The database is going to be read from its beginning; it may be another one than before. */
  begin(): Promise<void> {
    return this.#write(() => this.#database.exec('UPDATE replica SET reading = reading + 1'))
  }

  /** Makes known what has changed, in the order of the changes. @throws {XmppkiError} UNAVAILABLE, IO, CORRUPT */
  async take(enrolments: readonly SharedEnrolment[]): Promise<void> {
    if (enrolments.length === 0) return
    await this.#write(() => {
      for (const enrolment of enrolments) this.#takeOne(enrolment)
    })
    this.#changes += enrolments.length
  }

  /** All has been read since {@link begin}: what was not there is forgotten, except that it has been revoked. */
  async complete(): Promise<void> {
    await this.#write(() => {
      this.#forgetUnread.run()
      this.#database.exec('UPDATE replica SET is_complete = 1')
    })
    this.#isComplete = true
    this.#changes += 1
  }

  close(): void {
    this.#database.close()
  }

  #takeOne(enrolment: SharedEnrolment): void {
    const { account, fingerprint, label, certificate, state, vouchedBy, voucher, number } = enrolment
    if (state === 'disabled') {
      this.#forget.run(account, fingerprint)
      return
    }
    if (state === 'active') this.#displace.run({ account, fingerprint, label })
    const revokedAt = state === 'revoked' ? (enrolment.endedAt ?? 0) : null
    const facts = [certificate, enrolment.mayManage ? 1 : 0, enrolment.enrolledAt, enrolment.notAfter]
    const [by, chain] = [vouchedBy, voucher].map((one) => (one === undefined ? null : JSON.stringify(one)))
    this.#put.run(account, fingerprint, label, ...facts, by ?? null, chain ?? null, revokedAt, number)
  }

  async #write(work: () => void): Promise<void> {
    try {
      await untilFree(() => inTransaction(this.#database, work), PATIENCE_MS)
    } catch (error) {
      throw explained(error, this.#path, ENROLMENTS_WORDS)
    }
  }

  #translated<T>(work: () => T): T {
    return translated(this.#path, work, ENROLMENTS_WORDS)
  }
}

/** The table is STRICT and written only here, so a row has the shape that the schema gives it. */
function toEnrolment(row: ReplicaRow): Enrolment {
  const { account, label, fingerprint, certificate, vouched_by, voucher } = row
  return {
    account,
    label,
    fingerprint,
    certificate,
    mayManage: row.may_manage === 1,
    enrolledAt: row.enrolled_at,
    notAfter: row.not_after,
    ...(vouched_by === null ? {} : { vouchedBy: JSON.parse(vouched_by) as CertificateId }),
    ...(voucher === null ? {} : { voucher: JSON.parse(voucher) as string[] }),
  }
}
