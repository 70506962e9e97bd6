import type { AuditEvent } from '../audit.ts'
import type { CertificateId } from '../certificate-id.ts'
import { planAdoption } from '../common/adoption-plan.ts'
import { batches } from '../common/batches.ts'
import { auditEventOf } from '../enrolment-plan.ts'
import type { Enrolment, EnrolmentRefusal, EnrolmentRevocation } from '../enrolments.ts'
import type { Listening } from '../revocations.ts'
import {
  type Adoption,
  activeOf,
  groundOf,
  type OwedEntry,
  rowAfter,
  type SharedChange,
  type SharedEnrolment,
  type SharedEnrolments,
} from '../shared-enrolments.ts'
import type { PostgresDatabase } from './database.ts'
import { lock, type Query } from './query.ts'

const CHANNEL = 'xmppki_enrolment'

/** No domain, so that it is no lock of accounts. */
const LOCK = '#enrolments'

/** Rows that come from the server at once: with certificates and vouchers each is some kilobytes. */
const BATCH = 500

/** The driver gives 64-bit numbers as text. */
interface EnrolmentRow {
  readonly account: string
  readonly fingerprint: string
  readonly label: string
  readonly certificate: string
  readonly may_manage: boolean
  readonly enrolled_at: string
  readonly not_after: string
  readonly vouched_by: CertificateId | null
  readonly voucher: string[] | null
  readonly state: SharedEnrolment['state']
  readonly ended_at: string | null
  readonly number: string
}

interface OwedRow {
  readonly number: string
  readonly audit_head: string
  readonly event: AuditEvent
}

/** Under the lock, so that numbers come to be seen in their order. */
const WRITE = `INSERT INTO xmppki_enrolment (account, fingerprint, label, certificate, may_manage, enrolled_at, not_after,
    vouched_by, voucher, state, ended_at, number)
  SELECT $1, $2, $3, $4, $5::boolean, $6::bigint, $7::bigint, $8::jsonb, $9::jsonb, $10, $11::bigint,
    coalesce(max(number), 0) + 1 FROM xmppki_enrolment
  ON CONFLICT (account, fingerprint) DO UPDATE SET label = excluded.label, certificate = excluded.certificate,
    may_manage = excluded.may_manage, enrolled_at = excluded.enrolled_at, not_after = excluded.not_after,
    vouched_by = excluded.vouched_by, voucher = excluded.voucher, state = excluded.state, ended_at = excluded.ended_at,
    number = excluded.number
  RETURNING number`

/** Many at once: whoever has the database again tells it all that has been revoked. */
const REVOKE = `INSERT INTO xmppki_enrolment (account, fingerprint, label, certificate, may_manage, enrolled_at, not_after, state,
    ended_at, number)
  SELECT given.*, (SELECT coalesce(max(number), 0) FROM xmppki_enrolment) + row_number() OVER ()
  FROM (
    SELECT account, fingerprint, label, '', false, enrolled_at, not_after, 'revoked', ended_at
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
      AS revoked (account, fingerprint, label, enrolled_at, not_after, ended_at)
    WHERE NOT EXISTS (
      SELECT 1 FROM xmppki_enrolment known
      WHERE known.account = revoked.account AND known.fingerprint = revoked.fingerprint AND known.state = 'revoked'
    )
  ) AS given
  ON CONFLICT (account, fingerprint) DO UPDATE SET certificate = '', vouched_by = NULL, voucher = NULL, state = 'revoked',
    ended_at = excluded.ended_at, number = excluded.number`

/** The enrolments in a PostgreSQL database. */
export class PostgresEnrolments implements SharedEnrolments {
  readonly #database: PostgresDatabase

  constructor(database: PostgresDatabase) {
    this.#database = database
  }

