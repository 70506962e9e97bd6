import type { RevocationFeed } from '../revocations.ts'

/**
 * The feed in the database of this URL; connects when it is used. The driver is loaded by those alone who have one.
 * @throws {XmppkiError} BAD_INPUT about the URL, IO about the file with the CA
 */
export async function openRevocationFeed(url: string): Promise<RevocationFeed> {
  const { PostgresRevocations } = await import('../postgres/revocations.ts')
  const { PostgresDatabase } = await import('../postgres/database.ts')
  return new PostgresRevocations(new PostgresDatabase(url))
}
