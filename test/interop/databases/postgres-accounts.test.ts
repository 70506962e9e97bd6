import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAccounts } from '../../../src/store/open/open-accounts.ts'
import { reachDatabase } from '../../../src/store/open/reach-database.ts'
import { account, describeAccounts } from '../../store/accounts-contract.ts'
import { OpensslCa } from '../../support/certificates/certificates.ts'
import { PostgresServer } from './postgres-server.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await PostgresServer.start()
})
afterAll(() => server.remove())

const open = (url: string) => openAccounts({ url, path: '/nonexistent/accounts.db' })
const ALICE = 'alice@example.org'

describeAccounts('postgres', async () => open(server.url(await server.emptyDatabase())))

describe('PostgresAccounts', () => {
  it('shares accounts with others, and keeps them', async () => {
    const url = server.url(await server.createDatabase())
    const [first, second] = [await open(url), await open(url)]
    await first.create(account(ALICE), {})
    expect(await second.find(ALICE)).toStrictEqual(account(ALICE))
    const [secret, same] = await Promise.all([first.dummySecret(), second.dummySecret()])
    expect(same).toEqual(secret)
    await first.close()
    await second.close()
    const third = await open(url)
    expect(await third.list()).toStrictEqual([account(ALICE)])
    expect(await third.dummySecret()).toEqual(secret)
    await third.close()
  })

  it('keeps to the limit over several connections', async () => {
    const url = server.url(await server.createDatabase())
    const all = [await open(url), await open(url), await open(url)]
    const creations = all.flatMap((accounts, index) =>
      Array.from({ length: 6 }, (_, number) =>
        accounts.create(account(`${index}-${number}@example.org`), { perDomain: 5 }),
      ),
    )
    const outcomes = await Promise.all(creations)
    expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(5)
    expect(await all[0]?.list()).toHaveLength(5)
    for (const accounts of all) await accounts.close()
  })

  it('can be reached without being changed', async () => {
    const database = await server.createDatabase()
    await reachDatabase(server.url(database))
    expect(await server.sql(database, `SELECT relname FROM pg_class WHERE relname LIKE 'xmppki%'`)).toEqual([])
    const wrong = server.url(database, { password: 'sesame' })
    await expect(reachDatabase(wrong)).rejects.toMatchObject({ message: expect.not.stringContaining('sesame') })
  })

  it('leaves tables of others alone, and makes its own with its prefix', async () => {
    const database = await server.createDatabase()
    await server.sql(database, 'CREATE TABLE account (id integer); INSERT INTO account VALUES (7)')
    const accounts = await open(server.url(database))
    await accounts.close()
    const tables = await server.sql<{ name: string }>(
      database,
      `SELECT relname AS name FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public' ORDER BY 1`,
    )
    expect(tables.filter(({ name }) => !name.startsWith('xmppki_'))).toEqual([{ name: 'account' }])
    expect(await server.sql(database, 'SELECT id FROM account')).toEqual([{ id: 7 }])
  })

  it('can be reached by the socket', async () => {
    const accounts = await open(server.socketUrl)
    expect(await accounts.list()).toEqual([])
    await accounts.close()
  })

  it('refuses a database that a newer version has written', async () => {
    const database = await server.createDatabase()
    await (await open(server.url(database))).close()
    await server.sql(database, 'INSERT INTO xmppki_migration VALUES (999, now())')
    const message = `the database ${database} at 127.0.0.1 was written by a newer xmppki`
    await expect(open(server.url(database))).rejects.toMatchObject({ code: 'CORRUPT', message })
  })

  it('migrates once when many begin at the same time', async () => {
    const url = server.url(await server.createDatabase())
    const all = await Promise.all(Array.from({ length: 6 }, () => open(url)))
    await all[0]?.create(account(ALICE), {})
    for (const accounts of all) {
      expect(await accounts.find(ALICE)).toStrictEqual(account(ALICE))
      await accounts.close()
    }
  })

  describe('says what is wrong, without the password', () => {
    const failure = async (url: string): Promise<string> => {
      try {
        await open(url)
      } catch (error) {
        const { code, message, hint, stack } = error as Error & { code: string; hint: string }
        const cause = String((error as Error).cause)
        expect(`${message}${hint}${stack}${cause}`).not.toContain('sesame')
        return `${code}: ${message}; ${hint}`
      }
      throw new Error('it was opened')
    }

    it('a wrong password', async () => {
      const text = await failure(server.url('postgres', { password: 'sesame' }))
      expect(text).toMatch(
        /^IO: the database postgres at 127.0.0.1 refuses: password authentication failed .*check user/,
      )
    })

    it('no such database', async () => {
      const text = await failure(server.url('nowhere', { user: 'postgres' }))
      expect(text).toMatch(/^IO: .*"nowhere" does not exist; create the database/)
    })

    it('a user who may not make tables', async () => {
      const [mine, other] = [await server.createDatabase(), await server.createDatabase()]
      expect(await failure(server.url(mine, { user: other }))).toMatch(/^IO: .*permission denied.*GRANT CREATE/)
    })

    it('no server', async () => {
      const text = await failure('postgres://u:sesame@127.0.0.1:1/d')
      expect(text).toMatch(/^UNAVAILABLE: the database d at 127.0.0.1 cannot be reached: connect ECONNREFUSED/)
    })

    it('no TLS, though it is demanded', async () => {
      const text = await failure(`${server.url('postgres')}?sslmode=verify-full`)
      expect(text).toMatch(/^UNAVAILABLE: .*does not support SSL.*turn TLS on/)
    })
  })
})

describe('TLS to a PostgreSQL server', () => {
  const ca = new OpensslCa('CA of the database')
  let secured: PostgresServer
  let caFile: string
  beforeAll(async () => {
    const { key, cert } = ca.issue({ subject: '/CN=localhost', dnsNames: ['localhost'] })
    const settings = ['ssl=on', 'ssl_cert_file=../server.crt', 'ssl_key_file=../server.key']
    secured = await PostgresServer.start({ settings, files: { 'server.crt': cert, 'server.key': key } })
    caFile = join(secured.folder, 'ca.crt')
    writeFileSync(caFile, ca.credentials.cert)
  })
  afterAll(async () => {
    await secured.remove()
    ca.remove()
  })

  const url = (host: string, more: string) =>
    `${secured.url('postgres', { user: 'postgres', host })}?sslmode=verify-full${more}`

  it('lets in the one that proves its name, and encrypts', async () => {
    const accounts = await open(url('localhost', `&sslrootcert=${caFile}`))
    const text = `SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'xmppki'`
    expect(await secured.sql('postgres', text)).toEqual([{ ssl: true }])
    await accounts.close()
  })

  it.each([
    ['of a CA that nobody trusts', 'localhost', () => '', /self-signed certificate|unable to verify/],
    ['with another name', '127.0.0.1', () => `&sslrootcert=${caFile}`, /does not match certificate's altnames/],
  ])('refuses one %s', async (_, host, more, reason) => {
    const message = expect.stringMatching(reason)
    const hint = expect.stringContaining('sslrootcert=FILE')
    await expect(open(url(host, more()))).rejects.toMatchObject({ code: 'UNAVAILABLE', message, hint })
  })

  it('says when the file with the CA cannot be read', async () => {
    const missing = join(secured.folder, 'missing.crt')
    const message = `cannot read ${missing}, the sslrootcert of the database: ENOENT`
    await expect(open(url('localhost', `&sslrootcert=${missing}`))).rejects.toMatchObject({ code: 'IO', message })
  })
})
