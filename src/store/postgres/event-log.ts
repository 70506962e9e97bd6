import { XmppkiError } from '../../errors.ts'
import { BatchWriter } from '../common/batch-writer.ts'
import { EventIds } from '../common/event-ids.ts'
import {
  ENTRY_COLUMNS,
  type EntryRow,
  type EventRow,
  leadOf,
  pageOf,
  pageStatement,
  splitPeer,
  toEntry,
} from '../common/event-rows.ts'
import type { Appended, EventLog, LogEntry, LogPage, LogQuery } from '../event-log.ts'
import type { PostgresDatabase } from './database.ts'

/** One statement, so that no transaction waits for this process: every server that appends to the collection locks its clock. */
const APPEND = `WITH clock AS (
    INSERT INTO xmppki_event_clock AS clock VALUES ($1, $2, $3)
    ON CONFLICT (collection) DO UPDATE
      SET last_id = greatest(clock.last_id, excluded.last_id), lead = greatest(clock.lead, excluded.lead)
    RETURNING last_id
  ), appended AS (
    INSERT INTO xmppki_event (collection, owner, id, at, peer, resource, text)
    SELECT $1, * FROM unnest($4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::text[])
  )
  SELECT last_id FROM clock`

const mark = (number: number) => `$${number}`

/**
 * A log of one collection in a PostgreSQL database, which several servers may share. Of an owner for whom two of them append
 * within the same milliseconds, an entry may come to be seen after one with a greater id: whoever reads on behind that one
 * misses it. So one server at a time should append for an owner.
 */
export class PostgresEventLog implements EventLog {
  readonly #database: PostgresDatabase
  readonly #collection: string
  readonly #ids = new EventIds()
  readonly #batches = new BatchWriter((rows) => this.#write(rows))
  /** The greatest id that there was when this log first saw the database. */
  #last: Promise<string> | undefined

  constructor(database: PostgresDatabase, collection: string) {
    this.#database = database
    this.#collection = collection
  }

  /**
   * Reads after which id the log goes on. Without it the first batch does so, and if the clock has gone back since the
   * server was stopped that batch is refused: its ids would not be the greatest. @throws {XmppkiError} UNAVAILABLE, CORRUPT, IO
   */
  async prepare(): Promise<void> {
    await this.#lastId()
  }

  append(owner: string, { at, peer, text }: Omit<LogEntry, 'id'>): Appended {
    const id = this.#ids.next(at)
    const row = { collection: this.#collection, owner, id, at, ...splitPeer(peer), text }
    return { id, durable: this.#batches.add(row) }
  }

  async page(owner: string, query: LogQuery): Promise<LogPage> {
    await this.#settled(owner)
    const lead = query.end === undefined ? 0 : await this.#lead()
    const place = { collection: this.#collection, owner, table: 'xmppki_event' }
    const { sql, values } = pageStatement(place, query, { lead, mark })
    const rows = await this.#database.query<EntryRow>(sql, values)
    return pageOf(rows.map(toEntry), query)
  }

  async find(owner: string, ids: readonly string[]): Promise<readonly LogEntry[]> {
    await this.#settled(owner)
    const sql = `SELECT ${ENTRY_COLUMNS} FROM xmppki_event
      WHERE collection = $1 AND owner = $2 AND id = ANY($3) ORDER BY id`
    const rows = await this.#database.query<EntryRow>(sql, [this.#collection, owner, ids])
    return rows.map(toEntry)
  }

  async count(owner: string): Promise<number> {
    await this.#settled(owner)
    const sql = 'SELECT count(*) FROM xmppki_event WHERE collection = $1 AND owner = $2'
    const [row] = await this.#database.query<{ count: string }>(sql, [this.#collection, owner])
    return Number(row?.count ?? 0)
  }

  async remove(owner: string, ids: readonly string[] | 'all'): Promise<void> {
    await this.#settled(owner)
    const sql = 'DELETE FROM xmppki_event WHERE collection = $1 AND owner = $2'
    if (ids === 'all') await this.#database.query(sql, [this.#collection, owner])
    else await this.#database.query(`${sql} AND id = ANY($3)`, [this.#collection, owner, ids])
  }

  close(): Promise<void> {
    return this.#batches.idle()
  }

  async #write(rows: readonly EventRow[]): Promise<void> {
    const last = await this.#lastId()
    if (rows.some(({ id }) => id <= last)) {
      const message = 'the clock has gone back while the database could not be reached'
      throw new XmppkiError('UNAVAILABLE', message, { hint: 'try again' })
    }
    const [clock] = await this.#database.query<{ last_id: string }>(APPEND, [
      this.#collection,
      rows.at(-1)?.id,
      leadOf(rows),
      rows.map(({ owner }) => owner),
      rows.map(({ id }) => id),
      rows.map(({ at }) => at),
      rows.map(({ peer }) => peer),
      rows.map(({ resource }) => resource),
      rows.map(({ text }) => text),
    ])
    // Of another server, whose clock may be ahead.
    if (clock !== undefined) this.#ids.continueAfter(clock.last_id)
  }

  #lastId(): Promise<string> {
    this.#last ??= this.#readLastId().catch((error: unknown) => {
      this.#last = undefined
      throw error
    })
    return this.#last
  }

  async #readLastId(): Promise<string> {
    const sql = 'SELECT last_id FROM xmppki_event_clock WHERE collection = $1'
    const [clock] = await this.#database.query<{ last_id: string }>(sql, [this.#collection])
    if (clock === undefined) return ''
    this.#ids.continueAfter(clock.last_id)
    return clock.last_id
  }

  async #lead(): Promise<number> {
    const sql = 'SELECT lead FROM xmppki_event_clock WHERE collection = $1'
    const [clock] = await this.#database.query<{ lead: string }>(sql, [this.#collection])
    return Number(clock?.lead ?? 0)
  }

  #settled(owner: string): Promise<void> {
    return this.#batches.settled({ collection: this.#collection, owner })
  }
}
