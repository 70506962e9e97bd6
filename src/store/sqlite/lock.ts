import { createPrivateFile, explained, openDatabase, rollBack, untilFree, withoutWaiting } from './driver.ts'

/** Whoever holds the lock writes a few files. */
const PATIENCE_MS = 10_000

/**
 * Runs `work` while nobody else, in this process or another, does the same with the file at `path`, which is made (mode
 * 0600) and stays empty. The lock dies with its process: a file of its own that says who has it would outlive that.
 * @throws {XmppkiError} IO when the lock cannot be had, CORRUPT; what `work` throws passes through
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  createPrivateFile(path)
  const database = openDatabase(path)
  try {
    await untilFree(() => withoutWaiting(database, () => database.exec('BEGIN IMMEDIATE')), PATIENCE_MS)
    return await work()
  } catch (error) {
    throw explained(error, path)
  } finally {
    rollBack(database)
    database.close()
  }
}
