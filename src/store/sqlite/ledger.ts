import { type AuditEvent, type ChainHead, chainEntry, GENESIS, type StoredEntry } from '../audit.ts'
import { type CertificateId, certificateKey, type SignerId } from '../certificate-id.ts'
import type { LedgerEnrolments } from '../enrolments.ts'
import type { Holder, InsertRecord, IssuedKind, IssuedRecord, Ledger, LedgerChanges, NotedLogin } from '../ledger.ts'
import { adoptRows, hasUnadopted } from './adoption.ts'
import {
  createPrivateFile,
  explained,
  openDatabase,
  type SqliteDatabase,
  type SqliteStatement,
  translated,
  withoutWaiting,
} from './driver.ts'
import { SqliteEnrolments } from './enrolments.ts'
import { idValues, MEANT, SqliteIssued } from './issued.ts'
import { LEDGER_MIGRATIONS } from './ledger-migrations.ts'
import { inLongTransaction, inTransaction, migrate } from './migrate.ts'

/** Entries of the audit log that are read at once. */
const AUDIT_PAGE = 1_000

/** The ledger in an SQLite file: WAL, `synchronous=FULL`, one writer at a time over all processes. */
export class SqliteLedger implements Ledger {
  readonly #path: string
  readonly #database: SqliteDatabase
  readonly #issued: SqliteIssued
  readonly #dataVersion: SqliteStatement
  readonly #checkpoint: SqliteStatement
  #commits = 0
  readonly #login: SqliteStatement
  readonly #logins: SqliteStatement
  readonly #crlNumber: SqliteStatement
  readonly #auditHead: SqliteStatement
  readonly #appendAudit: SqliteStatement
  readonly #auditPage: SqliteStatement
  readonly #enrolments: SqliteEnrolments
  /** Reads on their own; inside a transaction {@link translated} is already at work. */
  readonly enrolments: LedgerEnrolments
  readonly #changes: LedgerChanges = {
    enrol: (enrolment) => this.#enrolments.enrol(enrolment),
    disableEnrolment: (account, label) => this.#enrolments.disableEnrolment(account, label),
    revokeEnrolment: (account, label, at) => this.#enrolments.revokeEnrolment(account, label, at),
    revoke: (certificate, revocation) => this.#issued.revoke(certificate, revocation),
    relocate: (certificate, directory) => this.#issued.relocate(certificate, directory),
    nextCrlNumber: ({ authority, issuer }, above) =>
      (this.#crlNumber.get({ authority, issuer, above }) as { last_number: number }).last_number,
    audit: (event) => this.#append(event),
  }

