import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deriveKeys } from '../../../../src/xmpp/sasl/scram-credentials.ts'
import { homeWithCa } from '../../../commands/client/workspace-checks.ts'
import { PostgresServer } from '../../../interop/databases/postgres-server.ts'
import { ALL_HASHES, expectLogins, expectPasswords, PASSWORD } from '../../../interop/servers/imported-accounts.ts'
import { makeEjabberdAccounts } from '../../../interop/servers/peer-accounts.ts'
import type { CliHome } from '../../../support/processes/cli.ts'
import { postgresPrograms } from '../../../support/processes/postgres-programs.mjs'

describe('accounts that ejabberd has made', () => {
  const accounts = [
    { user: 'romeo', host: 'localhost', password: PASSWORD, hashes: 'sha-1' },
    { user: 'jпр', host: 'localhost', password: 'пароль', hashes: 'sha-1' },
    { user: 'romeo', host: 'b.example', password: PASSWORD, hashes: 'sha-512' },
    { user: 'romeo', host: 'c.example', password: PASSWORD, hashes: ALL_HASHES },
  ]
  let cli: CliHome
  let files: ReturnType<typeof makeEjabberdAccounts>
  beforeAll(async () => {
    cli = await homeWithCa()
    const formats = {
      localhost: ['auth_password_format: scram'],
      'b.example': ['auth_password_format: scram', 'auth_scram_hash: sha512'],
      'c.example': ['auth_password_format: plain'],
    }
    files = makeEjabberdAccounts(cli.path('ejabberd'), formats, accounts)
  })
  afterAll(() => cli.remove())

  it('keep their passwords, log in with them, and stand in each kind of dump', async () => {
    const first = await cli.run(['user', 'import', files.table])
    expect(first.stdout).toMatch(/^4 accounts: 4 created, /)
    await expectPasswords(cli, accounts)
    const second = await cli.run(['user', 'import', files.dump, '--if-missing'])
    expect(second.stdout).toMatch(/^4 accounts: 0 created, 4 already there, /)
    await expectLogins(cli, accounts)
  })
})

describe('accounts in the PostgreSQL of MongooseIM', () => {
  let cli: CliHome
  let server: PostgresServer
  beforeAll(async () => {
    cli = await homeWithCa()
    server = await PostgresServer.start()
  })
  afterAll(async () => {
    await server.remove()
    cli.remove()
  })

  it('keep their passwords, as pg_dump and psql write them', async () => {
    const database = await server.createDatabase()
    const keys = await deriveKeys(PASSWORD, { hashes: ['sha-1', 'sha-256', 'sha-512'], iterations: 4096 })
    const parts = Object.entries(keys).map(([hash, { salt, storedKey, serverKey }]) => {
      const name = hash === 'sha-1' ? '===SHA1===' : `==${hash.toUpperCase().replace('-', '')}==`
      return `${name}${salt}|${storedKey}|${serverKey}`
    })
    const one = keys['sha-1']
    const single = `==SCRAM==,${one?.storedKey},${one?.serverKey},${one?.salt},4096`
    // As priv/pg.sql of MongooseIM 6 has it.
    await server.sql(
      database,
      `CREATE TABLE users (username varchar(250), server varchar(250), "password" text NOT NULL, pass_details text,
         created_at TIMESTAMP NOT NULL DEFAULT now(), PRIMARY KEY (server, username));
       INSERT INTO users VALUES ('single', 'localhost', '', '${single}'),
         ('multi', 'localhost', '', '==MULTI_SCRAM==,4096,${parts.join(',')}'), ('plain', 'localhost', 'a\tb\\c', NULL)`,
    )
    const expected = [
      { user: 'single', host: 'localhost', password: PASSWORD, hashes: 'sha-1' },
      { user: 'multi', host: 'localhost', password: PASSWORD, hashes: ALL_HASHES },
    ]
    const url = server.url(database, { user: 'postgres' })
    const run = (name: string, ...args: string[]) =>
      execFileSync(join(postgresPrograms() ?? '', name), [...args, url], { encoding: 'utf8', timeout: 100_000 })
    const dumped = await cli.run(['user', 'import', '-'], { stdin: run('pg_dump', '--data-only', '--table', 'users') })
    // A tabulator is not a character of a password (RFC 4013 §2.3).
    expect(dumped.stdout).toMatch(/^3 accounts: 2 created, 1 failed/)
    await expectPasswords(cli, expected)
    const copied = run('psql', '--quiet', '--command', 'COPY users TO STDOUT WITH CSV HEADER', '--dbname')
    const again = await cli.run(['user', 'import', '-', '--replace'], { stdin: copied })
    expect(again.stdout).toMatch(/^3 accounts: 0 created, 2 replaced, 1 failed/)
    await expectPasswords(cli, expected)
  })

  it('can be kept in another PostgreSQL, by all the commands', async () => {
    const database = await server.createDatabase()
    writeFileSync(cli.path('url'), `${server.url(database)}\n`, { mode: 0o600 })
    writeFileSync(join(cli.home, 'xmppki.toml'), '[auth]\nmethods = ["rdbms"]\n')
    const run = (...args: string[]) => cli.run(['user', ...args, '--store-url-file', 'url'], { stdin: 'secret\n' })
    mkdirSync(cli.path('x.example', 'accounts'), { recursive: true })
    writeFileSync(cli.path('x.example', 'accounts', 'juliet.dat'), 'return { ["password"] = "secret" }')
    expect(await run('add', 'romeo', '--password-file', '-')).toMatchObject({ code: 0, stderr: '' })
    expect(await run('add', 'romeo', '--generate')).toMatchObject({ code: 3 })
    expect(await run('import', 'x.example')).toMatchObject({ code: 0 })
    expect(await run('passwd', 'romeo', '--no-password')).toMatchObject({ code: 0 })
    expect(await run('delete', 'romeo')).toMatchObject({ code: 0 })
    const { stdout } = await run('list', '--json')
    expect(JSON.parse(stdout).accounts).toMatchObject([{ jid: 'juliet@x.example' }])
    await server.stop()
    const away = await run('list')
    expect(away.code).toBe(11)
    expect(away.stdout + away.stderr).not.toContain(server.url(database).split(':')[2]?.split('@')[0])
  })
})
