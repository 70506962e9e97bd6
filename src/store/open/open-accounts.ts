import { XmppkiError } from '../../errors.ts'
import type { Accounts } from '../accounts.ts'

interface AccountsPlace {
  /** Of a PostgreSQL database; undefined: the file. It may have a password in it. */
  readonly url: string | undefined
  /** Where the SQLite file is, or is made. */
  readonly path: string
  /** Told that the database cannot be reached yet; otherwise that is an error. What is asked later tries again. */
  readonly onUnavailable?: (error: XmppkiError) => void
}

/**
 * Opens the accounts where the configuration has them, with tables that are up to date.
 * @throws {XmppkiError} BAD_INPUT about the URL, UNAVAILABLE unless there is somebody to tell, CORRUPT, IO
 */
export async function openAccounts({ url, path, onUnavailable }: AccountsPlace): Promise<Accounts> {
  if (url === undefined) {
    const { SqliteAccounts } = await import('../sqlite/accounts.ts')
    return new SqliteAccounts(path)
  }
  // The driver is loaded by those alone who have such a database.
  const { PostgresAccounts } = await import('../postgres/accounts.ts')
  const { PostgresDatabase } = await import('../postgres/database.ts')
  const database = new PostgresDatabase(url)
  try {
    await database.prepare()
  } catch (error) {
    const isAway = error instanceof XmppkiError && error.code === 'UNAVAILABLE'
    if (isAway && onUnavailable !== undefined) onUnavailable(error)
    else {
      await database.close()
      throw error
    }
  }
  return new PostgresAccounts(database)
}
