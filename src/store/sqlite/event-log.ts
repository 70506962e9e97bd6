import { ENTRY_COLUMNS, type EntryRow, pageOf, pageStatement, splitPeer, toEntry } from '../common/event-rows.ts'
import type { Appended, EventLog, LogEntry, LogPage, LogQuery } from '../event-log.ts'
import type { SqliteUserData } from './user-data.ts'

const mark = () => '?'

/** A log of one collection in the file of user data. */
export class SqliteEventLog implements EventLog {
  readonly #file: SqliteUserData
  readonly #collection: string

  constructor(file: SqliteUserData, collection: string) {
    this.#file = file
    this.#collection = collection
  }

  append(owner: string, { at, peer, text }: Omit<LogEntry, 'id'>): Appended {
    const id = this.#file.ids.next(at)
    const row = { collection: this.#collection, owner, id, at, ...splitPeer(peer), text }
    return { id, durable: this.#file.batches.add(row) }
  }

  async page(owner: string, query: LogQuery): Promise<LogPage> {
    await this.#settled(owner)
    const lead = query.end === undefined ? 0 : await this.#lead()
    const place = { collection: this.#collection, owner, table: 'event' }
    const { sql, values } = pageStatement(place, query, { lead, mark })
    const rows = await this.#file.read<EntryRow>(sql, ...values)
    return pageOf(rows.map(toEntry), query)
  }

  async find(owner: string, ids: readonly string[]): Promise<readonly LogEntry[]> {
    await this.#settled(owner)
    const sql = `SELECT ${ENTRY_COLUMNS} FROM event
      WHERE collection = ? AND owner = ? AND id IN (SELECT value FROM json_each(?)) ORDER BY id`
    const rows = await this.#file.read<EntryRow>(sql, this.#collection, owner, JSON.stringify(ids))
    return rows.map(toEntry)
  }

  async count(owner: string): Promise<number> {
    await this.#settled(owner)
    const sql = 'SELECT count(*) AS count FROM event WHERE collection = ? AND owner = ?'
    const [row] = await this.#file.read<{ count: number }>(sql, this.#collection, owner)
    return row?.count ?? 0
  }

  async remove(owner: string, ids: readonly string[] | 'all'): Promise<void> {
    await this.#settled(owner)
    await this.#file.change({ kind: 'remove-events', collection: this.#collection, owner, ids })
  }

  close(): Promise<void> {
    return this.#file.batches.idle()
  }

  async #lead(): Promise<number> {
    const [clock] = await this.#file.read<{ lead: number }>('SELECT lead FROM event_clock')
    return clock?.lead ?? 0
  }

  #settled(owner: string): Promise<void> {
    return this.#file.batches.settled({ collection: this.#collection, owner })
  }
}
