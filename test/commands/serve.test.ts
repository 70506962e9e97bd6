import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCrl } from '../../src/pki/revocation/crl-facts.ts'
import { signerId } from '../../src/workspace/base/authority.ts'
import { openWorkspace } from '../../src/workspace/base/workspace.ts'
import { publishCrls } from '../../src/workspace/ca/publish-crl.ts'
import { OpensslCa } from '../support/certificates/certificates.ts'
import { issuedCredentials } from '../support/certificates/issued-credentials.ts'
import { runCli } from '../support/processes/cli.ts'
import { ServeProcess } from '../support/processes/serve.ts'
import { external, RawClient } from '../support/streams/xmpp-client.ts'

let home: string
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'xmppki-serve-'))
  await runCli(['ca', 'init', '--no-passphrase', '--home', home])
  await runCli(['client', 'issue', 'alice', 'bob', '--home', home])
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

const credentials = (user: string) => issuedCredentials(home, user)

describe('serve', () => {
  it('announces its ports, issues what is missing, logs a client in, and stops on SIGTERM with exit code 0', async () => {
    const serve = new ServeProcess(['--home', home])
    const { domains, host, port, tlsPort, pid } = await serve.listening()
    expect({ domains, host }).toEqual({ domains: ['localhost'], host: '127.0.0.1' })
    expect(new Set([0, port, tlsPort, pid]).size).toBe(4)
    expect(readdirSync(join(home, 'server', 'localhost')).sort()).toEqual(['chain.crt', 'server.crt', 'server.key'])
    const alice = await RawClient.online({ port, credentials: credentials('alice') })
    expect(await serve.stop()).toBe(0)
    expect(await alice.ended()).toContain('<system-shutdown')
    expect(serve.events.at(-1)).toEqual({ event: 'stopped', signal: 'SIGTERM' })
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('stops on %s while nobody is there', async (signal) => {
    const serve = new ServeProcess(['--home', home])
    await serve.listening()
    expect(await serve.stop(signal)).toBe(0)
  })

  it('goes on when its log cannot be written any more', async () => {
    const full = openSync('/dev/full', 'w')
    const serve = new ServeProcess(['--home', home, '--log-level', 'debug'], {}, { stderr: full })
    closeSync(full)
    const { port } = await serve.listening()
    for (const user of ['alice', 'bob', 'alice']) {
      const client = await RawClient.online({ port, credentials: credentials(user) })
      client.destroy()
    }
    expect(await serve.stop()).toBe(0)
  })

  it('publishes CRL and OCSP with --http-port, and renews a CRL that has gone stale', async () => {
    const own = mkdtempSync(join(tmpdir(), 'xmppki-http-'))
    await runCli(['ca', 'init', '--no-passphrase', '--home', own])
    const workspace = openWorkspace(own)
    const issuer = workspace.issuerSource(() => Promise.reject(new Error('nobody should ask')))
    const lastYear = new Date(Date.now() - 365 * 86_400_000)
    const list = { of: [signerId(workspace.root())], issuer, days: 7, now: lastYear }
    await publishCrls(workspace, list, () => undefined)
    workspace.close()
    const serve = new ServeProcess(['--home', own, '--http-port', '0'])
    const { httpPort } = await serve.listening()
    const response = await fetch(`http://127.0.0.1:${httpPort}/root.crl`)
    const { number, nextUpdate } = readCrl(Buffer.from(await response.arrayBuffer()), 'root.crl')
    expect({ number, fresh: Number(nextUpdate) > Date.now() }).toEqual({ number: 2n, fresh: true })
    await serve.logged({ msg: 'CRL renewed' })
    const asked = await fetch(`http://127.0.0.1:${httpPort}/ocsp`, { method: 'POST', body: 'noise' })
    expect(asked.headers.get('content-type')).toBe('application/ocsp-response')
    expect(await serve.stop()).toBe(0)
    rmSync(own, { recursive: true })
  })

  it('presents a certificate that clients can verify, with and without SNI, on the direct TLS port', async () => {
    const serve = new ServeProcess(['--home', home])
    const { tlsPort } = await serve.listening()
    const ca = readFileSync(join(home, 'ca', 'root.crt'))
    const socket = connectTls({
      port: tlsPort,
      host: '127.0.0.1',
      servername: 'localhost',
      ca,
      ALPNProtocols: ['xmpp-client'],
    })
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    expect({ authorized: socket.authorized, alpn: socket.alpnProtocol }).toEqual({
      authorized: true,
      alpn: 'xmpp-client',
    })
    socket.destroy()
    await serve.stop()
  })

  it('serves several domains by SNI, each with its own certificate', async () => {
    const serve = new ServeProcess(['--home', home, '--domain', 'one.example', '--domain', 'two.example'])
    const { port, tlsPort } = await serve.listening()
    for (const domain of ['one.example', 'two.example']) {
      const socket = connectTls({
        port: tlsPort,
        host: '127.0.0.1',
        servername: domain,
        ca: readFileSync(join(home, 'ca', 'root.crt')),
      })
      await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
      expect(socket.getPeerCertificate().subject.CN).toBe(domain)
      socket.destroy()
    }
    // alice's certificate is for localhost, and no domain served here is.
    const client = await RawClient.secured({ port, domain: 'one.example', credentials: credentials('alice') })
    client.send(external())
    await client.receive(/<failure[^>]*><not-authorized\/>/)
    client.destroy()
    await serve.stop()
  })

  it('says in the log why EXTERNAL is not offered, as one line of JSON', async () => {
    const ca = new OpensslCa('Somebody Else')
    const serve = new ServeProcess(['--home', home])
    const { port } = await serve.listening()
    const stranger = ca.issue({ subject: '/CN=alice', xmppAddrs: ['alice@localhost'] })
    const client = await RawClient.secured({ port, credentials: stranger })
    const isReport = (line: Record<string, unknown>) => line.msg === 'EXTERNAL not offered'
    await serve.until(() => serve.logLines.some(isReport))
    expect(serve.logLines.find(isReport)).toMatchObject({
      level: 'warn',
      check: 'unknown-ca',
      subject: 'CN=alice',
      issuer: 'CN=Somebody Else',
    })
    client.destroy()
    await serve.stop()
    ca.remove()
  })

  it('accepts the CA of --client-ca beside its own', async () => {
    const ca = new OpensslCa('Partner')
    const file = join(home, 'partner.crt')
    writeFileSync(file, ca.credentials.cert)
    const serve = new ServeProcess(['--home', home, '--client-ca', file])
    const { port } = await serve.listening()
    const carol = await RawClient.online({ port, credentials: ca.issue({ subject: '/CN=carol' }), resource: 'r' })
    const alice = await RawClient.online({ port, credentials: credentials('alice') })
    carol.destroy()
    alice.destroy()
    await serve.stop()
    ca.remove()
  })

  it('makes usernames from Common Names with a prefix and a suffix', async () => {
    const ca = new OpensslCa('Devices')
    const file = join(home, 'devices.crt')
    writeFileSync(file, ca.credentials.cert)
    const serve = new ServeProcess([
      '--home',
      home,
      '--client-ca',
      file,
      '--common-name-prefix',
      'user_',
      '--common-name-suffix',
      '-test',
    ])
    const { port } = await serve.listening()
    const client = await RawClient.secured({ port, credentials: ca.issue({ subject: '/CN=john' }) })
    client.send(external())
    await client.receive(/<success/)
    await client.open()
    expect(await client.bind('r')).toBe('user_john-test@localhost/r')
    client.destroy()
    await serve.stop()
    ca.remove()
  })
})

describe('serve, errors', () => {
  it('without a CA names the command that makes one', async () => {
    const nowhere = join(home, 'nowhere')
    const { code, stderr } = await runCli(['serve', '--home', nowhere])
    expect(code).toBe(4)
    expect(stderr).toBe(`error: no CA in ${nowhere}\nhint:  run: xmppki ca init (with --home '${nowhere}')\n`)
  })

  it('with an encrypted CA key and no passphrase says what is missing and which command helps', async () => {
    const locked = mkdtempSync(join(tmpdir(), 'xmppki-serve-'))
    await runCli(['ca', 'init', '--home', locked], { env: { XMPPKI_CA_PASSPHRASE: 'correct horse' } })
    const { code, stderr } = await runCli(['serve', '--port', '0', '--home', locked])
    expect(code).toBe(5)
    expect(stderr).toContain('localhost has no server certificate, and none could be issued')
    expect(stderr).toContain('hint:  run: xmppki server issue localhost')
    const serve = new ServeProcess(['--home', locked], { XMPPKI_CA_PASSPHRASE: 'correct horse' })
    await serve.listening()
    await serve.stop()
    // Now that the certificate is there the key of the CA is not needed any more.
    const again = new ServeProcess(['--home', locked])
    await again.listening()
    expect(await again.stop()).toBe(0)
    rmSync(locked, { recursive: true })
  })

  it('says which port is taken', async () => {
    const blocker = createServer()
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve))
    const { port } = blocker.address() as { port: number }
    const { code, stderr } = await runCli(['serve', '--home', home, '--port', String(port)])
    expect(code).toBe(7)
    expect(stderr).toContain(`error: 127.0.0.1:${port} is already in use`)
    blocker.close()
  })

  it.each([
    ['a port that is none', ['--port', '70000'], "a port is a number from 0 to 65535, not '70000'", 2],
    ['an unknown source', ['--port', '0', '--sasl-external', 'dns'], "--sasl-external: unknown source 'dns'", 2],
    [
      'a CA file that is not there',
      ['--port', '0', '--client-ca', '/nonexistent/ca.crt'],
      'cannot read the CA file /nonexistent/ca.crt',
      4,
    ],
    ['a CA file without a CA', ['--port', '0', '--client-ca', '/etc/hostname'], '/etc/hostname', 2],
  ])('refuses %s', async (_, args, message, exitCode) => {
    const { code, stderr } = await runCli(['serve', '--home', home, '--tls-port', '0', ...args])
    expect(stderr).toContain(message)
    expect(code).toBe(exitCode)
  })
})
