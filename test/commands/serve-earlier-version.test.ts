import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Credentials } from '../support/certificates/certificates.ts'
import {
  ACCOUNTS,
  CLIENTS,
  EarlierWorkspace,
  ENROLLED,
  IMPORTED_CLIENTS,
  PASSPHRASES,
} from '../support/documents/earlier-version.ts'
import { type Listening, ServeProcess } from '../support/processes/serve.ts'
import { attemptPassword } from '../support/streams/scram-client.ts'
import { external, RawClient } from '../support/streams/xmpp-client.ts'

const DOMAIN = 'example.org'

let open: { destroy(): void }[] = []
afterEach(() => {
  for (const one of open) one.destroy()
  open = []
})

type Ports = Pick<Listening, 'port' | 'tlsPort'>
const WAYS = [
  ['STARTTLS, TLS 1.2', ({ port }: Ports) => ({ port, starttls: true, tls: { maxVersion: 'TLSv1.2' } })],
  ['STARTTLS, TLS 1.3', ({ port }: Ports) => ({ port, starttls: true, tls: { minVersion: 'TLSv1.3' } })],
  ['direct TLS', ({ tlsPort }: Ports) => ({ port: tlsPort, starttls: false, tls: {} })],
] as const
type Way = (typeof WAYS)[number][1]

/** The account that a certificate logs in to, or `refused`. */
async function login(ports: Ports, way: Way, credentials: Credentials, domain = DOMAIN): Promise<string> {
  const { port, tls, starttls } = way(ports)
  const options = { port, domain, credentials, tls }
  const client = await (starttls ? RawClient.plain(options) : RawClient.direct(options))
  open.push(client)
  if (starttls) {
    await client.open()
    await client.startTls()
  }
  if (!(await client.open()).includes('<mechanism>EXTERNAL</mechanism>')) return 'refused'
  client.send(external())
  if (!(await client.receive(/<(?:success|failure)/)).includes('success')) return 'refused'
  await client.open()
  return (await client.bind()).replace(/\/.*/, '')
}

describe.each(WAYS)('a workspace of version 0.1, served with its configuration: %s', (_, way) => {
  let workspace: EarlierWorkspace
  let serving: ServeProcess
  let ports: Listening
  beforeAll(async () => {
    workspace = EarlierWorkspace.whole('workspace')
    serving = new ServeProcess(['--home', workspace.home], PASSPHRASES)
    ports = await serving.listening()
  })
  afterAll(async () => {
    await serving.stop()
    workspace.remove()
  })

  const withFiles = CLIENTS.filter(({ folder }) => folder !== undefined)

  it.each(withFiles.map((client) => [line(client), client] as const))('%s', async (_name, client) => {
    const logsIn = client.state === 'valid' || client.state === 'superseded'
    const credentials = workspace.credentials(workspace.pathOf(client) ?? '')
    expect(await login(ports, way, credentials)).toBe(logsIn ? `${client.user}@${DOMAIN}` : 'refused')
  })

  it.each(ENROLLED)('the enrolled certificate $name: $logsIn', async ({ name, account, logsIn }) => {
    expect(await login(ports, way, workspace.credentials(`enrolled/${name}`))).toBe(logsIn ? account : 'refused')
  })

  it('those of another CA, as its list has it', async () => {
    const of = (user: string) => workspace.credentials(`partner/${user}`, `partner/private/${user}`)
    expect(await login(ports, way, of('rosaline'))).toBe('rosaline@example.org')
    expect(await login(ports, way, of('petruchio'))).toBe('refused')
  })

  it.each(ACCOUNTS)('$user with the password', async ({ user, password, mechanisms }) => {
    for (const mechanism of mechanisms) {
      const client = await RawClient.secured({ port: ports.port, domain: DOMAIN })
      open.push(client)
      expect(await attemptPassword(client, { mechanism, username: user, password })).toBe('success')
    }
  })

  it.each([
    ['anna', 'open sesame'],
    ['peter', 'forgotten'],
    ['gregory', ''],
    ['chorus', 'gone'],
  ])('not %s with another one', async (user, password) => {
    const client = await RawClient.secured({ port: ports.port, domain: DOMAIN })
    open.push(client)
    const mechanism = 'SCRAM-SHA-1'
    expect(await attemptPassword(client, { mechanism, username: user, password })).toBe('not-authorized')
  })
})

function line({ user, device, state }: (typeof CLIENTS)[number]): string {
  return `${user}${device === '' ? '' : ` (${device})`}: ${state}`
}

describe.each(WAYS.slice(0, 2))('a CA that came from openssl, served: %s', (_, way) => {
  let workspace: EarlierWorkspace
  let serving: ServeProcess
  let ports: Listening
  beforeAll(async () => {
    workspace = EarlierWorkspace.whole('imported')
    serving = new ServeProcess(['--home', workspace.home])
    ports = await serving.listening()
  })
  afterAll(async () => {
    await serving.stop()
    workspace.remove()
  })

  it.each(IMPORTED_CLIENTS.filter(({ path }) => path !== undefined))('$user, $state', async ({ user, state, path }) => {
    const logsIn = state === 'valid' || state === 'superseded'
    const account = `${user}@example.net`
    expect(await login(ports, way, workspace.credentials(path ?? ''), 'example.net')).toBe(logsIn ? account : 'refused')
  })
})

describe('what version 0.1 has learned from another machine', () => {
  it('holds while the database is away', async () => {
    const workspace = EarlierWorkspace.whole('workspace')
    // Nobody listens on this port.
    writeFileSync(join(workspace.home, 'database.url'), 'postgres://xmppki@127.0.0.1:1/xmppki\n', { mode: 0o600 })
    const serving = new ServeProcess(['--home', workspace.home, '--config', join(workspace.home, 'shared.toml')])
    try {
      const ports = await serving.listening()
      const of = (user: string) => workspace.credentials(`clients/example.org/${user}/${user}`)
      expect(await login(ports, WAYS[1][1], of('montague'))).toBe('refused')
      expect(await login(ports, WAYS[1][1], of('balthasar'))).toBe('balthasar@example.org')
    } finally {
      await serving.stop()
      workspace.remove()
    }
  })
})
