import type {
  Enrolment,
  EnrolmentChanges,
  EnrolmentConflict,
  EnrolmentRevocation,
  LedgerEnrolments,
} from '../enrolments.ts'
import type { SqliteDatabase, SqliteStatement } from './driver.ts'

interface EnrolmentRow {
  readonly account: string
  readonly label: string
  readonly fingerprint: string
  readonly certificate: string
  readonly may_manage: number
  readonly enrolled_at: number
  readonly not_after: number
  readonly vouched_by: string | null
  readonly authority: string
  readonly issuer: string
  readonly voucher: string | null
  readonly revoked_at: number | null
}

/** Earlier versions only wrote the serial number: that of the first certificate that had it. */
const voucher = (column: string) =>
  `coalesce(nullif(vouched_by_${column}, ''), (SELECT ${column} FROM issued WHERE serial = vouched_by ORDER BY id LIMIT 1), '')`
const SELECT = `SELECT *, ${voucher('authority')} AS authority, ${voucher('issuer')} AS issuer FROM enrolment`

/** The enrolled certificates in the ledger's file. Errors of SQLite are the caller's to translate. */
export class SqliteEnrolments implements LedgerEnrolments, EnrolmentChanges {
  readonly #insert: SqliteStatement
  readonly #byFingerprint: SqliteStatement
  readonly #byLabel: SqliteStatement
  readonly #byAccount: SqliteStatement
  readonly #all: SqliteStatement
  readonly #allRevoked: SqliteStatement
  readonly #revoked: SqliteStatement
  readonly #known: SqliteStatement
  readonly #delete: SqliteStatement
  readonly #revoke: SqliteStatement

  constructor(database: SqliteDatabase) {
    this.#insert = database.prepare(
      `INSERT INTO enrolment (account, label, fingerprint, certificate, may_manage, enrolled_at, not_after, vouched_by,
         vouched_by_authority, vouched_by_issuer, voucher) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#byFingerprint = database.prepare(`${SELECT} WHERE fingerprint = ? AND revoked_at IS NULL`)
    this.#byLabel = database.prepare(`${SELECT} WHERE account = ? AND label = ? AND revoked_at IS NULL`)
    this.#byAccount = database.prepare(`${SELECT} WHERE account = ? AND revoked_at IS NULL ORDER BY id`)
    this.#all = database.prepare(`${SELECT} WHERE revoked_at IS NULL ORDER BY id`)
    this.#allRevoked = database.prepare(`${SELECT} WHERE revoked_at IS NOT NULL`)
    this.#revoked = database.prepare(
      'SELECT 1 FROM enrolment WHERE account = ? AND fingerprint = ? AND revoked_at IS NOT NULL',
    )
    this.#known = database.prepare(
      `SELECT 1 FROM enrolment WHERE account = :account AND revoked_at IS NULL
       UNION ALL SELECT 1 FROM enrolment WHERE account = :account AND revoked_at IS NOT NULL LIMIT 1`,
    )
    this.#delete = database.prepare('DELETE FROM enrolment WHERE account = ? AND label = ? AND revoked_at IS NULL')
    // Of what has been revoked only the fingerprint is needed, so that it does not come back.
    this.#revoke = database.prepare(
      `UPDATE enrolment SET revoked_at = ?, certificate = '', voucher = NULL WHERE account = ? AND label = ? AND revoked_at IS NULL`,
    )
  }

  find(fingerprint: string): Enrolment | undefined {
    return read(this.#byFingerprint.get(fingerprint))
  }

  isRevoked(account: string, fingerprint: string): boolean {
    return this.#revoked.get(account, fingerprint) !== undefined
  }

  knows(account: string): boolean {
    return this.#known.get({ account }) !== undefined
  }

  list(account: string): Enrolment[] {
    return this.#byAccount.all(account).map((row) => toEnrolment(row as EnrolmentRow))
  }

  all(): Enrolment[] {
    return this.#all.all().map((row) => toEnrolment(row as EnrolmentRow))
  }

  revoked(): EnrolmentRevocation[] {
    return (this.#allRevoked.all() as EnrolmentRow[]).map((row) => {
      return { ...toEnrolment(row), revokedAt: row.revoked_at ?? 0 }
    })
  }

  enrol(enrolment: Enrolment): EnrolmentConflict | undefined {
    const { account, label, fingerprint } = enrolment
    if (this.#byLabel.get(account, label) !== undefined) return 'label'
    if (this.find(fingerprint) !== undefined) return 'certificate'
    if (this.isRevoked(account, fingerprint)) return 'revoked'
    const { certificate, mayManage, enrolledAt, notAfter, vouchedBy, voucher } = enrolment
    const { serial = null, authority = '', issuer = '' } = vouchedBy ?? {}
    const chain = voucher === undefined ? null : JSON.stringify(voucher)
    const more = [certificate, mayManage ? 1 : 0, enrolledAt, notAfter, serial, authority, issuer, chain]
    this.#insert.run(account, label, fingerprint, ...more)
    return undefined
  }

  disableEnrolment(account: string, label: string): Enrolment | undefined {
    const ended = read(this.#byLabel.get(account, label))
    this.#delete.run(account, label)
    return ended
  }

  revokeEnrolment(account: string, label: string, at: number): Enrolment | undefined {
    const ended = read(this.#byLabel.get(account, label))
    this.#revoke.run(at, account, label)
    return ended
  }
}

/** The table is STRICT and written only here, so a row has the shape that the schema gives it. */
function read(found: unknown): Enrolment | undefined {
  return found === undefined ? undefined : toEnrolment(found as EnrolmentRow)
}

function toEnrolment(row: EnrolmentRow): Enrolment {
  return {
    account: row.account,
    label: row.label,
    fingerprint: row.fingerprint,
    certificate: row.certificate,
    mayManage: row.may_manage === 1,
    enrolledAt: row.enrolled_at,
    notAfter: row.not_after,
    ...(row.vouched_by === null
      ? {}
      : { vouchedBy: { authority: row.authority, issuer: row.issuer, serial: row.vouched_by } }),
    ...(row.voucher === null ? {} : { voucher: JSON.parse(row.voucher) as string[] }),
  }
}
