import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from '@photostructure/sqlite'
import { type ErrorCode, XmppkiError } from '../errors.ts'

/** What a bound parameter or a column may be here. */
export type SqlValue = string | number | null

/** The few methods of a prepared statement that we use; `node:sqlite` has them as well. */
export interface SqliteStatement {
  get(...values: SqlValue[]): unknown
  all(...values: SqlValue[]): unknown[]
  run(...values: SqlValue[]): unknown
}

/** The few methods of a database that we use; `node:sqlite` has them as well. */
export interface SqliteDatabase {
  readonly isTransaction: boolean
  exec(sql: string): void
  prepare(sql: string): SqliteStatement
  close(): void
}

/** How long a process waits for another one's write lock. */
const LOCK_TIMEOUT_MS = 30_000
const SHORT_LOCK_TIMEOUT_MS = 20

/** Primary result codes (https://www.sqlite.org/rescode.html). */
const SQLITE = { BUSY: 5, IOERR: 10, CORRUPT: 11, FULL: 13, CONSTRAINT: 19, NOTADB: 26 } as const

/** Makes the file if it is missing. SQLite gives its WAL and shared-memory files the mode of the database file. */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600))
  } catch (error) {
    throw new XmppkiError('IO', `the ledger ${path} cannot be opened: ${textOf(error)}`, { cause: error })
  }
}

/** Opens the database file, creating it when it is missing. @throws {XmppkiError} IO, CORRUPT */
export function openDatabase(path: string): SqliteDatabase {
  return translated(path, () => {
    const database: SqliteDatabase = new DatabaseSync(path, {
      timeout: LOCK_TIMEOUT_MS,
    })
    enterWalMode(database)
    // A certificate must not be handed out and then be forgotten after a power failure.
    database.exec('PRAGMA synchronous = FULL')
    return database
  })
}

/** Two processes that open a new file at once: SQLite does not wait for the lock in the switch to WAL. */
function enterWalMode(database: SqliteDatabase): void {
  const deadline = Date.now() + LOCK_TIMEOUT_MS
  for (;;) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (resultCode(error) !== SQLITE.BUSY || Date.now() > deadline) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}

/** Runs `work` with hardly any patience for another process's lock: a server must not stand still. */
export function withoutWaiting<T>(database: SqliteDatabase, work: () => T): T {
  database.exec(`PRAGMA busy_timeout = ${SHORT_LOCK_TIMEOUT_MS}`)
  try {
    return work()
  } finally {
    database.exec(`PRAGMA busy_timeout = ${LOCK_TIMEOUT_MS}`)
  }
}

/** Runs `work` and turns errors of SQLite into ours; all others pass through. */
export function translated<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const code = resultCode(error)
    if (code === undefined) throw error
    const { kind, text, hint } = EXPLANATIONS[code] ?? {
      kind: 'IO',
      text: `cannot be used: ${textOf(error)}`,
    }
    throw new XmppkiError(
      kind,
      `the ledger ${path} ${text}`,
      hint === undefined ? { cause: error } : { cause: error, hint },
    )
  }
}

interface Explanation {
  readonly kind: ErrorCode
  readonly text: string
  readonly hint?: string
}

const RESTORE = 'restore it from a backup; do not delete it: it is the record of what was issued and revoked'

const ROOM = 'see whether there is room on the disk: xmppki doctor'

const EXPLANATIONS: Readonly<Record<number, Explanation>> = {
  [SQLITE.BUSY]: {
    kind: 'IO',
    text: 'is locked by another process',
    hint: 'try again when that process is done',
  },
  [SQLITE.IOERR]: { kind: 'IO', text: 'cannot be read or written (disk I/O error)', hint: ROOM },
  [SQLITE.FULL]: { kind: 'IO', text: 'cannot grow: the disk is full', hint: ROOM },
  [SQLITE.CORRUPT]: { kind: 'CORRUPT', text: 'is damaged', hint: RESTORE },
  [SQLITE.NOTADB]: {
    kind: 'CORRUPT',
    text: 'is not an SQLite database',
    hint: RESTORE,
  },
  [SQLITE.CONSTRAINT]: {
    kind: 'CORRUPT',
    text: 'already has a certificate with this serial number',
  },
}

/** The driver gives what goes wrong in `all` no number, only these texts of SQLite. */
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
