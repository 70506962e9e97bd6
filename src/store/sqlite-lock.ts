import { setTimeout as later } from 'node:timers/promises'
import { XmppkiError } from '../errors.ts'
import { createPrivateFile, openDatabase, type SqliteDatabase, translated, withoutWaiting } from './sqlite-driver.ts'

/** Whoever holds the lock writes a few files. */
const PATIENCE_MS = 10_000
const RETRY_MS = 25

/**
 * Runs `work` while nobody else, in this process or another, does the same with the file at `path`, which is made (mode
 * 0600) and stays empty. The lock dies with its process: a file of its own that says who has it would outlive that.
 * @throws {XmppkiError} IO when the lock cannot be had, CORRUPT; what `work` throws passes through
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  createPrivateFile(path)
  const database = openDatabase(path)
  try {
    await begin(database, path)
    return await work()
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK')
    database.close()
  }
}

async function begin(database: SqliteDatabase, path: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    try {
      withoutWaiting(database, () => translated(path, () => database.exec('BEGIN IMMEDIATE')))
      return
    } catch (error) {
      if (!(error instanceof XmppkiError) || error.code !== 'IO' || Date.now() > deadline) throw error
    }
    await later(RETRY_MS)
  }
}
