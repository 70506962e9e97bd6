import { openDatabase, translated } from './sqlite-driver.ts'

/**
 * What SQLite finds wrong with the ledger at `path` (https://www.sqlite.org/pragma.html#pragma_quick_check); empty when
 * all is well. @throws {XmppkiError} IO, CORRUPT
 */
export function checkLedgerFile(path: string): string[] {
  const database = openDatabase(path)
  try {
    const rows = translated(path, () => database.prepare('PRAGMA quick_check(5)').all()) as { quick_check: string }[]
    return rows.map(({ quick_check: text }) => text).filter((text) => text !== 'ok')
  } finally {
    database.close()
  }
}
