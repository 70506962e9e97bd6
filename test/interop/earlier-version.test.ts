import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type CliResult, runCli } from '../support/cli.ts'
import { ACCOUNTS, EarlierWorkspace, PASSPHRASES, restoreDatabase } from '../support/earlier-version.ts'
import { attemptPassword } from '../support/scram-client.ts'
import { ServeProcess } from '../support/serve.ts'
import { RawClient } from '../support/xmpp-client.ts'
import { PostgresServer } from './postgres-server.ts'

const DOMAIN = 'example.org'

let server: PostgresServer
let database: string
let workspace: EarlierWorkspace
let config: string
let serving: ServeProcess | undefined
let clients: RawClient[] = []

beforeAll(async () => {
  server = await PostgresServer.start({ settings: ['fsync=off'] })
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
async function isLetIn(port: number, user: string): Promise<boolean> {
  const client = await RawClient.plain({ port, domain: DOMAIN, credentials: credentials(user) })
  clients.push(client)
  await client.open()
  await client.startTls()
  return (await client.open()).includes('<mechanism>EXTERNAL</mechanism>')
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
})
