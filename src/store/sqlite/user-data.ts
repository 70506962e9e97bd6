import { XmppkiError } from '../../errors.ts'
import { BatchWriter } from '../common/batch-writer.ts'
import { EventIds } from '../common/event-ids.ts'
import { explained, type SqliteDatabase, type SqliteStatement, translated, untilFree } from './driver.ts'
import { openUserData, USER_DATA_WORDS } from './user-data-schema.ts'
import type { UserDataChange } from './user-data-writes.ts'
import { WriterThread } from './writer-thread.ts'

/** In WAL mode a reader hardly ever waits for anybody. */
const PATIENCE_MS = 5_000

/**
 * The SQLite file (WAL, `synchronous=FULL`) with documents and logs. It is read here, in calls that are short, and written
 * by a thread of its own. What is appended to all logs of the file goes into the same batches. One process at a time writes
 * logs: it makes up their ids.
 */
export class SqliteUserData {
  /** For rows of logs. */
  readonly batches: BatchWriter
  readonly ids = new EventIds()
  readonly #path: string
  readonly #database: SqliteDatabase
  readonly #statements = new Map<string, SqliteStatement>()
  readonly #writer: WriterThread
  #isOpen = true

  /** Opens the file or creates it (mode 0600). @throws {XmppkiError} IO, CORRUPT, UNAVAILABLE */
  constructor(path: string) {
    this.#path = path
    this.#database = openUserData(path)
    const clock = translated(path, () => this.#statement('SELECT last_id FROM event_clock').get(), USER_DATA_WORDS)
    if (clock !== undefined) this.ids.continueAfter((clock as { last_id: string }).last_id)
    this.#writer = new WriterThread(path)
    this.batches = new BatchWriter((rows) => this.#writer.apply({ kind: 'append', rows }))
  }

  /** Rows of a statement; the shape is that of the statement. @throws {XmppkiError} UNAVAILABLE, CORRUPT, IO */
  async read<Row>(sql: string, ...values: (string | number)[]): Promise<Row[]> {
    try {
      return await untilFree(() => {
        if (!this.#isOpen) throw new XmppkiError('UNAVAILABLE', `${USER_DATA_WORDS.name} ${this.#path} has been closed`)
        return this.#statement(sql).all(...values) as Row[]
      }, PATIENCE_MS)
    } catch (error) {
      throw explained(error, this.#path, USER_DATA_WORDS)
    }
  }

  /** As {@link WriterThread.apply}. */
  change(change: UserDataChange): Promise<number> {
    return this.#writer.apply(change)
  }

  /** Waits for what is to be written. */
  async close(): Promise<void> {
    await this.batches.idle()
    this.#isOpen = false
    await this.#writer.close()
    this.#database.close()
  }

  #statement(sql: string): SqliteStatement {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql)
    this.#statements.set(sql, known)
    return known
  }
}
