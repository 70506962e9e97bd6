import { newerSchema } from '../common/newer-schema.ts'
import { inTransaction, lock, type Query } from './query.ts'

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
  `CREATE TABLE xmppki_revocation (
     number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     serial text NOT NULL,
     issuer text NOT NULL,
     revoked_at bigint NOT NULL,
     reason text NOT NULL,
     UNIQUE (serial, issuer)
   );`,
  'CREATE TABLE xmppki_decoy (id integer PRIMARY KEY CHECK (id = 1), secret text NOT NULL)',
]

/**
 * What has been added since in such a way that servers of earlier versions go on using the same database: they refuse one
 * with a version above their own, so this is counted apart. Each may be applied again. Servers are upgraded one by one.
 */
const ADDITIONS: readonly (readonly [name: string, sql: string])[] = [
  [
    // Earlier versions insert rows without it, and take any conflict for a row that is there already.
    'revocation-authority',
    `ALTER TABLE xmppki_revocation ADD COLUMN IF NOT EXISTS authority text;
     ALTER TABLE xmppki_revocation DROP CONSTRAINT IF EXISTS xmppki_revocation_serial_issuer_key;
     CREATE UNIQUE INDEX IF NOT EXISTS xmppki_revocation_certificate
       ON xmppki_revocation (serial, issuer, coalesce(authority, ''));`,
  ],
  ['certificate-holder', 'CREATE TABLE IF NOT EXISTS xmppki_holder (jid text COLLATE "C" PRIMARY KEY)'],
  [
    // Not jsonb, which refuses some texts.
    'documents',
    `CREATE TABLE IF NOT EXISTS xmppki_document (
       collection text COLLATE "C" NOT NULL,
       owner text COLLATE "C" NOT NULL,
       key text COLLATE "C" NOT NULL,
       value json NOT NULL,
       PRIMARY KEY (collection, owner, key)
     );
     CREATE TABLE IF NOT EXISTS xmppki_document_version (
       collection text COLLATE "C" NOT NULL,
       owner text COLLATE "C" NOT NULL,
       version bigint NOT NULL,
       PRIMARY KEY (collection, owner)
     );`,
  ],
  [
    'event-logs',
    `CREATE TABLE IF NOT EXISTS xmppki_event (
       collection text COLLATE "C" NOT NULL,
       owner text COLLATE "C" NOT NULL,
       id text COLLATE "C" NOT NULL,
       at bigint NOT NULL,
       peer text COLLATE "C" NOT NULL,
       resource text COLLATE "C" NOT NULL,
       text text NOT NULL,
       PRIMARY KEY (collection, owner, id)
     );
     CREATE INDEX IF NOT EXISTS xmppki_event_peer ON xmppki_event (collection, owner, peer, id);
     CREATE TABLE IF NOT EXISTS xmppki_event_clock (
       collection text COLLATE "C" PRIMARY KEY,
       last_id text COLLATE "C" NOT NULL,
       lead bigint NOT NULL
     );`,
  ],
  [
    'enrolment',
    `CREATE TABLE IF NOT EXISTS xmppki_enrolment (
       account text COLLATE "C" NOT NULL,
       fingerprint text COLLATE "C" NOT NULL,
       label text COLLATE "C" NOT NULL,
       certificate text NOT NULL,
       may_manage boolean NOT NULL,
       enrolled_at bigint NOT NULL,
       not_after bigint NOT NULL,
       vouched_by jsonb,
       voucher jsonb,
       state text NOT NULL CHECK (state IN ('active', 'disabled', 'revoked')),
       ended_at bigint,
       number bigint NOT NULL UNIQUE,
       PRIMARY KEY (account, fingerprint)
     );
     CREATE UNIQUE INDEX IF NOT EXISTS xmppki_enrolment_label ON xmppki_enrolment (account, label) WHERE state = 'active';
     CREATE UNIQUE INDEX IF NOT EXISTS xmppki_enrolment_active ON xmppki_enrolment (fingerprint) WHERE state = 'active';
     CREATE TABLE IF NOT EXISTS xmppki_enrolment_audit (
       number bigint PRIMARY KEY,
       server text NOT NULL,
       audit_head bigint NOT NULL,
       event jsonb NOT NULL
     );`,
  ],
]

/** No domain, so that it is no lock of accounts. */
const LOCK = '#migration'

/** Brings the tables up to date, also when several processes do so at once. @throws {XmppkiError} CORRUPT */
export async function migrate(query: Query, name: string): Promise<void> {
  if (await isUpToDate(query)) return
  await inTransaction(query, async () => {
    await lock(query, LOCK)
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
    await query(
      'CREATE TABLE IF NOT EXISTS xmppki_addition (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())',
    )
    const made = await additionsOf(query)
    for (const [addition, sql] of ADDITIONS) {
      if (made.has(addition)) continue
      await query(sql)
      await query('INSERT INTO xmppki_addition (name) VALUES ($1)', [addition])
    }
  })
}

async function isUpToDate(query: Query): Promise<boolean> {
  if (!(await exists(query, 'xmppki_migration')) || (await versionOf(query)) !== MIGRATIONS.length) return false
  if (!(await exists(query, 'xmppki_addition'))) return false
  const made = await additionsOf(query)
  return ADDITIONS.every(([name]) => made.has(name))
}

async function exists(query: Query, table: string): Promise<boolean> {
  const [row] = await query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [table])
  return row?.found === true
}

async function versionOf(query: Query): Promise<number> {
  const [row] = await query<{ version: number }>('SELECT coalesce(max(version), 0) AS version FROM xmppki_migration')
  return row?.version ?? 0
}

async function additionsOf(query: Query): Promise<ReadonlySet<string>> {
  const rows = await query<{ name: string }>('SELECT name FROM xmppki_addition')
  return new Set(rows.map(({ name }) => name))
}
