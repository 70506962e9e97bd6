import type { SharedEnrolments } from '../shared-enrolments.ts'

/**
 * What accounts have enrolled in the database of this URL; connects when it is used. The driver is loaded by those alone who
 * have one. @throws {XmppkiError} BAD_INPUT about the URL, IO about the file with the CA
 */
export async function openEnrolments(url: string): Promise<SharedEnrolments> {
  const { PostgresEnrolments } = await import('../postgres/enrolments.ts')
  const { PostgresDatabase } = await import('../postgres/database.ts')
  return new PostgresEnrolments(new PostgresDatabase(url))
}
