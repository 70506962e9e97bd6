import { createRequire } from 'node:module'
import type * as Sqlite from '@photostructure/sqlite'
import { XmppkiError } from '../../errors.ts'

const PACKAGE = '@photostructure/sqlite'

/** What brings SQLite into this process. */
export interface SqliteBinding {
  readonly name: 'node:sqlite' | typeof PACKAGE
  readonly DatabaseSync: typeof Sqlite.DatabaseSync
}

let chosen: SqliteBinding | undefined

/**
 * The one of Node.js where it has one: from 22.13 on, unless it is switched off. Else a package of the same interface.
 * @throws {XmppkiError} NOT_FOUND when neither can be had
 */
export function sqliteBinding(): SqliteBinding {
  chosen ??= builtInSqlite() ?? packagedSqlite()
  return chosen
}

/** `node:sqlite`, where this Node.js has it. */
export function builtInSqlite(): SqliteBinding | undefined {
  const found = withoutSqliteWarning(() => process.getBuiltinModule('node:sqlite')) as typeof Sqlite | undefined
  return found === undefined ? undefined : { name: 'node:sqlite', DatabaseSync: found.DatabaseSync }
}

/** The package for Node.js 20. @param load as `require` @throws {XmppkiError} NOT_FOUND */
export function packagedSqlite(load: (name: string) => unknown = requireHere): SqliteBinding {
  try {
    const { DatabaseSync } = load(PACKAGE) as typeof Sqlite
    return { name: PACKAGE, DatabaseSync }
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new XmppkiError(
      'NOT_FOUND',
      `this Node.js (${process.version}) has no SQLite, and the package ${PACKAGE} cannot be loaded: ${reason}`,
      {
        hint: `use Node.js 22.13 or newer, or install the package beside xmppki: npm install -g ${PACKAGE}`,
        cause: error,
      },
    )
  }
}

/** An ES module has no `require`, and a bundle must not have the package in it. */
function requireHere(name: string): unknown {
  return createRequire(`${import.meta.dirname}/`)(name)
}

/** Node.js 22 and 24 say that SQLite is experimental when it is loaded, on standard error, to somebody who has not asked. */
export function withoutSqliteWarning<T>(load: () => T): T {
  const { emitWarning } = process
  process.emitWarning = (warning: string | Error, ...details: unknown[]) => {
    if (details[0] === 'ExperimentalWarning' && String(warning).startsWith('SQLite ')) return
    Reflect.apply(emitWarning, process, [warning, ...details])
  }
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}