  /** Opens the file or creates it (mode 0600). @throws {XmppkiError} IO, CORRUPT */
  constructor(path: string) {
    this.#path = path
    createPrivateFile(path)
    this.#database = openDatabase(path)
    translated(path, () => migrate(this.#database, LEDGER_MIGRATIONS, `the ledger ${path}`))
    const enrolments = translated(path, () => new SqliteEnrolments(this.#database))
    this.#enrolments = enrolments
    this.enrolments = readable(enrolments, path)
    this.#issued = translated(path, () => new SqliteIssued(this.#database, path))
    const prepare = (sql: string) => translated(path, () => this.#database.prepare(sql))
    this.#crlNumber = prepare(
      `INSERT INTO crl_number (authority, issuer, last_number)
       SELECT :authority, :issuer, max(coalesce(max(last_number), 0), :above) + 1 FROM crl_number
       WHERE authority IN (:authority, '') AND (authority <> '' OR issuer = :issuer)
       ON CONFLICT (authority, issuer) DO UPDATE SET last_number = excluded.last_number RETURNING last_number`,
    )
    this.#dataVersion = prepare('PRAGMA data_version')
    this.#checkpoint = prepare('PRAGMA wal_checkpoint(TRUNCATE)')
    this.#login = prepare(
      `INSERT INTO login (serial, authority, at)
       SELECT serial, authority, :at FROM issued WHERE ${MEANT} ORDER BY authority DESC LIMIT 1
       ON CONFLICT (serial, authority) DO UPDATE SET at = max(at, excluded.at)`,
    )
    this.#logins = prepare(
      'SELECT login.serial, login.authority, issuer, at FROM login JOIN issued USING (serial, authority)',
    )
    this.#auditHead = prepare('SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1')
    this.#appendAudit = prepare('INSERT INTO audit VALUES (?, ?, ?)')
    this.#auditPage = prepare('SELECT number, entry AS text, hash FROM audit WHERE number > ? ORDER BY number LIMIT ?')
  }

  transaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => T): T {
    const insert: InsertRecord = (record) => this.#issued.insert(record)
    const result = translated(this.#path, () => inTransaction(this.#database, () => work(insert, this.#changes)))
    this.#commits++
    return result
  }

  tryTransaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => T): T {
    return translated(this.#path, () => withoutWaiting(this.#database, () => this.transaction(work)))
  }

  async longTransaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => Promise<T>): Promise<T> {
    const insert: InsertRecord = (record) => this.#issued.insert(record)
    try {
      const result = await inLongTransaction(this.#database, () => work(insert, this.#changes))
      this.#commits++
      return result
    } catch (error) {
      throw explained(error, this.#path)
    }
  }

  #append(event: AuditEvent): void {
    const head = (this.#auditHead.get() as ChainHead | undefined) ?? GENESIS
    const { number, text, hash } = chainEntry(event, head)
    this.#appendAudit.run(number, text, hash)
  }

  find(certificate: CertificateId): IssuedRecord | undefined {
    return translated(this.#path, () => this.#issued.find(certificate))
  }

  listBySerial(serial: string): IssuedRecord[] {
    return translated(this.#path, () => this.#issued.listBySerial(serial))
  }

  revokedAt(certificate: CertificateId): number | undefined {
    return translated(this.#path, () => this.#issued.revokedAt(certificate))
  }

  knowsClient(name: string): boolean {
    return translated(this.#path, () => this.#issued.knowsClient(name) || this.#enrolments.knows(name))
  }

  findCurrent(holder: Holder): IssuedRecord | undefined {
    return translated(this.#path, () => this.#issued.findCurrent(holder))
  }

  list(kind?: IssuedKind): IssuedRecord[] {
    return translated(this.#path, () => this.#issued.list(kind))
  }

  listRevoked(signer?: SignerId): IssuedRecord[] {
    return translated(this.#path, () => this.#issued.listRevoked(signer))
  }

  countRevoked(): number {
    return translated(this.#path, () => this.#issued.countRevoked())
  }

  revokedAmong<Id extends CertificateId>(certificates: readonly Id[]): Id[] {
    return translated(this.#path, () => this.#issued.revokedAmong(certificates))
  }

  changes(): number {
    const row = translated(this.#path, () => this.#dataVersion.get()) as { data_version: number }
    // The version only counts what other connections have committed; both numbers grow, and so does their sum.
    return row.data_version + this.#commits
  }

  /** Puts the write-ahead log into the file, as far as nobody else is in the way now. */
  settle(): void {
    translated(this.#path, () => withoutWaiting(this.#database, () => this.#checkpoint.all(), 0))
  }

  /** Reads the file, and nothing that is remembered of it. @throws {XmppkiError} CORRUPT, IO */
  refresh(): void {
    translated(this.#path, () => this.#database.exec('PRAGMA shrink_memory'))
    this.countRevoked()
  }

  recordLogins(logins: readonly NotedLogin[]): void {
    const write = () => {
      for (const { certificate, at } of logins) this.#login.run({ ...idValues(certificate), at })
    }
    translated(this.#path, () => withoutWaiting(this.#database, () => inTransaction(this.#database, write)))
  }

  lastLogins(): Map<string, number> {
    const rows = translated(this.#path, () => this.#logins.all()) as (CertificateId & { at: number })[]
    return new Map(rows.map((row) => [certificateKey(row), row.at]))
  }

  /**
   * Completes rows of earlier versions, which do not say which CA signed them. Hardly waits for other writers: whatever is
   * left is found by the serial number of the CA's certificate, and completed another time.
   * @param authorities asked when there are such rows: the CAs, by the serial numbers of their certificates
   * @throws {XmppkiError} IO when there is another writer, CORRUPT; what `authorities` throws
   */
  adopt(authorities: () => ReadonlyMap<string, string>): void {
    if (!translated(this.#path, () => hasUnadopted(this.#database))) return
    const known = authorities()
    if (known.size === 0) return
    const write = () => adoptRows(this.#database, known)
    translated(this.#path, () => withoutWaiting(this.#database, () => inTransaction(this.#database, write)))
    this.#commits++
  }

  /** Page by page: a reader that takes its time must not keep the WAL from being cut back. */
  *auditTrail(begin = Number.MIN_SAFE_INTEGER): Generator<StoredEntry> {
    let after: number | undefined = begin
    while (after !== undefined) {
      const from: number = after
      const page = translated(this.#path, () => this.#auditPage.all(from, AUDIT_PAGE)) as (StoredEntry & ChainHead)[]
      yield* page
      after = page.at(-1)?.number
    }
  }

  auditHead(): number {
    return (translated(this.#path, () => this.#auditHead.get()) as ChainHead | undefined)?.number ?? 0
  }

  /** What stays in the log would be read into the next file of this name, while a server keeps the log there. */
  close(): void {
    try {
      this.settle()
    } catch {
      // Whoever opens it next is told what is wrong with it.
    }
    this.abandon()
  }

  /** Leaves the log as it is. */
  abandon(): void {
    this.#database.close()
  }
}

function readable(enrolments: LedgerEnrolments, path: string): LedgerEnrolments {
  return {
    find: (fingerprint) => translated(path, () => enrolments.find(fingerprint)),
    isRevoked: (account, fingerprint) => translated(path, () => enrolments.isRevoked(account, fingerprint)),
    knows: (account) => translated(path, () => enrolments.knows(account)),
    list: (account) => translated(path, () => enrolments.list(account)),
    all: () => translated(path, () => enrolments.all()),
    revoked: () => translated(path, () => enrolments.revoked()),
  }
}
