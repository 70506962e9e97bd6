import { isRefusal } from './sql-errors.ts'

/** First key of all advisory locks of xmppki, so that they are nobody else's: "xmpk" in ASCII. */
const ADVISORY_LOCKS = 0x78_6d_70_6b

/** Runs one statement. The shape of the rows is that of the statement. */
export type Query = <Row>(text: string, values?: readonly unknown[]) => Promise<Row[]>

/**
 * Runs `work` in one transaction, `READ COMMITTED`. When it rejects because the connection is lost, the server may have
 * committed, and whoever holds the connection must let it go: the server rolls back what is open.
 */
export async function inTransaction<T>(query: Query, work: (query: Query) => Promise<T>): Promise<T> {
  await query('BEGIN')
  try {
    const result = await work(query)
    await query('COMMIT')
    return result
  } catch (error) {
    if (isRefusal(error)) await query('ROLLBACK')
    throw error
  }
}

/** Waits until nobody else holds the lock of this name, and holds it until the transaction ends. */
export async function lock(query: Query, name: string): Promise<void> {
  await query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [ADVISORY_LOCKS, name])
}
