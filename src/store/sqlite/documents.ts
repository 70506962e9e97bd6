import type { Documents } from '../documents.ts'
import type { SqliteUserData } from './user-data.ts'

/** Documents of one collection in the file of user data. */
export class SqliteDocuments<T> implements Documents<T> {
  readonly #file: SqliteUserData
  readonly #collection: string

  constructor(file: SqliteUserData, collection: string) {
    this.#file = file
    this.#collection = collection
  }

  async get(owner: string, key: string): Promise<T | undefined> {
    const sql = 'SELECT value FROM document WHERE collection = ? AND owner = ? AND key = ?'
    const [row] = await this.#file.read<{ value: string }>(sql, this.#collection, owner, key)
    return row === undefined ? undefined : (JSON.parse(row.value) as T)
  }

  async entries(owner: string): Promise<readonly (readonly [string, T])[]> {
    const sql = 'SELECT key, value FROM document WHERE collection = ? AND owner = ? ORDER BY key'
    const rows = await this.#file.read<{ key: string; value: string }>(sql, this.#collection, owner)
    return rows.map(({ key, value }) => [key, JSON.parse(value) as T] as const)
  }

  write(owner: string, changes: ReadonlyMap<string, T | undefined>): Promise<number> {
    const texts = [...changes].map(([key, value]) => [key, value === undefined ? null : JSON.stringify(value)] as const)
    return this.#file.change({ kind: 'write-documents', collection: this.#collection, owner, changes: texts })
  }

  async version(owner: string): Promise<number> {
    const sql = 'SELECT version FROM document_version WHERE collection = ? AND owner = ?'
    const [row] = await this.#file.read<{ version: number }>(sql, this.#collection, owner)
    return row?.version ?? 0
  }

  async removeOwner(owner: string): Promise<void> {
    await this.#file.change({ kind: 'remove-documents', collection: this.#collection, owner })
  }
}
