import { type FileWords, openDatabase, translated } from './driver.ts'

/**
 * What SQLite finds wrong with the database file at `path` (https://www.sqlite.org/pragma.html#pragma_quick_check); empty when
 * all is well. @throws {XmppkiError} IO, CORRUPT
 */
export function checkDatabaseFile(path: string, words: FileWords): string[] {
  const database = openDatabase(path, words)
  try {
    const rows = translated(path, () => database.prepare('PRAGMA quick_check(5)').all(), words) as {
      quick_check: string
    }[]
    return rows.map(({ quick_check: text }) => text).filter((text) => text !== 'ok')
  } finally {
    database.close()
  }
}
