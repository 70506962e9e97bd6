import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PostgresDatabase } from '../../../src/store/postgres/database.ts'
import { PostgresRevocations } from '../../../src/store/postgres/revocations.ts'
import type { SharedRevocation } from '../../../src/store/revocations.ts'
import { idOf } from '../../store/ledger-contract.ts'
import { PostgresServer } from './postgres-server.ts'

/** The schema of the version that told no CAs apart, as it makes it. */
const OLD_SCHEMA = `
  CREATE TABLE xmppki_migration (version integer PRIMARY KEY, applied_at timestamptz NOT NULL);
  CREATE TABLE xmppki_account (jid text COLLATE "C" PRIMARY KEY, domain text COLLATE "C" NOT NULL, keys jsonb NOT NULL,
    created_at bigint NOT NULL, changed_at bigint NOT NULL);
  CREATE INDEX xmppki_account_domain ON xmppki_account (domain);
  CREATE TABLE xmppki_revocation (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, serial text NOT NULL,
    issuer text NOT NULL, revoked_at bigint NOT NULL, reason text NOT NULL, UNIQUE (serial, issuer));
  CREATE TABLE xmppki_decoy (id integer PRIMARY KEY CHECK (id = 1), secret text NOT NULL);
  INSERT INTO xmppki_migration VALUES (1, now()), (2, now()), (3, now());`

let server: PostgresServer
let name: string
beforeAll(async () => {
  server = await PostgresServer.start()
})
afterAll(() => server.remove())
beforeEach(async () => {
  name = await server.createDatabase()
})

/** What that version sends. */
const asOldServer = {
  publish: (serial: string, issuer: string) =>
    server.sql(
      name,
      `INSERT INTO xmppki_revocation (serial, issuer, revoked_at, reason)
       SELECT * FROM unnest('{${serial}}'::text[], '{${issuer}}'::text[], '{5000}'::bigint[], '{superseded}'::text[])
       ON CONFLICT DO NOTHING`,
    ),
  fetch: async () => {
    const rows = await server.sql<{ serial: string; issuer: string }>(
      name,
      'SELECT * FROM xmppki_revocation WHERE number > 0 ORDER BY number LIMIT 1000',
    )
    return rows.map(({ serial, issuer }) => `${serial} of ${issuer}`)
  },
  version: async () => {
    const rows = await server.sql<{ version: number }>(name, 'SELECT max(version) AS version FROM xmppki_migration')
    return rows[0]?.version
  },
}

async function withFeed<T>(work: (feed: PostgresRevocations) => Promise<T>): Promise<T> {
  const feed = new PostgresRevocations(new PostgresDatabase(server.url(name)))
  try {
    return await work(feed)
  } finally {
    await feed.close()
  }
}

const revoked = (serial: string, given: Partial<SharedRevocation> = {}): SharedRevocation => {
  return { ...idOf(serial), revokedAt: 5_000, reason: 'superseded', ...given }
}
const idsOf = (rows: readonly SharedRevocation[]) =>
  rows.map(({ serial, issuer, authority }) => `${serial} of ${issuer}: ${authority || '?'}`)

async function makeOldSchema(): Promise<void> {
  // As the user whom the tables belong to.
  await server.sql(name, `SET ROLE ${name}; ${OLD_SCHEMA}`)
}

describe('servers that are upgraded one by one', () => {
  it('use one database: what either puts there the other takes for what it is', async () => {
    await makeOldSchema()
    await asOldServer.publish('a1', 'ca')
    await withFeed(async (feed) => {
      expect(idsOf(await feed.fetch(0))).toEqual(['a1 of ca: ?'])
      await feed.publish([revoked('b2')])
      await asOldServer.publish('c3', 'ca')
      expect(idsOf(await feed.fetch(1))).toEqual(['b2 of ca: CA', 'c3 of ca: ?'])
    })
    expect(await asOldServer.fetch()).toEqual(['a1 of ca', 'b2 of ca', 'c3 of ca'])
    // An earlier version refuses a higher one.
    expect(await asOldServer.version()).toBe(3)
  })

  it('put nothing there twice', async () => {
    await makeOldSchema()
    await asOldServer.publish('a1', 'ca')
    await withFeed(async (feed) => {
      await feed.publish([revoked('a1')])
      await feed.publish([revoked('a1'), revoked('a1', { authority: 'Partner' })])
      await asOldServer.publish('a1', 'ca')
      await feed.publish([revoked('a1', { authority: '' })])
      expect(idsOf(await feed.fetch(0))).toEqual(['a1 of ca: ?', 'a1 of ca: CA', 'a1 of ca: Partner'])
    })
  })

  it('may all begin at once', async () => {
    await makeOldSchema()
    const feeds = Array.from({ length: 4 }, () => new PostgresRevocations(new PostgresDatabase(server.url(name))))
    await Promise.all(feeds.map((feed, index) => feed.publish([revoked(`0${index}`)])))
    expect(await feeds[0]?.fetch(0)).toHaveLength(4)
    await Promise.all(feeds.map((feed) => feed.close()))
  })

  it('find an addition that was made and not noted, as after a restore of some tables', async () => {
    await makeOldSchema()
    await withFeed((feed) => feed.publish([revoked('a1')]))
    await server.sql(name, 'DROP TABLE xmppki_addition')
    expect(await withFeed(async (feed) => idsOf(await feed.fetch(0)))).toEqual(['a1 of ca: CA'])
  })

  it('make the same tables in an empty database', async () => {
    await withFeed((feed) => feed.publish([revoked('a1'), revoked('a1', { authority: 'Partner' })]))
    await asOldServer.publish('a1', 'ca')
    expect(await asOldServer.fetch()).toEqual(['a1 of ca', 'a1 of ca', 'a1 of ca'])
    expect(await asOldServer.version()).toBe(3)
  })
})
