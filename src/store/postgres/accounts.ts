import type { CountedForm, ScramKeySet } from '../../xmpp/sasl/scram-keys.ts'
import type { Account, Accounts, CreationConflict, CreationLimits, ImportOutcome } from '../accounts.ts'
import { batches } from '../common/batches.ts'
import { dummySecretOf, newDummySecret } from '../common/dummy-secret.ts'
import { domainOf, type ImportGround, planImport } from '../common/import-plan.ts'
import type { PostgresDatabase } from './database.ts'
import { PostgresKeyForms } from './key-forms.ts'
import { lock, type Query } from './query.ts'

/** Rows that go to the server or come from it at once. */
const BATCH = 1_000

/** The driver gives 64-bit numbers as text. */
interface AccountRow {
  readonly jid: string
  readonly keys: ScramKeySet
  readonly created_at: string
  readonly changed_at: string
}

const COLUMNS = 'jid, keys, created_at, changed_at'

/** Accounts in a PostgreSQL database, which several servers may share. */
export class PostgresAccounts implements Accounts {
  readonly #database: PostgresDatabase
  /** Asked for once: it never changes. */
  #dummySecret: Promise<Uint8Array> | undefined
  readonly #forms: PostgresKeyForms

  constructor(database: PostgresDatabase) {
    this.#database = database
    this.#forms = new PostgresKeyForms(database)
  }

  async find(jid: string): Promise<Account | undefined> {
    const [row] = await this.#database.query<AccountRow>(`SELECT ${COLUMNS} FROM xmppki_account WHERE jid = $1`, [jid])
    if (row !== undefined) this.#forms.seen(domainOf(jid), row.keys)
    return row && toAccount(row)
  }

  async create(account: Account, limits: CreationLimits): Promise<CreationConflict | undefined> {
    const [outcome] = await this.importAll([account], { ...limits, replace: false })
    return outcome === 'exists' || outcome === 'full' ? outcome : undefined
  }

  async setKeys(jid: string, keys: ScramKeySet, at: number): Promise<boolean> {
    const text = 'UPDATE xmppki_account SET keys = $2::jsonb, changed_at = $3 WHERE jid = $1 RETURNING jid'
    return (await this.#database.query(text, [jid, JSON.stringify(keys), at])).length > 0
  }

  async delete(jid: string): Promise<boolean> {
    return (await this.#database.query('DELETE FROM xmppki_account WHERE jid = $1 RETURNING jid', [jid])).length > 0
  }

  async list(domain?: string): Promise<readonly Account[]> {
    const text = `SELECT ${COLUMNS} FROM xmppki_account WHERE jid > $1 AND (domain = $2 OR $2 IS NULL) ORDER BY jid LIMIT $3`
    const accounts: Account[] = []
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: AccountRow[] = await this.#database.query(text, [after, domain ?? null, BATCH])
      accounts.push(...page.map(toAccount))
      after = page.length < BATCH ? undefined : page.at(-1)?.jid
    }
    return accounts
  }

  async importAll(
    accounts: readonly Account[],
    options: CreationLimits & { readonly replace: boolean },
  ): Promise<readonly ImportOutcome[]> {
    if (accounts.length === 0) return []
    return this.#database.transaction(async (query) => {
      const ground = await lockedGround(query, accounts)
      const { outcomes, rows } = planImport(accounts, ground, options)
      for (const batch of batches(rows, BATCH)) await put(query, batch)
      return outcomes
    })
  }

  async noteHolders(jids: readonly string[]): Promise<void> {
    // Everybody in the same order, so that nobody waits for somebody who waits.
    await this.#database.query('INSERT INTO xmppki_holder SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING', [
      [...jids].sort(),
    ])
  }

  async isHolder(jid: string): Promise<boolean> {
    return (await this.#database.query('SELECT 1 FROM xmppki_holder WHERE jid = $1', [jid])).length > 0
  }

  keyForms(domain: string): Promise<readonly CountedForm[]> {
    return this.#forms.of(domain)
  }

  dummySecret(): Promise<Uint8Array> {
    this.#dummySecret ??= this.#readDummySecret().catch((error: unknown) => {
      this.#dummySecret = undefined
      throw error
    })
    return this.#dummySecret
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  async #readDummySecret(): Promise<Uint8Array> {
    const read = () => this.#database.query<{ secret: string }>('SELECT secret FROM xmppki_decoy')
    const [kept] = await read()
    if (kept !== undefined) return dummySecretOf(kept.secret)
    await this.#database.query('INSERT INTO xmppki_decoy VALUES (1, $1) ON CONFLICT DO NOTHING', [newDummySecret()])
    // Another server may have made it at the same moment.
    return dummySecretOf((await read())[0]?.secret ?? '')
  }
}

/** What is there. Until the transaction ends nobody makes accounts in these domains. */
async function lockedGround(query: Query, accounts: readonly Account[]): Promise<ImportGround> {
  const domains = [...new Set(accounts.map(({ jid }) => domainOf(jid)))].sort()
  // Everybody in the same order, so that nobody waits for somebody who waits.
  for (const domain of domains) await lock(query, domain)
  const counts = await query<{ domain: string; count: string }>(
    'SELECT domain, count(*) FROM xmppki_account WHERE domain = ANY($1) GROUP BY domain',
    [domains],
  )
  const byDomain = new Map(counts.map(({ domain, count }) => [domain, Number(count)]))
  const taken = new Set<string>()
  for (const batch of batches(accounts, BATCH)) {
    const jids = batch.map(({ jid }) => jid)
    const found = await query<{ jid: string }>('SELECT jid FROM xmppki_account WHERE jid = ANY($1)', [jids])
    for (const { jid } of found) taken.add(jid)
  }
  return { exists: (jid) => taken.has(jid), count: (domain) => byDomain.get(domain) ?? 0 }
}

/** An account that has been deleted meanwhile is made anew: as if that had come first. */
async function put(query: Query, rows: readonly Account[]): Promise<void> {
  await query(
    `INSERT INTO xmppki_account (jid, domain, keys, created_at, changed_at)
     SELECT * FROM unnest($1::text[], $2::text[], $3::jsonb[], $4::bigint[], $5::bigint[])
     ON CONFLICT (jid) DO UPDATE SET keys = excluded.keys, changed_at = excluded.changed_at`,
    [
      rows.map(({ jid }) => jid),
      rows.map(({ jid }) => domainOf(jid)),
      rows.map(({ keys }) => JSON.stringify(keys)),
      rows.map(({ createdAt }) => createdAt),
      rows.map(({ changedAt }) => changedAt),
    ],
  )
}

function toAccount({ jid, keys, created_at, changed_at }: AccountRow): Account {
  return { jid, keys, createdAt: Number(created_at), changedAt: Number(changed_at) }
}
