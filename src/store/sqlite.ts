import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { type AuditEvent, type ChainHead, chainEntry, GENESIS, type StoredEntry } from './audit.ts'
import type { Enrolments } from './enrolments.ts'
import type { Holder, InsertRecord, IssuedKind, IssuedRecord, Ledger, LedgerChanges, Revocation } from './ledger.ts'
import { LEDGER_MIGRATIONS } from './ledger-migrations.ts'
import {
  createPrivateFile,
  explained,
  openDatabase,
  type SqliteDatabase,
  type SqliteStatement,
  translated,
  withoutWaiting,
} from './sqlite-driver.ts'
import { SqliteEnrolments } from './sqlite-enrolments.ts'
import { inLongTransaction, inTransaction, migrate } from './sqlite-schema.ts'

/** Entries of the audit log that are read at once. */
const AUDIT_PAGE = 1_000

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
  readonly #revokedAt: SqliteStatement
  readonly #current: SqliteStatement
  readonly #list: SqliteStatement
  readonly #revoked: SqliteStatement
  readonly #allRevoked: SqliteStatement
  readonly #countRevoked: SqliteStatement
  readonly #revokedAmong: SqliteStatement
  readonly #dataVersion: SqliteStatement
  #commits = 0
  readonly #login: SqliteStatement
  readonly #logins: SqliteStatement
  readonly #revoke: SqliteStatement
  readonly #relocate: SqliteStatement
  readonly #crlNumber: SqliteStatement
  readonly #auditHead: SqliteStatement
  readonly #appendAudit: SqliteStatement
  readonly #auditPage: SqliteStatement
  readonly #enrolments: SqliteEnrolments
  /** Reads on their own; inside a transaction {@link translated} is already at work. */
  readonly enrolments: Enrolments
  readonly #changes: LedgerChanges = {
    enrol: (enrolment) => this.#enrolments.enrol(enrolment),
    disableEnrolment: (account, label) => this.#enrolments.disableEnrolment(account, label),
    revokeEnrolment: (account, label, at) => this.#enrolments.revokeEnrolment(account, label, at),
    revoke: (serial, revocation) => this.#markRevoked(serial, revocation),
    relocate: (serial, directory) => {
      this.#relocate.run(serial, this.#stored(directory))
    },
    nextCrlNumber: (issuer, above) => (this.#crlNumber.get(issuer, above) as { last_number: number }).last_number,
    audit: (event) => this.#append(event),
  }

  /** Opens the file or creates it (mode 0600). @throws {XmppkiError} IO, CORRUPT */
  constructor(path: string) {
    this.#path = path
    this.#root = dirname(resolve(path))
    createPrivateFile(path)
    this.#database = openDatabase(path)
    translated(path, () => migrate(this.#database, LEDGER_MIGRATIONS, `the ledger ${path}`))
    const enrolments = translated(path, () => new SqliteEnrolments(this.#database))
    this.#enrolments = enrolments
    this.enrolments = readable(enrolments, path)
    const prepare = (sql: string) => translated(path, () => this.#database.prepare(sql))
    this.#insert = prepare(
      `INSERT INTO issued (serial, kind, name, device, domains, fingerprint, not_before, not_after, issued_at,
         directory, revoked_at, revocation_reason, issuer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#bySerial = prepare('SELECT * FROM issued WHERE serial = ?')
    this.#revokedAt = prepare('SELECT revoked_at FROM issued WHERE serial = ? AND revoked_at IS NOT NULL')
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
    this.#allRevoked = prepare('SELECT * FROM issued WHERE revoked_at IS NOT NULL ORDER BY issued_at, id')
    this.#countRevoked = prepare('SELECT count(*) AS count FROM issued WHERE revoked_at IS NOT NULL')
    this.#revokedAmong = prepare(
      'SELECT serial FROM issued WHERE serial IN (SELECT value FROM json_each(?)) AND revoked_at IS NOT NULL',
    )
    this.#dataVersion = prepare('PRAGMA data_version')
    this.#login = prepare(
      'INSERT INTO login VALUES (?, ?) ON CONFLICT (serial) DO UPDATE SET at = max(at, excluded.at)',
    )
    this.#logins = prepare('SELECT serial, at FROM login')
    this.#auditHead = prepare('SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1')
    this.#appendAudit = prepare('INSERT INTO audit VALUES (?, ?, ?)')
    this.#auditPage = prepare('SELECT number, entry AS text, hash FROM audit WHERE number > ? ORDER BY number LIMIT ?')
  }

  transaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => T): T {
    const insert: InsertRecord = (record) => this.#record(record)
    const result = translated(this.#path, () => inTransaction(this.#database, () => work(insert, this.#changes)))
    this.#commits++
    return result
  }

  tryTransaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => T): T {
    return translated(this.#path, () => withoutWaiting(this.#database, () => this.transaction(work)))
  }

  async longTransaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => Promise<T>): Promise<T> {
    const insert: InsertRecord = (record) => this.#record(record)
    try {
      const result = await inLongTransaction(this.#database, () => work(insert, this.#changes))
      this.#commits++
      return result
    } catch (error) {
      throw explained(error, this.#path)
    }
  }

  #markRevoked(serial: string, { at, reason }: Revocation): IssuedRecord | undefined {
    this.#revoke.run(serial, at, reason)
    return this.findBySerial(serial)
  }

  #append(event: AuditEvent): void {
    const head = (this.#auditHead.get() as ChainHead | undefined) ?? GENESIS
    const { number, text, hash } = chainEntry(event, head)
    this.#appendAudit.run(number, text, hash)
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

  revokedAt(serial: string): number | undefined {
    const row = translated(this.#path, () => this.#revokedAt.get(serial)) as Pick<IssuedRow, 'revoked_at'> | undefined
    return row?.revoked_at ?? undefined
  }

  findCurrent(holder: Holder): IssuedRecord | undefined {
    return translated(this.#path, () => this.#read(this.#current.get(holder.kind, holder.name, holder.device)))
  }

  list(kind?: IssuedKind): IssuedRecord[] {
    return translated(this.#path, () => this.#list.all(kind ?? null).flatMap((row) => this.#read(row) ?? []))
  }

  listRevoked(issuer?: string): IssuedRecord[] {
    const select = () => (issuer === undefined ? this.#allRevoked.all() : this.#revoked.all(issuer))
    return translated(this.#path, () => select().flatMap((row) => this.#read(row) ?? []))
  }

  countRevoked(): number {
    return (translated(this.#path, () => this.#countRevoked.get()) as { count: number }).count
  }

  revokedAmong(serials: readonly string[]): string[] {
    const rows = translated(this.#path, () => this.#revokedAmong.all(JSON.stringify(serials)))
    return (rows as { serial: string }[]).map(({ serial }) => serial)
  }

  changes(): number {
    const row = translated(this.#path, () => this.#dataVersion.get()) as { data_version: number }
    // The version only counts what other connections have committed; both numbers grow, and so does their sum.
    return row.data_version + this.#commits
  }

  recordLogins(logins: ReadonlyMap<string, number>): void {
    const write = () => {
      for (const [serial, at] of logins) this.#login.run(serial, at)
    }
    translated(this.#path, () => withoutWaiting(this.#database, () => inTransaction(this.#database, write)))
  }

  lastLogins(): Map<string, number> {
    const rows = translated(this.#path, () => this.#logins.all()) as { serial: string; at: number }[]
    return new Map(rows.map(({ serial, at }) => [serial, at]))
  }

  /** Page by page: a reader that takes its time must not keep the WAL from being cut back. */
  *auditTrail(): Generator<StoredEntry> {
    let after: number | undefined = Number.MIN_SAFE_INTEGER
    while (after !== undefined) {
      const from: number = after
      const page = translated(this.#path, () => this.#auditPage.all(from, AUDIT_PAGE)) as (StoredEntry & ChainHead)[]
      yield* page
      after = page.at(-1)?.number
    }
  }

  close(): void {
    this.#database.close()
  }
}

function readable(enrolments: Enrolments, path: string): Enrolments {
  return {
    find: (fingerprint) => translated(path, () => enrolments.find(fingerprint)),
    isRevoked: (account, fingerprint) => translated(path, () => enrolments.isRevoked(account, fingerprint)),
    list: (account) => translated(path, () => enrolments.list(account)),
  }
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
    // Cheaper than resolve() for each of a long list; what is stored is either absolute or already normal.
    directory: isAbsolute(row.directory) ? row.directory : join(root, row.directory),
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
    ...(row.revocation_reason === null ? {} : { revocationReason: row.revocation_reason }),
  }
}
