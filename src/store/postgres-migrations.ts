import { newerSchema } from './newer-schema.ts'
import { inTransaction, type Query } from './postgres-query.ts'

/**
 * Forward-only; the position is the version. A released entry never changes, new ones are appended.
 * All names begin with `xmppki_`: the database may hold tables of others. JIDs compare byte by byte, whatever the locale.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE xmppki_account (
     jid text COLLATE "C" PRIMARY KEY,
     domain text COLLATE "C" NOT NULL,
     keys jsonb NOT NULL,
     created_at bigint NOT NULL,
     changed_at bigint NOT NULL
   );
   CREATE INDEX xmppki_account_domain ON xmppki_account (domain);`,
]

/** First key of all advisory locks of xmppki: "xmpk" in ASCII. The second says what is locked; no domain is empty. */
export const ADVISORY_LOCKS = 0x78_6d_70_6b
const MIGRATION_LOCK = ''

/** Brings the tables up to date, also when several processes do so at once. @throws {XmppkiError} CORRUPT */
export async function migrate(query: Query, name: string): Promise<void> {
  if ((await hasVersions(query)) && (await versionOf(query)) === MIGRATIONS.length) return
  await inTransaction(query, async () => {
    await query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [ADVISORY_LOCKS, MIGRATION_LOCK])
    await query(
      'CREATE TABLE IF NOT EXISTS xmppki_migration (version integer PRIMARY KEY, applied_at timestamptz NOT NULL)',
    )
    const version = await versionOf(query)
    if (version > MIGRATIONS.length) throw newerSchema(name)
    for (const [index, migration] of MIGRATIONS.entries()) {
      if (index < version) continue
      await query(migration)
      await query('INSERT INTO xmppki_migration VALUES ($1, now())', [index + 1])
    }
  })
}

async function hasVersions(query: Query): Promise<boolean> {
  const [row] = await query<{ found: boolean }>(`SELECT to_regclass('xmppki_migration') IS NOT NULL AS found`)
  return row?.found === true
}

async function versionOf(query: Query): Promise<number> {
  const [row] = await query<{ version: number }>('SELECT coalesce(max(version), 0) AS version FROM xmppki_migration')
  return row?.version ?? 0
}
