import { createPrivateFile, type FileWords, openDatabase, translated } from './driver.ts'

/**
 * Writes what is committed in the database at `path` to the new file `target` of mode 0600. For a snapshot of a certain
 * moment the caller holds the write lock. @throws {XmppkiError} IO, CORRUPT, and what `words` says of a held lock
 */
export function snapshotDatabase(path: string, target: string, words: FileWords): void {
  createPrivateFile(target, words)
  const database = openDatabase(path, words)
  try {
    translated(path, () => database.prepare('VACUUM INTO ?').run(target), words)
  } finally {
    database.close()
  }
}
