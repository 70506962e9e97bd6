import { type EventRow, leadOf } from '../common/event-rows.ts'
import type { SqliteDatabase, SqliteStatement } from './driver.ts'
import { inTransaction } from './migrate.ts'

/** Whose rows. */
export interface OwnerKey {
  readonly collection: string
  readonly owner: string
}

/** A change of the file, in one transaction. It goes from one thread to another: data alone. */
export type UserDataChange =
  | { readonly kind: 'append'; readonly rows: readonly EventRow[] }
  | ({ readonly kind: 'remove-events'; readonly ids: readonly string[] | 'all' } & OwnerKey)
  /** JSON texts by key; null deletes. */
  | ({ readonly kind: 'write-documents'; readonly changes: readonly (readonly [string, string | null])[] } & OwnerKey)
  | ({ readonly kind: 'remove-documents' } & OwnerKey)

/** Changes the file. */
export class UserDataWrites {
  readonly #database: SqliteDatabase
  readonly #append: SqliteStatement
  readonly #noteClock: SqliteStatement
  readonly #removeEvents: SqliteStatement
  readonly #removeAllEvents: SqliteStatement
  readonly #countWrite: SqliteStatement
  readonly #put: SqliteStatement
  readonly #delete: SqliteStatement
  readonly #deleteAll: SqliteStatement

  constructor(database: SqliteDatabase) {
    this.#database = database
    this.#append = database.prepare('INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)')
    this.#noteClock = database.prepare(
      `INSERT INTO event_clock VALUES (1, ?, ?) ON CONFLICT DO UPDATE
       SET last_id = max(last_id, excluded.last_id), lead = max(lead, excluded.lead)`,
    )
    this.#removeEvents = database.prepare(
      'DELETE FROM event WHERE collection = ? AND owner = ? AND id IN (SELECT value FROM json_each(?))',
    )
    this.#removeAllEvents = database.prepare('DELETE FROM event WHERE collection = ? AND owner = ?')
    this.#countWrite = database.prepare(
      `INSERT INTO document_version VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET version = version + 1 RETURNING version`,
    )
    this.#put = database.prepare(
      'INSERT INTO document VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    )
    this.#delete = database.prepare('DELETE FROM document WHERE collection = ? AND owner = ? AND key = ?')
    this.#deleteAll = database.prepare('DELETE FROM document WHERE collection = ? AND owner = ?')
  }

  /** @returns the version of the owner's documents when they have been changed, else 0 */
  apply(change: UserDataChange): number {
    return inTransaction(this.#database, () => this.#apply(change))
  }

  #apply(change: UserDataChange): number {
    switch (change.kind) {
      case 'append':
        return this.#appendAll(change.rows)
      case 'remove-events': {
        const { collection, owner, ids } = change
        if (ids === 'all') this.#removeAllEvents.run(collection, owner)
        else this.#removeEvents.run(collection, owner, JSON.stringify(ids))
        return 0
      }
      case 'write-documents': {
        const { collection, owner, changes } = change
        for (const [key, value] of changes) {
          if (value === null) this.#delete.run(collection, owner, key)
          else this.#put.run(collection, owner, key, value)
        }
        return this.#nextVersion(change)
      }
      case 'remove-documents':
        this.#deleteAll.run(change.collection, change.owner)
        return this.#nextVersion(change)
    }
  }

  #appendAll(rows: readonly EventRow[]): number {
    for (const { collection, owner, id, at, peer, resource, text } of rows) {
      this.#append.run(collection, owner, id, at, peer, resource, text)
    }
    this.#noteClock.run(rows.at(-1)?.id ?? '', leadOf(rows))
    return 0
  }

  #nextVersion({ collection, owner }: OwnerKey): number {
    return (this.#countWrite.get(collection, owner) as { version: number }).version
  }
}
