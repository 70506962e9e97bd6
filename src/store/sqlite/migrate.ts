import { newerSchema } from '../common/newer-schema.ts'
import { createPrivateFile, type FileWords, openDatabase, rollBack, type SqliteDatabase, translated } from './driver.ts'

/** A step of a schema. */
export type Migration = string | ((database: SqliteDatabase) => void)

/** Runs `work` under the write lock, all or nothing. */
export function inTransaction<T>(database: SqliteDatabase, work: () => T): T {
  // IMMEDIATE takes the write lock before the first read, so nothing that was read can be outdated.
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    rollBack(database)
    throw error
  }
}

/** As {@link inTransaction} for work that waits. */
export async function inLongTransaction<T>(database: SqliteDatabase, work: () => Promise<T>): Promise<T> {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = await work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    rollBack(database)
    throw error
  }
}

/**
 * Opens the database file at `path`, or creates it (mode 0600), with tables that are up to date, for a server: nothing
 * waits for a lock, see {@link untilFree}. @throws {XmppkiError} IO, CORRUPT, and what `words` says of a held lock
 */
export function openForServer(path: string, words: FileWords, migrations: readonly Migration[]): SqliteDatabase {
  createPrivateFile(path, words)
  const database = openDatabase(path, words)
  translated(path, () => migrate(database, migrations, `${words.name} ${path}`), words)
  database.exec('PRAGMA busy_timeout = 0')
  return database
}

/**
 * Brings the tables up to date, also when several processes do so at once.
 * @param migrations forward-only; the position is the version. A released entry never changes, new ones are appended
 * @param name what messages call the database
 * @throws {XmppkiError} CORRUPT when the tables are newer than this program
 */
export function migrate(database: SqliteDatabase, migrations: readonly Migration[], name: string): void {
  if (schemaVersion(database) === migrations.length) return
  inTransaction(database, () => {
    // Asked again under the lock: another process may just have done it.
    const version = schemaVersion(database)
    if (version > migrations.length) throw newerSchema(name)
    for (const migration of migrations.slice(version)) {
      if (typeof migration === 'string') database.exec(migration)
      else migration(database)
    }
    database.exec(`PRAGMA user_version = ${migrations.length}`)
  })
}

/**
 * Gives a table another definition, for a migration; what else was made for it, also by others, stays. The table is not
 * renamed: views that read it would have to do without it for a moment, which SQLite refuses.
 * @param columns those that both definitions have
 */
export function rebuildTable(database: SqliteDatabase, table: string, definition: string, columns: string): void {
  const attached = database.prepare(
    `SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY rowid`,
  )
  const statements = attached.all(table) as { sql: string }[]
  database.exec(
    `CREATE TABLE ${table}_rebuilt AS SELECT ${columns} FROM ${table};
     DROP TABLE ${table};
     ${definition};
     INSERT INTO ${table} (${columns}) SELECT ${columns} FROM ${table}_rebuilt;
     DROP TABLE ${table}_rebuilt;`,
  )
  for (const { sql } of statements) database.exec(sql)
}

function schemaVersion(database: SqliteDatabase): number {
  return (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
}
