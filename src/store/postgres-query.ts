import { isRefusal } from './postgres-errors.ts'

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
