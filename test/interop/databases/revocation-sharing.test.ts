import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { issuedCredentials } from '../../support/certificates/issued-credentials.ts'
import { type CliResult, runCli } from '../../support/processes/cli.ts'
import { type Listening, ServeProcess } from '../../support/processes/serve.ts'
import { RawClient } from '../../support/streams/xmpp-client.ts'
import { PostgresServer } from './postgres-server.ts'

let folder: string
let server: PostgresServer
/** Two machines: the workspace of one is a copy of that of the other, and each goes its way. */
let here: string
let there: string
let serving: ServeProcess[] = []
let clients: RawClient[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-sharing-'))
  server = await PostgresServer.start()
  await run('template', 'ca', 'init', '--no-passphrase')
  await run('template', 'server', 'issue', 'localhost')
  await run('template', 'client', 'issue', 'alice', 'bob', 'carol')
})
beforeEach(async () => {
  const id = mkdtempSync(join(folder, 'machines-'))
  here = join(id, 'here')
  there = join(id, 'there')
  const url = server.url(await server.createDatabase())
  for (const home of [here, there]) {
    cpSync(join(folder, 'template'), home, { recursive: true })
    writeFileSync(join(home, 'database.url'), `${url}\n`, { mode: 0o600 })
    writeFileSync(join(home, 'xmppki.toml'), '[store]\nurl_file = "database.url"\n')
  }
})
afterEach(async () => {
  for (const client of clients) client.destroy()
  clients = []
  await Promise.all(serving.map((one) => one.stop()))
  serving = []
})
afterAll(async () => {
  await server.remove()
  rmSync(folder, { recursive: true, force: true })
})

async function run(home: string, ...args: string[]): Promise<CliResult> {
  const result = await runCli([...args, '--home', join(folder, home)])
  expect(result.code, result.stderr).toBe(0)
  return result
}

const revoke = (home: string, ...args: string[]) => runCli(['client', 'revoke', ...args, '--home', home])

async function serve(home: string): Promise<Listening & { readonly process: ServeProcess }> {
  const process = new ServeProcess(['--home', home])
  serving.push(process)
  return { ...(await process.listening()), process }
}

const credentials = (user: string) => issuedCredentials(join(folder, 'template'), user)

async function online(port: number, user: string): Promise<RawClient> {
  const client = await RawClient.online({ port, credentials: credentials(user) })
  clients.push(client)
  return client
}

/** Whether EXTERNAL is offered to this user. */
async function isLetIn(port: number, user: string): Promise<boolean> {
  const client = await RawClient.direct({ port, credentials: credentials(user) })
  clients.push(client)
  return (await client.open()).includes('EXTERNAL')
}

const hasLogged = ({ stderr }: ServeProcess, message: string) => stderr.includes(message)

const ENDED = /<stream:error><not-authorized[^>]*\/><text[^>]*>certificate revoked/

describe('a certificate that is revoked on another machine', () => {
  it('ends its sessions here, told by the command alone', async () => {
    const { port, tlsPort } = await serve(here)
    const alice = await online(port, 'alice')
    const bob = await online(port, 'bob')
    const { code, stderr } = await revoke(there, 'alice')
    expect(code, stderr).toBe(0)
    await alice.receive(ENDED)
    expect(await isLetIn(tlsPort, 'alice')).toBe(false)
    expect(await isLetIn(tlsPort, 'bob')).toBe(true)
    expect(bob.isClosed).toBe(false)
  })

  it.each([
    ['client revoke', ['client', 'revoke', 'alice']],
    ['client renew', ['client', 'renew', 'alice', '--revoke-old']],
    ['client sign', ['client', 'sign', 'alice.csr', '--name', 'alice', '--renew', '--revoke-old']],
  ])('ends its sessions here, told by %s of a database that is named in the environment', async (_command, args) => {
    const { port } = await serve(here)
    const alice = await online(port, 'alice')
    const cwd = mkdtempSync(join(folder, 'requests-'))
    await runCli(['client', 'csr', 'alice', '--domain', 'localhost'], { cwd })
    writeFileSync(join(there, 'xmppki.toml'), '')
    const env = { XMPPKI_STORE_URL_FILE: join(there, 'database.url') }
    const { code, stderr } = await runCli([...args, '--home', there], { cwd, env })
    expect(code, stderr).toBe(0)
    await alice.receive(ENDED)
  })

  it('ends its sessions here, told by the server there when the command cannot', async () => {
    const { port } = await serve(here)
    const teller = await serve(there)
    const alice = await online(port, 'alice')
    const other = join(there, 'other.toml')
    writeFileSync(other, '')
    expect((await revoke(there, 'alice', '--config', other)).code).toBe(0)
    await alice.receive(ENDED)
    await teller.process.stop()
    expect(hasLogged(teller.process, 'revocations learned')).toBe(false)
  })

  it('stays revoked while the database is away, and what is revoked meanwhile is told when it is back', async () => {
    const first = await serve(here)
    await serve(there)
    await revoke(there, 'alice')
    await first.process.until(() => hasLogged(first.process, 'revocations learned from other machines'))
    await server.crash()
    await first.process.until(() => hasLogged(first.process, 'revocations cannot be shared for now'))
    await first.process.stop()
    const second = await serve(here)
    expect(await isLetIn(second.tlsPort, 'alice')).toBe(false)
    const bob = await online(second.port, 'bob')
    const told = await revoke(there, 'bob')
    expect(told.code).toBe(9)
    expect(told.stderr).toMatch(/servers on other machines have not been told: .*cannot be reached/)
    expect(bob.isClosed).toBe(false)
    await server.start()
    await second.process.until(() => hasLogged(second.process, 'revocations learned from other machines'))
    await bob.receive(ENDED)
    expect(await isLetIn(second.tlsPort, 'carol')).toBe(true)
    await second.process.until(() => hasLogged(second.process, 'revocations are shared again'))
    const logs = serving.map(({ stderr }) => stderr).join('')
    expect(logs).not.toContain('w%C3%B6rd')
    expect(logs).not.toContain('wörd')
  })

  it('is told to a machine that comes later', async () => {
    await revoke(there, 'alice')
    const { tlsPort } = await serve(here)
    expect(await isLetIn(tlsPort, 'alice')).toBe(false)
    expect(await isLetIn(tlsPort, 'bob')).toBe(true)
  })
})
