import { closeSync, openSync } from 'node:fs'
import { setTimeout as later, setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type ErrorCode, XmppkiError } from '../../errors.ts'
import { sqliteBinding } from './binding.ts'

/** What a bound parameter or a column may be here. */
export type SqlValue = string | number | null

/** The values of `:name` by their names, no more than the statement has. */
export type NamedValues = Readonly<Record<string, SqlValue>>

/** For each `?` one, or all by name. `?1` is not for us: Node.js 22.13 takes it for a name. */
export type SqlValues = SqlValue[] | [NamedValues]

/** The few methods of a prepared statement that we use. */
export interface SqliteStatement {
  get(...values: SqlValues): unknown
  all(...values: SqlValues): unknown[]
  run(...values: SqlValues): unknown
}

/** The few methods of a database that we use: what Node.js 22.13 has of them. */
export interface SqliteDatabase {
  exec(sql: string): void
  prepare(sql: string): SqliteStatement
  close(): void
}

/** How long a process waits for another one's write lock. */
const LOCK_TIMEOUT_MS = 30_000
const SHORT_LOCK_TIMEOUT_MS = 20

const RETRY_MS = 25

/** Primary result codes (https://www.sqlite.org/rescode.html). */
const SQLITE = { ERROR: 1, BUSY: 5, IOERR: 10, CORRUPT: 11, FULL: 13, CONSTRAINT: 19, NOTADB: 26 } as const

/** What messages say about a database file. */
export interface FileWords {
  /** `the ledger` */
  readonly name: string
  /** What to do when it is damaged. */
  readonly restore: string
  /** What it is when another process holds its lock. */
  readonly locked: ErrorCode
}

export const LEDGER_WORDS: FileWords = {
  name: 'the ledger',
  restore: 'restore it from a backup; do not delete it: it is the record of what was issued and revoked',
  locked: 'IO',
}

/** Makes the file if it is missing. SQLite gives its WAL and shared-memory files the mode of the database file. */
export function createPrivateFile(path: string, { name }: FileWords = LEDGER_WORDS): void {
  try {
    closeSync(openSync(path, 'a', 0o600))
  } catch (error) {
    throw new XmppkiError('IO', `${name} ${path} cannot be opened: ${textOf(error)}`, { cause: error })
  }
}

/** Opens the database file, creating it when it is missing. @throws {XmppkiError} IO, CORRUPT */
export function openDatabase(path: string, words: FileWords = LEDGER_WORDS): SqliteDatabase {
  return translated(
    path,
    () => {
      const { DatabaseSync } = sqliteBinding()
      const database: SqliteDatabase = new DatabaseSync(path)
      database.exec(`PRAGMA busy_timeout = ${LOCK_TIMEOUT_MS}`)
      enterWalMode(database)
      // A certificate must not be handed out and then be forgotten after a power failure.
      database.exec('PRAGMA synchronous = FULL')
      return database
    },
    words,
  )
}

/**
 * Waits until the files of databases that have been closed are closed: the package keeps them open as long as any of their
 * statements is in memory, and there is no other way to be rid of those. They must not be referred to any more.
 */
export async function untilReleased(): Promise<void> {
  if (sqliteBinding().name === 'node:sqlite') return
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  // What has been collected is released in the turns after that.
  for (let turn = 0; turn < 3; turn++) await nextTurn()
}

/** Undoes a transaction, unless SQLite has done so itself, as after some errors, e.g. on a full disk. */
export function rollBack(database: SqliteDatabase): void {
  try {
    database.exec('ROLLBACK')
  } catch (error) {
    // There is no transaction any more; Node.js 22.13 cannot be asked beforehand.
    if (resultCode(error) !== SQLITE.ERROR) throw error
  }
}

/** Two processes that open a new file at once: SQLite does not wait for the lock in the switch to WAL. */
function enterWalMode(database: SqliteDatabase): void {
  const deadline = Date.now() + LOCK_TIMEOUT_MS
  for (;;) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}

/** Runs `work` with hardly any patience for another process's lock: a server must not stand still. */
export function withoutWaiting<T>(database: SqliteDatabase, work: () => T, patience = SHORT_LOCK_TIMEOUT_MS): T {
  database.exec(`PRAGMA busy_timeout = ${patience}`)
  try {
    return work()
  } finally {
    database.exec(`PRAGMA busy_timeout = ${LOCK_TIMEOUT_MS}`)
  }
}

/**
 * Runs `work`, which must not wait for a lock itself, until another process's lock is not in its way; the server goes on
 * meanwhile. What it throws passes through as it is, after `patience` milliseconds also that the lock is held.
 */
export async function untilFree<T>(work: () => T, patience: number): Promise<T> {
  const deadline = Date.now() + patience
  for (;;) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw error
    }
    await later(RETRY_MS)
  }
}

/** Runs `work` and turns errors of SQLite into ours; all others pass through. */
export function translated<T>(path: string, work: () => T, words: FileWords = LEDGER_WORDS): T {
  try {
    return work()
  } catch (error) {
    throw explained(error, path, words)
  }
}

/** What an error of SQLite means, as one of ours; any other as it is. */
export function explained(error: unknown, path: string, words: FileWords = LEDGER_WORDS): unknown {
  const code = resultCode(error)
  if (code === undefined) return error
  const { kind, text, hint } = explanationOf(code, words) ?? { kind: 'IO', text: `cannot be used: ${textOf(error)}` }
  const details = hint === undefined ? { cause: error } : { cause: error, hint }
  return new XmppkiError(kind, `${words.name} ${path} ${text}`, details)
}

interface Explanation {
  readonly kind: ErrorCode
  readonly text: string
  readonly hint?: string
}

const ROOM = 'see whether there is room on the disk: xmppki doctor'

function explanationOf(code: number, { restore, locked }: FileWords): Explanation | undefined {
  switch (code) {
    case SQLITE.BUSY:
      return { kind: locked, text: 'is locked by another process', hint: 'try again when that process is done' }
    case SQLITE.IOERR:
      return { kind: 'IO', text: 'cannot be read or written (disk I/O error)', hint: ROOM }
    case SQLITE.FULL:
      return { kind: 'IO', text: 'cannot grow: the disk is full', hint: ROOM }
    case SQLITE.CORRUPT:
      return { kind: 'CORRUPT', text: 'is damaged', hint: restore }
    case SQLITE.NOTADB:
      return { kind: 'CORRUPT', text: 'is not an SQLite database', hint: restore }
    case SQLITE.CONSTRAINT:
      return { kind: 'CORRUPT', text: 'already has a certificate with this serial number' }
    default:
      return undefined
  }
}

/** Whether another process holds the lock that was needed. */
function isBusy(error: unknown): boolean {
  return resultCode(error) === SQLITE.BUSY
}

/** The package gives what goes wrong in `all` no number, only these texts of SQLite. */
const CODES_BY_TEXT: Readonly<Record<string, number>> = {
  'database is locked': SQLITE.BUSY,
  'disk I/O error': SQLITE.IOERR,
  'database disk image is malformed': SQLITE.CORRUPT,
  'database or disk is full': SQLITE.FULL,
  'file is not a database': SQLITE.NOTADB,
}

/** The low byte is the primary code, whatever extended code is reported. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode & 0xff
  return CODES_BY_TEXT[error.message]
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