  async change(change: SharedChange): Promise<EnrolmentRefusal | readonly SharedEnrolment[]> {
    const { account, fingerprint, origin, decide } = change
    return this.#alone(async (query) => {
      const rows = await rowsOf(query, account)
      const taken = await takenFrom(query, account, fingerprint === undefined ? [] : [fingerprint])
      const plan = decide(groundOf(rows, (one) => taken.has(one)))
      if (typeof plan === 'string') return plan
      const changed: SharedEnrolment[] = []
      for (const step of plan) {
        const written = await write(query, rowAfter(step))
        changed.push(written)
        const event = auditEventOf(step, origin.actor, written.number)
        await query('INSERT INTO xmppki_enrolment_audit VALUES ($1, $2, $3, $4::jsonb)', [
          written.number,
          origin.server,
          origin.auditHead,
          JSON.stringify(event),
        ])
      }
      return changed
    })
  }

  async adopt(account: string, enrolments: readonly Enrolment[]): Promise<readonly Adoption[]> {
    return this.#alone(async (query) => {
      const taken = await takenFrom(
        query,
        account,
        enrolments.map(({ fingerprint }) => fingerprint),
      )
      const ground = { known: await rowsOf(query, account), isTaken: (one: string) => taken.has(one) }
      const { adoptions, rows } = planAdoption(enrolments, ground)
      for (const row of rows) await write(query, { ...row, state: 'active' })
      return adoptions
    })
  }

  async publishRevoked(revoked: readonly EnrolmentRevocation[]): Promise<void> {
    for (const batch of batches(revoked, BATCH)) {
      await this.#alone(async (query) => {
        await query(REVOKE, [
          batch.map(({ account }) => account),
          batch.map(({ fingerprint }) => fingerprint),
          batch.map(({ label }) => label),
          batch.map(({ enrolledAt }) => enrolledAt),
          batch.map(({ notAfter }) => notAfter),
          batch.map(({ revokedAt }) => revokedAt),
        ])
      })
    }
  }

  async list(account: string): Promise<readonly Enrolment[]> {
    return activeOf(await rowsOf((text, values) => this.#database.query(text, values), account))
  }

  async fetch(after: number): Promise<readonly SharedEnrolment[]> {
    const text = 'SELECT * FROM xmppki_enrolment WHERE number > $1 ORDER BY number LIMIT $2'
    return (await this.#database.query<EnrolmentRow>(text, [after, BATCH])).map(toEnrolment)
  }

  async owed(server: string): Promise<readonly OwedEntry[]> {
    const text = 'SELECT number, audit_head, event FROM xmppki_enrolment_audit WHERE server = $1 ORDER BY number'
    const rows = await this.#database.query<OwedRow>(text, [server])
    return rows.map(({ number, audit_head, event }) => ({
      number: Number(number),
      auditHead: Number(audit_head),
      event,
    }))
  }

  async settle(numbers: readonly number[]): Promise<void> {
    await this.#database.query('DELETE FROM xmppki_enrolment_audit WHERE number = ANY($1)', [numbers])
  }

  listen(onNews: () => void): Promise<Listening> {
    return this.#database.listen(CHANNEL, onNews)
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  /** What is done inside others learn of when it is committed; nobody else changes anything meanwhile. */
  #alone<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return this.#database.transaction(async (query) => {
      await lock(query, LOCK)
      const result = await work(query)
      await query(`NOTIFY ${CHANNEL}`)
      return result
    })
  }
}

async function rowsOf(query: Query, account: string): Promise<SharedEnrolment[]> {
  const rows = await query<EnrolmentRow>('SELECT * FROM xmppki_enrolment WHERE account = $1', [account])
  return rows.map(toEnrolment)
}

/** Which of these certificates another account has enrolled. */
async function takenFrom(query: Query, account: string, fingerprints: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await query<{ fingerprint: string }>(
    `SELECT fingerprint FROM xmppki_enrolment WHERE fingerprint = ANY($1) AND state = 'active' AND account <> $2`,
    [fingerprints, account],
  )
  return new Set(rows.map(({ fingerprint }) => fingerprint))
}

async function write(query: Query, row: Omit<SharedEnrolment, 'number'>): Promise<SharedEnrolment> {
  const { account, fingerprint, label, certificate, mayManage, enrolledAt, notAfter, state, endedAt = null } = row
  const vouchedBy = row.vouchedBy === undefined ? null : JSON.stringify(row.vouchedBy)
  const voucher = row.voucher === undefined ? null : JSON.stringify(row.voucher)
  const facts = [account, fingerprint, label, certificate, mayManage, enrolledAt, notAfter]
  const [written] = await query<{ number: string }>(WRITE, [...facts, vouchedBy, voucher, state, endedAt])
  return { ...row, number: Number(written?.number) }
}

function toEnrolment(row: EnrolmentRow): SharedEnrolment {
  const { account, fingerprint, label, certificate, state, vouched_by: vouchedBy, voucher, ended_at: endedAt } = row
  return {
    account,
    label,
    fingerprint,
    certificate,
    mayManage: row.may_manage,
    enrolledAt: Number(row.enrolled_at),
    notAfter: Number(row.not_after),
    ...(vouchedBy === null ? {} : { vouchedBy }),
    ...(voucher === null ? {} : { voucher }),
    state,
    ...(endedAt === null ? {} : { endedAt: Number(endedAt) }),
    number: Number(row.number),
  }
}
