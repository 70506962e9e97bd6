import type { Documents } from '../documents.ts'
import type { PostgresDatabase } from './database.ts'
import type { Query } from './query.ts'

/** Documents of one collection in a PostgreSQL database, which several servers may share. */
export class PostgresDocuments<T> implements Documents<T> {
  readonly #database: PostgresDatabase
  readonly #collection: string

  constructor(database: PostgresDatabase, collection: string) {
    this.#database = database
    this.#collection = collection
  }

  async get(owner: string, key: string): Promise<T | undefined> {
    const sql = 'SELECT value FROM xmppki_document WHERE collection = $1 AND owner = $2 AND key = $3'
    const [row] = await this.#database.query<{ value: T }>(sql, [this.#collection, owner, key])
    return row?.value
  }

  async entries(owner: string): Promise<readonly (readonly [string, T])[]> {
    const sql = 'SELECT key, value FROM xmppki_document WHERE collection = $1 AND owner = $2 ORDER BY key'
    const rows = await this.#database.query<{ key: string; value: T }>(sql, [this.#collection, owner])
    return rows.map(({ key, value }) => [key, value] as const)
  }

  write(owner: string, changes: ReadonlyMap<string, T | undefined>): Promise<number> {
    const kept = [...changes].filter(([, value]) => value !== undefined)
    const deleted = [...changes.keys()].filter((key) => changes.get(key) === undefined)
    return this.#database.transaction(async (query) => {
      const version = await this.#nextVersion(query, owner)
      await query(
        `INSERT INTO xmppki_document SELECT $1, $2, * FROM unnest($3::text[], $4::json[])
         ON CONFLICT (collection, owner, key) DO UPDATE SET value = excluded.value`,
        [this.#collection, owner, kept.map(([key]) => key), kept.map(([, value]) => JSON.stringify(value))],
      )
      await query('DELETE FROM xmppki_document WHERE collection = $1 AND owner = $2 AND key = ANY($3)', [
        this.#collection,
        owner,
        deleted,
      ])
      return version
    })
  }

  async version(owner: string): Promise<number> {
    const sql = 'SELECT version FROM xmppki_document_version WHERE collection = $1 AND owner = $2'
    const [row] = await this.#database.query<{ version: string }>(sql, [this.#collection, owner])
    return Number(row?.version ?? 0)
  }

  async removeOwner(owner: string): Promise<void> {
    await this.#database.transaction(async (query) => {
      await this.#nextVersion(query, owner)
      await query('DELETE FROM xmppki_document WHERE collection = $1 AND owner = $2', [this.#collection, owner])
    })
  }

  /** First of all: until the transaction ends nobody else writes documents of this owner. */
  async #nextVersion(query: Query, owner: string): Promise<number> {
    const [row] = await query<{ version: string }>(
      `INSERT INTO xmppki_document_version AS known VALUES ($1, $2, 1)
       ON CONFLICT (collection, owner) DO UPDATE SET version = known.version + 1 RETURNING version`,
      [this.#collection, owner],
    )
    return Number(row?.version)
  }
}
