import { createPrivateFile, openDatabase, translated } from './sqlite-driver.ts'

/**
 * Writes what is committed in the ledger at `path` to the new file `target` of mode 0600. For a snapshot of a certain
 * moment the caller holds the write lock. @throws {XmppkiError} IO, CORRUPT
 */
export function snapshotLedger(path: string, target: string): void {
  createPrivateFile(target)
  const database = openDatabase(path)
  try {
    translated(path, () => database.prepare('VACUUM INTO ?').run(target))
  } finally {
    database.close()
  }
}
