import { cpSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Credentials, OpensslCa } from '../support/certificates/certificates.ts'
import { issuedCredentials } from '../support/certificates/issued-credentials.ts'
import { runCli } from '../support/processes/cli.ts'
import { replaceFile } from '../support/processes/replace-file.ts'
import { type Listening, ServeProcess } from '../support/processes/serve.ts'
import { external, RawClient } from '../support/streams/xmpp-client.ts'

/** A second, and what a busy machine adds to it. */
const SOON_MS = 10_000

let template: string
let home: string
let serve: ServeProcess | undefined
let clients: RawClient[] = []

beforeAll(async () => {
  template = mkdtempSync(join(tmpdir(), 'xmppki-live-'))
  await runCli(['ca', 'init', '--no-passphrase', '--home', template])
  await runCli(['server', 'issue', 'localhost', '--home', template])
  await runCli(['client', 'issue', 'alice', 'bob', '--home', template])
})
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'xmppki-live-'))
  cpSync(template, home, { recursive: true })
})
afterEach(async () => {
  for (const client of clients) client.destroy()
  clients = []
  await serve?.stop()
  rmSync(home, { recursive: true, force: true })
})
afterAll(() => rmSync(template, { recursive: true, force: true }))

async function start(...args: string[]): Promise<Listening> {
  serve = new ServeProcess(['--home', home, ...args])
  return serve.listening()
}

const credentials = (user: string, workspace = home) => issuedCredentials(workspace, user)

async function online(port: number, who: Credentials): Promise<RawClient> {
  const client = await RawClient.online({ port, credentials: who })
  clients.push(client)
  return client
}

async function ping(client: RawClient): Promise<void> {
  client.send("<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>")
  await client.receive(/<iq [^>]*id="p1"[^>]*\/?>/)
}

/** Whether EXTERNAL is offered. */
async function isLetIn(tlsPort: number, who: Credentials): Promise<boolean> {
  const client = await RawClient.direct({ port: tlsPort, credentials: who })
  const features = await client.open()
  client.destroy()
  return features.includes('EXTERNAL')
}

async function fingerprintAt(port: number): Promise<string> {
  const client = await RawClient.direct({ port })
  const { fingerprint256 } = (client.socket as TLSSocket).getPeerCertificate()
  client.destroy()
  return fingerprint256
}

/** How often something stands in the log. */
function logged(message: string): number {
  return serve?.logLines.filter(({ msg }) => msg === message).length ?? 0
}

async function untilLogged(message: string, times = 1): Promise<void> {
  await serve?.until(() => logged(message) >= times)
}

function hangUp({ pid }: Listening): void {
  process.kill(pid, 'SIGHUP')
}

