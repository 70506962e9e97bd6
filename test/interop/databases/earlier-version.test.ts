import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import type { Credentials } from '../../support/certificates/certificates.ts'
import {
  ACCOUNTS,
  EarlierWorkspace,
  ENROLLED,
  PASSPHRASES,
  restoreDatabase,
} from '../../support/documents/earlier-version.ts'
import { DatabaseSync } from '../../support/documents/sqlite.ts'
import { type CliResult, runCli } from '../../support/processes/cli.ts'
import { ServeProcess } from '../../support/processes/serve.ts'
import { attemptPassword } from '../../support/streams/scram-client.ts'
import { RawClient } from '../../support/streams/xmpp-client.ts'
import { PostgresServer } from './postgres-server.ts'

const DOMAIN = 'example.org'

let server: PostgresServer
let database: string
let workspace: EarlierWorkspace
let config: string
let serving: ServeProcess | undefined
let clients: RawClient[] = []

beforeAll(async () => {
  server = await PostgresServer.start()
})
afterAll(() => server.remove())

beforeEach(async () => {
  database = await server.createDatabase()
  await restoreDatabase(server.url(database))
  workspace = EarlierWorkspace.whole('workspace')
  config = join(workspace.home, 'shared.toml')
  writeFileSync(join(workspace.home, 'database.url'), `${server.url(database)}\n`, { mode: 0o600 })
})
afterEach(async () => {
  for (const client of clients) client.destroy()
  clients = []
  await serving?.stop()
  serving = undefined
  workspace.remove()
})

async function serve(): Promise<{ readonly port: number }> {
  serving = new ServeProcess(['--home', workspace.home, '--config', config])
  return serving.listening()
}

const credentials = (user: string) => workspace.credentials(`clients/${DOMAIN}/${user}/${user}`)

/** Whether EXTERNAL is offered to this user. */
const isLetIn = (port: number, user: string) => isOffered(port, credentials(user))

async function isOffered(port: number, own: Credentials): Promise<boolean> {
  const client = await RawClient.plain({ port, domain: DOMAIN, credentials: own })
  clients.push(client)
  await client.open()
  await client.startTls()
  return (await client.open()).includes('<mechanism>EXTERNAL</mechanism>')
}

/** What that version would look at before it opens the ledger, after it has been brought up to date once. */
function schemaOfLedger(): unknown {
  const ledger = new SqliteLedger(join(workspace.home, 'ledger.db'))
  ledger.close()
  const file = new DatabaseSync(join(workspace.home, 'ledger.db'))
  const schema = file.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all()
  const version = file.prepare('PRAGMA user_version').get()
  file.close()
  return { schema, version }
}

async function run(...args: string[]): Promise<CliResult> {
  const result = await runCli([...args, '--home', workspace.home, '--config', config], { env: PASSPHRASES })
  expect(result.code, result.stdout + result.stderr).toBe(0)
  return result
}

describe('a database of version 0.1', () => {
  it('still says what another machine has revoked, also where that was not learned yet', async () => {
    rmSync(join(workspace.home, 'revocations.db'))
    const { port } = await serve()
    expect(await isLetIn(port, 'montague')).toBe(false)
    expect(await isLetIn(port, 'balthasar')).toBe(true)
  })

  it('takes what is revoked now', async () => {
    const { port } = await serve()
    const options = { port, domain: DOMAIN, credentials: credentials('balthasar') }
    const balthasar = await RawClient.online(options)
    clients.push(balthasar)
    const other = EarlierWorkspace.whole('workspace')
    try {
      writeFileSync(join(other.home, 'database.url'), `${server.url(database)}\n`, { mode: 0o600 })
      const args = ['client', 'revoke', 'balthasar', '--home', other.home, '--config', join(other.home, 'shared.toml')]
      const { code, stderr } = await runCli(args, { env: PASSPHRASES })
      expect(code, stderr).toBe(0)
    } finally {
      other.remove()
    }
    expect(await balthasar.ended()).toContain('certificate revoked')
    expect(await isLetIn(port, 'balthasar')).toBe(false)
    expect(await isLetIn(port, 'montague')).toBe(false)
  })

  it('still has the accounts, with their passwords', async () => {
    const { port } = await serve()
    for (const { user, password, mechanisms } of ACCOUNTS) {
      for (const mechanism of mechanisms) {
        const client = await RawClient.secured({ port, domain: DOMAIN })
        clients.push(client)
        expect(await attemptPassword(client, { mechanism, username: user, password })).toBe('success')
      }
    }
  })

  it('still has the secret of dummies', async () => {
    const secret = () => server.sql(database, 'SELECT secret FROM xmppki_decoy')
    const before = await secret()
    expect(before).toHaveLength(1)
    const { port } = await serve()
    const stranger = await RawClient.secured({ port, domain: DOMAIN })
    clients.push(stranger)
    const attempt = { mechanism: 'SCRAM-SHA-256', username: 'nobody', password: 'x' }
    expect(await attemptPassword(stranger, attempt)).toBe('not-authorized')
    expect(await secret()).toEqual(before)
  })

  it('is gone on with: accounts are listed, added and removed', async () => {
    const password = join(workspace.folder, 'password')
    writeFileSync(password, 'another one\n', { mode: 0o600 })
    await run('user', 'add', 'friar', '--password-file', password)
    await run('user', 'passwd', 'clara', '--password-file', password)
    await run('user', 'delete', 'bruno')
    const { accounts } = JSON.parse((await run('user', 'list', '--json')).stdout)
    expect(accounts.map(({ jid }: { jid: string }) => jid.replace(/@.*/, '')).sort()).toEqual([
      'anna',
      'clara',
      'friar',
      'gregory',
      'peter',
      'samson',
    ])
  })

  it('takes over what was enrolled, once, and the ledger stays one of that version', async () => {
    writeFileSync(config, `${readFileSync(config, 'utf8')}certificate_enrolment = true\n`)
    const before = schemaOfLedger()
    const path = join(workspace.home, 'ledger.db')
    const inLedger = () => {
      const ledger = new SqliteLedger(path)
      const all = ledger.enrolments.all()
      ledger.close()
      return all
    }
    const moved = inLedger()
    expect(moved.length).toBeGreaterThan(0)
    const rows = () =>
      server.sql(database, 'SELECT number, account, label, state FROM xmppki_enrolment ORDER BY number')
    let told: unknown[] | undefined
    // The second one finds nothing to move.
    for (const _start of [1, 2]) {
      const { port } = await serve()
      for (const { name, logsIn } of ENROLLED) {
        const own = workspace.credentials(`enrolled/${name}`)
        expect([name, await isOffered(port, own)]).toEqual([name, logsIn])
      }
      await vi.waitFor(() => expect(inLedger()).toEqual([]), { timeout: 60_000 })
      await serving?.stop()
      told ??= await rows()
      expect(await rows()).toEqual(told)
    }
    const active = (told ?? []).filter((row) => (row as { state: string }).state === 'active')
    expect(active).toHaveLength(moved.length)
    expect(schemaOfLedger()).toEqual(before)
  })
})
