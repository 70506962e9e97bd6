import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { SqliteAccounts } from '../../src/store/sqlite/accounts.ts'
import { deriveKeys } from '../../src/xmpp/sasl/scram-credentials.ts'
import { SCRAM_HASHES } from '../../src/xmpp/sasl/scram-keys.ts'
import { CliHome } from '../support/processes/cli.ts'
import { replaceFile } from '../support/processes/replace-file.ts'
import { ServeProcess } from '../support/processes/serve.ts'
import { attemptPassword } from '../support/streams/scram-client.ts'
import { external, RawClient } from '../support/streams/xmpp-client.ts'

const home = new CliHome()
const GUIDE = new URL('../config/mongooseim/fixtures/guide-certificate-or-password.cfg', import.meta.url)

async function addAccount(jid: string): Promise<void> {
  const accounts = new SqliteAccounts(join(home.home, 'accounts.db'))
  const keys = await deriveKeys('open sesame', { hashes: SCRAM_HASHES, iterations: 4096 })
  await accounts.create({ jid, keys, createdAt: 1, changedAt: 1 }, {})
  await accounts.close()
}

beforeAll(async () => {
  await home.run(['ca', 'init', '--no-passphrase', '--domain', 'localhost'])
  await home.run(['client', 'issue', 'carol'])
  await addAccount('alice@localhost')
})
afterAll(() => home.remove())

let serve: ServeProcess | undefined
afterEach(async () => {
  await serve?.stop()
})

function credentials() {
  const file = (name: string) => readFileSync(join(home.home, 'clients', 'localhost', 'carol', name), 'utf8')
  return { key: file('carol.key'), cert: file('carol.crt') }
}

/** A server with this configuration, and the port of its only listener. */
async function start(toml: string): Promise<number> {
  writeFileSync(home.path('xmppki.toml'), toml)
  const args = ['--home', home.home, '--config', home.path('xmppki.toml'), '--host', '127.0.0.1']
  serve = new ServeProcess(args)
  return (await serve.listening()).port
}

/** What a login of alice is told, on a connection of its own. */
async function passwordAt(port: number, mechanism = 'SCRAM-SHA-256-PLUS', username = 'alice'): Promise<string> {
  const client = await RawClient.secured({ port })
  const told = await attemptPassword(client, { mechanism, username })
  client.destroy()
  return told
}

const LISTENER = '[[listen.c2s]]\nport = 0\n'

describe('the second example of the guide: a certificate or a password', () => {
  it('lets in whoever has one of the two', async () => {
    const text = readFileSync(GUIDE, 'utf8').replace('/path/to/ca.pem', join(home.home, 'ca', 'root.crt'))
    writeFileSync(home.path('mongooseim.cfg'), text)
    const { code, stdout } = await home.run(['config', 'import', home.path('mongooseim.cfg')])
    expect(code).toBe(0)
    const port = await start(stdout.replace('port = 5222', 'port = 0'))
    expect(await passwordAt(port)).toBe('success')
    expect(await passwordAt(port, 'SCRAM-SHA-1')).toBe('success')
    expect(await passwordAt(port, 'PLAIN')).toBe('invalid-mechanism')
    // Nobody has made an account for carol.
    const client = await RawClient.online({ port, credentials: credentials() })
    // While the server runs another process makes an account.
    expect(await passwordAt(port, 'SCRAM-SHA-512', 'late')).toBe('not-authorized')
    await addAccount('late@localhost')
    expect(await passwordAt(port, 'SCRAM-SHA-512', 'late')).toBe('success')
    const { stdout: listed } = await home.run(['session', 'list', '--json'])
    expect(JSON.parse(listed).sessions).toMatchObject([{ mechanism: 'EXTERNAL' }])
    client.destroy()
  })
})

describe('serve', () => {
  it('lists a session that has logged in with a password, without a serial number', async () => {
    const port = await start(`${LISTENER}[auth]\nmethods = ["odbc"]\n`)
    const client = await RawClient.secured({ port, credentials: credentials() })
    expect(await attemptPassword(client, { mechanism: 'SCRAM-SHA-256' })).toBe('success')
    await client.open()
    await client.bind('desk')
    const { stdout } = await home.run(['session', 'list', '--json'])
    expect(JSON.parse(stdout).sessions).toMatchObject([
      { jid: 'alice@localhost/desk', mechanism: 'SCRAM-SHA-256', serial: null },
    ])
    expect((await home.run(['session', 'list'])).stdout).toMatch(/SCRAM-SHA-256 +- /)
    await home.run(['session', 'kill', 'alice@localhost/desk'])
    expect(await client.ended()).toContain('<policy-violation')
  })

  it('needs an account for a certificate where that is required', async () => {
    const port = await start(`${LISTENER}[auth]\nmethods = ["rdbms", "pki"]\npki.require_account = true\n`)
    const refused = await RawClient.secured({ port, credentials: credentials() })
    refused.send(external())
    await refused.receive(/<failure[^>]*><not-authorized\/>/)
    refused.destroy()
    await addAccount('carol@localhost')
    const client = await RawClient.online({ port, credentials: credentials() })
    client.destroy()
  })

  it('takes up passwords at a reload, and gives them up', async () => {
    const port = await start(LISTENER)
    expect(await passwordAt(port)).toBe('invalid-mechanism')
    const reload = async (toml: string) => {
      const count = () => serve?.logLines.filter(({ msg }) => msg === 'reloaded').length ?? 0
      const before = count()
      replaceFile(home.path('xmppki.toml'), toml)
      await serve?.until(() => count() > before)
    }
    await reload(`${LISTENER}[auth]\nmethods = ["rdbms", "pki"]\n`)
    expect(await passwordAt(port)).toBe('success')
    const client = await RawClient.secured({ port })
    await attemptPassword(client, { mechanism: 'SCRAM-SHA-256' })
    await client.open()
    await client.bind()
    await reload(LISTENER)
    expect(await client.ended()).toContain('<reset')
    expect(await passwordAt(port)).toBe('invalid-mechanism')
  })

  it('starts without its database, and says so at every login', async () => {
    const url = 'postgres://xmppki@127.0.0.1:1/xmppki?sslmode=disable'
    const port = await start(`${LISTENER}[store]\nurl = "${url}"\n[auth]\nmethods = ["rdbms", "pki"]\n`)
    expect(await passwordAt(port)).toBe('temporary-auth-failure')
    const client = await RawClient.online({ port, credentials: credentials() })
    client.destroy()
    await serve?.logged({ msg: 'the accounts cannot be read' })
  })

  it('registers accounts where it is told to', async () => {
    const port = await start(
      `${LISTENER}[auth]\nmethods = ["rdbms"]\nregistration = true\nmax_users_per_domain = 100\n`,
    )
    const client = await RawClient.secured({ port })
    client.send(
      "<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>dave</username><password>open sesame</password></query></iq>",
    )
    await client.receive(/<iq [^>]*type="result"[^>]*\/>/)
    expect(await attemptPassword(client, { mechanism: 'SCRAM-SHA-256-PLUS', username: 'dave' })).toBe('success')
    client.destroy()
  })
})