describe('serve, while clients are logged in', () => {
  it('ends within a second what another process has revoked, and nothing else', async () => {
    const { port } = await start()
    const victims = [await online(port, credentials('alice')), await online(port, credentials('alice'))]
    const other = await online(port, credentials('bob'))
    const ended = Promise.all(victims.map(async (client) => [await client.ended(), performance.now()] as const))
    const revoked = await runCli(['client', 'revoke', 'alice', '--home', home])
    const done = performance.now()
    expect(revoked.code).toBe(0)
    for (const [text, at] of await ended) {
      expect(text).toMatch(/<stream:error><not-authorized .*<\/stream:error><\/stream:stream>$/)
      expect(at - done).toBeLessThan(SOON_MS)
    }
    await ping(other)
    const again = await RawClient.secured({ port, credentials: credentials('alice') })
    clients.push(again)
    again.send(external())
    await again.receive(/<failure[^>]*><not-authorized/)
  })

  it('takes up a renewed server certificate by itself, and keeps the sessions', async () => {
    const { port, tlsPort } = await start()
    const session = await online(port, credentials('alice'))
    const old = await fingerprintAt(tlsPort)
    renameSync(join(home, 'server', 'localhost'), join(home, 'server', 'old'))
    expect((await runCli(['server', 'issue', 'localhost', '--home', home])).code).toBe(0)
    await untilLogged('reloaded')
    expect(await fingerprintAt(tlsPort)).not.toBe(old)
    await ping(session)
  })

  it('lets in clients of an issuing CA that has been made meanwhile', async () => {
    const { port, tlsPort } = await start()
    const session = await online(port, credentials('alice'))
    const made = await runCli(['ca', 'issuing', 'init', '--no-passphrase', '--home', home])
    expect(made).toMatchObject({ code: 0 })
    expect((await runCli(['client', 'issue', 'carol', '--home', home])).code).toBe(0)
    // It may have reloaded before the CA was in the ledger, and does so again.
    await vi.waitFor(async () => expect(await isLetIn(tlsPort, credentials('carol'))).toBe(true), { timeout: 60_000 })
    await ping(await online(port, credentials('carol')))
    await ping(session)
  })

  it('takes up the client CAs that a file names: who is not trusted any more leaves, and a bad file changes nothing', async () => {
    const [ours, theirs] = [new OpensslCa('First CA'), new OpensslCa('Second CA')]
    const request = { subject: '/CN=dave', xmppAddrs: ['dave@localhost'], extendedKeyUsage: 'clientAuth' }
    const [first, second] = [ours.issue(request), theirs.issue(request)]
    const file = join(home, 'others.pem')
    writeFileSync(file, ours.credentials.cert)
    const { port } = await start('--client-ca', file)
    const alice = await online(port, credentials('alice'))
    const dave = await online(port, first)

    writeFileSync(file, 'not a certificate')
    await untilLogged('reload failed; everything stays as it was')
    await ping(dave)
    await ping(await online(port, first))

    replaceFile(file, theirs.credentials.cert)
    expect(await dave.ended()).toMatch(/<stream:error><reset .*<\/stream:error><\/stream:stream>$/)
    await ping(await online(port, second))
    await ping(alice)
    ours.remove()
    theirs.remove()
  })

  it('ends who is on a new CRL of a foreign CA', async () => {
    const foreign = mkdtempSync(join(tmpdir(), 'xmppki-foreign-'))
    await runCli(['ca', 'init', '--no-passphrase', '--home', foreign])
    await runCli(['client', 'issue', 'dave', 'erin', '--home', foreign])
    await runCli(['ca', 'crl', '--home', foreign])
    const file = join(home, 'xmppki.toml')
    const [cacertfile, crl] = [join(foreign, 'ca', 'root.crt'), join(foreign, 'ca', 'root.crl')]
    const tls = `cacertfile = ["${cacertfile}"]\ncrl_files = ["${crl}"]\ncrl_mode = "hard"\n`
    writeFileSync(file, `[[listen.c2s]]\nport = 0\n[listen.c2s.tls]\n${tls}`)
    const { port } = await start()
    const dave = await online(port, credentials('dave', foreign))
    const erin = await online(port, credentials('erin', foreign))
    expect((await runCli(['client', 'revoke', 'dave', '--home', foreign])).code).toBe(0)
    expect(await dave.ended()).toMatch(/<stream:error><not-authorized .*<\/stream:error><\/stream:stream>$/)
    await ping(erin)
    rmSync(foreign, { recursive: true, force: true })
  })

  it('takes up another configuration on SIGHUP: listeners come and go, the rest stays; a bad one changes nothing', async () => {
    const file = join(home, 'xmppki.toml')
    const listener = (address: string, mode: string) =>
      `[[listen.c2s]]\nport = 0\nip_address = "${address}"\n[listen.c2s.tls]\nmode = "${mode}"\n`
    writeFileSync(file, listener('127.0.0.1', 'starttls_required') + listener('127.0.0.2', 'tls'))
    serve = new ServeProcess(['--home', home, '--config', file])
    const listening = await serve.listening()
    const session = await online(listening.port, credentials('alice'))

    replaceFile(file, `${listener('127.0.0.1', 'starttls_required')}nonsense = 1\n`)
    hangUp(listening)
    await untilLogged('reload failed; everything stays as it was')
    await ping(session)

    const http = '[listen.http]\nport = 0\n'
    replaceFile(file, `${listener('127.0.0.1', 'starttls_required')}${http}[general]\nloglevel = "debug"\n`)
    hangUp(listening)
    await untilLogged('reloaded')
    const status = JSON.parse((await runCli(['serve', 'status', '--json', '--home', home])).stdout)
    const published = status.listeners.find(({ mode }: { mode: string }) => mode === 'http')
    const answer = await fetch(`http://127.0.0.1:${published.port}/root.crt`)
    expect(answer.status).toBe(200)
    expect(Buffer.from(await answer.arrayBuffer()).length).toBeGreaterThan(100)
    const stranger = await RawClient.secured({ port: listening.port })
    clients.push(stranger)
    await untilLogged('EXTERNAL not offered: the client presented no certificate')
    const refused = await RawClient.plain({ port: listening.tlsPort, host: '127.0.0.2' }).catch((error) => error.code)
    expect(refused).toBe('ECONNREFUSED')
    await ping(session)
    await ping(await online(listening.port, credentials('bob')))
  })
})
