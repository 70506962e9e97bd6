/**
 * Whether the PostgreSQL database of this URL lets us in; its tables are not looked at, and not made.
 * @throws {XmppkiError} BAD_INPUT about the URL, UNAVAILABLE, IO
 */
export async function reachDatabase(url: string): Promise<void> {
  const { PostgresDatabase } = await import('../postgres/database.ts')
  const database = new PostgresDatabase(url)
  try {
    await database.reach()
  } finally {
    await database.close()
  }
}
