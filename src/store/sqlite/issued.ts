import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { type CertificateId, isSameSigner, type SignerId } from '../certificate-id.ts'
import type { Holder, IssuedKind, IssuedRecord, Revocation } from '../ledger.ts'
import type { NamedValues, SqliteDatabase, SqliteStatement } from './driver.ts'

interface IssuedRow {
  readonly serial: string
  readonly kind: IssuedKind
  readonly issuer: string
  readonly authority: string
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

/** Whether a row is the certificate of an id, as `certificateKey` compares them. */
function isMeant(serial: string, authority: string, issuer: string): string {
  return `issued.serial = ${serial} AND (
    issued.authority = ${authority} AND ${authority} <> ''
    OR (issued.authority = '' OR ${authority} = '') AND issued.issuer = ${issuer}
  )`
}

/** Of the parameters that {@link idValues} gives. */
export const MEANT = isMeant(':serial', ':authority', ':issuer')

export function idValues({ serial, authority, issuer }: CertificateId): CertificateId & NamedValues {
  return { serial, authority, issuer }
}

/**
 * The certificates in the ledger's file. Errors of SQLite are the caller's to translate.
 * Folders beside or below the file are stored relative to it, so the whole workspace may be moved or mounted elsewhere.
 */
export class SqliteIssued {
  /** The folder of the file, absolute. */
  readonly #root: string
  readonly #insert: SqliteStatement
  readonly #find: SqliteStatement
  readonly #bySerial: SqliteStatement
  readonly #revokedAt: SqliteStatement
  readonly #current: SqliteStatement
  readonly #client: SqliteStatement
  readonly #list: SqliteStatement
  readonly #revoked: SqliteStatement
  readonly #allRevoked: SqliteStatement
  readonly #countRevoked: SqliteStatement
  readonly #revokedAmong: SqliteStatement
  readonly #revoke: SqliteStatement
  readonly #relocate: SqliteStatement

  /** @param path of the file */
  constructor(database: SqliteDatabase, path: string) {
    this.#root = dirname(resolve(path))
    const prepare = (sql: string) => database.prepare(sql)
    this.#insert = prepare(
      `INSERT INTO issued (serial, kind, name, device, domains, fingerprint, not_before, not_after, issued_at,
         directory, revoked_at, revocation_reason, issuer, authority) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    // What is known better comes first.
    this.#find = prepare(`SELECT * FROM issued WHERE ${MEANT} ORDER BY authority DESC LIMIT 1`)
    this.#bySerial = prepare('SELECT * FROM issued WHERE serial = ? ORDER BY id')
    // By the serial number alone: hardly ever does one have to be looked at, and each value to compare costs microseconds.
    this.#revokedAt = prepare(
      'SELECT authority, issuer, revoked_at FROM issued WHERE serial = ? AND revoked_at IS NOT NULL',
    )
    this.#current = prepare(
      `SELECT * FROM issued WHERE kind = ? AND name = ? AND device = ? AND revoked_at IS NULL
       ORDER BY issued_at DESC, id DESC LIMIT 1`,
    )
    this.#client = prepare(`SELECT 1 FROM issued WHERE kind = 'client' AND name = ? LIMIT 1`)
    this.#list = prepare('SELECT * FROM issued WHERE kind = :kind OR :kind IS NULL ORDER BY issued_at, id')
    this.#revoke = prepare(
      `UPDATE issued SET revoked_at = :at, revocation_reason = :reason WHERE ${MEANT} AND revoked_at IS NULL`,
    )
    this.#relocate = prepare(`UPDATE issued SET directory = :directory WHERE ${MEANT}`)
    this.#revoked = prepare(
      `SELECT * FROM issued WHERE authority IN (:authority, '') AND (authority <> '' OR issuer = :issuer) AND revoked_at IS NOT NULL
       ORDER BY issued_at, id`,
    )
    this.#allRevoked = prepare('SELECT * FROM issued WHERE revoked_at IS NOT NULL ORDER BY issued_at, id')
    this.#countRevoked = prepare('SELECT count(*) AS count FROM issued WHERE revoked_at IS NOT NULL')
    const asked = (name: keyof CertificateId) => `json_extract(asked.value, '$.${name}')`
    // CROSS JOIN keeps the order of the two: each of the certificates is looked up.
    this.#revokedAmong = prepare(
      `SELECT DISTINCT asked.key AS position FROM json_each(?) AS asked CROSS JOIN issued
       WHERE ${isMeant(asked('serial'), asked('authority'), asked('issuer'))} AND revoked_at IS NOT NULL ORDER BY asked.key`,
    )
  }

  insert(record: IssuedRecord): void {
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
      record.authority,
    )
  }

  find(certificate: CertificateId): IssuedRecord | undefined {
    return this.#read(this.#find.get(idValues(certificate)))
  }

  listBySerial(serial: string): IssuedRecord[] {
    return this.#readAll(this.#bySerial.all(serial))
  }

  revokedAt(certificate: CertificateId): number | undefined {
    const { serial } = certificate
    if (this.#revokedAt.get(serial) === undefined) return undefined
    const rows = this.#revokedAt.all(serial) as Pick<IssuedRow, 'authority' | 'issuer' | 'revoked_at'>[]
    return rows.find((row) => isSameSigner(row, certificate))?.revoked_at ?? undefined
  }

  knowsClient(name: string): boolean {
    return this.#client.get(name) !== undefined
  }

  findCurrent({ kind, name, device }: Holder): IssuedRecord | undefined {
    return this.#read(this.#current.get(kind, name, device))
  }

  list(kind?: IssuedKind): IssuedRecord[] {
    return this.#readAll(this.#list.all({ kind: kind ?? null }))
  }

  listRevoked(signer?: SignerId): IssuedRecord[] {
    if (signer === undefined) return this.#readAll(this.#allRevoked.all())
    const { authority, issuer } = signer
    return this.#readAll(this.#revoked.all({ authority, issuer }))
  }

  countRevoked(): number {
    return (this.#countRevoked.get() as { count: number }).count
  }

  revokedAmong<Id extends CertificateId>(certificates: readonly Id[]): Id[] {
    const rows = this.#revokedAmong.all(JSON.stringify(certificates.map(idValues))) as { position: number }[]
    return rows.flatMap(({ position }) => certificates[position] ?? [])
  }

  revoke(certificate: CertificateId, { at, reason }: Revocation): IssuedRecord | undefined {
    this.#revoke.run({ ...idValues(certificate), at, reason })
    return this.find(certificate)
  }

  relocate(certificate: CertificateId, directory: string): void {
    this.#relocate.run({ ...idValues(certificate), directory: this.#stored(directory) })
  }

  #stored(directory: string): string {
    const inside = relative(this.#root, directory)
    return inside.startsWith('..') || isAbsolute(inside) ? directory : inside
  }

  #read(row: unknown): IssuedRecord | undefined {
    return row === undefined ? undefined : toRecord(row as IssuedRow, this.#root)
  }

  #readAll(rows: readonly unknown[]): IssuedRecord[] {
    return rows.map((row) => toRecord(row as IssuedRow, this.#root))
  }
}

/** The table is STRICT and written only here, so a row has the shape that the schema gives it. */
function toRecord(row: IssuedRow, root: string): IssuedRecord {
  return {
    serial: row.serial,
    kind: row.kind,
    issuer: row.issuer,
    authority: row.authority,
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
