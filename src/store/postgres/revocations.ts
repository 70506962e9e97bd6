import { batches } from '../common/batches.ts'
import type { Listening, NumberedRevocation, RevocationFeed, SharedRevocation } from '../revocations.ts'
import type { PostgresDatabase } from './database.ts'
import { lock } from './query.ts'

const CHANNEL = 'xmppki_revocation'

/** No domain, so that it is no lock of accounts. */
const LOCK = '#revocations'

/** Rows that go to the server or come from it at once. */
const BATCH = 1_000

/** The driver gives 64-bit numbers as text. */
interface RevocationRow {
  readonly number: string
  readonly serial: string
  readonly issuer: string
  /** Missing in what a server of an earlier version has put there. */
  readonly authority: string | null
  readonly revoked_at: string
  readonly reason: string
}

/** The feed in a PostgreSQL database. */
export class PostgresRevocations implements RevocationFeed {
  readonly #database: PostgresDatabase

  constructor(database: PostgresDatabase) {
    this.#database = database
  }

  async publish(revocations: readonly SharedRevocation[]): Promise<void> {
    if (revocations.length === 0) return
    await this.#database.transaction(async (query) => {
      // One after the other: otherwise a lower number could come to be seen after a higher one.
      await lock(query, LOCK)
      for (const batch of batches(revocations, BATCH)) {
        await query(
          `INSERT INTO xmppki_revocation (serial, issuer, revoked_at, reason, authority)
           SELECT serial, issuer, revoked_at, reason, nullif(authority, '')
           FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[])
             AS revoked (serial, issuer, revoked_at, reason, authority)
           ON CONFLICT DO NOTHING`,
          [
            batch.map(({ serial }) => serial),
            batch.map(({ issuer }) => issuer),
            batch.map(({ revokedAt }) => revokedAt),
            batch.map(({ reason }) => reason),
            batch.map(({ authority }) => authority),
          ],
        )
      }
      await query(`NOTIFY ${CHANNEL}`)
    })
  }

  async fetch(after: number): Promise<readonly NumberedRevocation[]> {
    const rows = await this.#database.query<RevocationRow>(
      'SELECT * FROM xmppki_revocation WHERE number > $1 ORDER BY number LIMIT $2',
      [after, BATCH],
    )
    return rows.map(({ number, serial, issuer, authority, revoked_at, reason }) => {
      const certificate = { serial, issuer, authority: authority ?? '' }
      return { number: Number(number), ...certificate, revokedAt: Number(revoked_at), reason }
    })
  }

  listen(onNews: () => void): Promise<Listening> {
    return this.#database.listen(CHANNEL, onNews)
  }

  close(): Promise<void> {
    return this.#database.close()
  }
}
