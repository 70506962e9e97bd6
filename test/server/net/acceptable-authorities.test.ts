import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { acceptableAuthorities } from '../../../src/server/net/acceptable-authorities.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { type Credentials, OpensslCa } from '../../support/certificates/certificates.ts'
import { walkThrough } from '../../support/documents/walkthrough.ts'
import { passwordServers } from '../../support/servers/password-server.ts'
import type { TestServer } from '../../support/servers/server.ts'
import { Login, VARIANTS } from '../../support/streams/external-login.ts'
import { type Piecemeal, piecemeal } from '../../support/streams/piecemeal.ts'

const folders = ['first', 'second'].map((name) => mkdtempSync(join(tmpdir(), `xmppki-${name}-`)))
for (const folder of folders) walkThrough(folder, 2048)
const [first = '', second = ''] = folders
const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8')
/** Two CAs with one name, as somebody has them who went through the walkthrough twice; RSA, and certificates of version 1. */
const [known, unknown] = [read(first, 'rootCA.crt'), read(second, 'rootCA.crt')]
const stale: Credentials = { key: read(second, 'client.key'), cert: read(second, 'client.crt') }

const ca = new OpensslCa()
const twin = new OpensslCa()
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  for (const one of [ca, twin]) one.remove()
})

/** What a TLS server with these CAs says that it accepts, as OpenSSL prints it. */
async function acceptableNames(pems: readonly string[], version: 'TLSv1.2' | 'TLSv1.3'): Promise<string | undefined> {
  const { key, cert } = ca.issue({ subject: '/CN=localhost' })
  const asking = { requestCert: true, rejectUnauthorized: false, minVersion: version, maxVersion: version }
  const server = createServer({ key, cert, ca: [...pems], ...asking }, (socket) => socket.end())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const run = promisify(execFile)('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-nameopt', 'RFC2253'])
  run.child.stdin?.end()
  const { stdout } = await run
  server.close()
  return /Acceptable client certificate CA names\n(.*?)\n(?:Requested|Client Certificate)/s.exec(stdout)?.[1]
}

describe('the names of the CAs in a handshake (RFC 8446 §4.2.4, RFC 5246 §7.4.4)', () => {
  const named = (subject: string) => ca.selfSigned({ subject, ca: true }).cert
  const odd = [known, unknown, named('/C=DE/O=Übung, "x"/OU=a+CN=b/CN=Zürich'), named('/'), known]

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('are in %s those that the CAs have, as they have them', async (version) => {
    const names = await acceptableNames(acceptableAuthorities(odd), version)
    expect(names?.split('\n')).toHaveLength(odd.length)
    expect(names).toContain('CN=Z\\C3\\BCrich,OU=a+CN=b')
    expect(names).toBe(await acceptableNames(odd, version))
  })
})

const start = passwordServers(ca)
const PASSWORD = Buffer.from('\0alice\0open sesame').toString('base64')
const PLAIN = `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${PASSWORD}</auth>`
const UNKNOWN = /^(?:issuer|unknown-ca|bad-signature)$/

/** The server as clients find it behind a network that breaks everything up. */
async function behind(server: TestServer): Promise<{ server: TestServer; proxies: readonly Piecemeal[] }> {
  // Below the size of an RSA certificate, so that no client's flight arrives as a whole.
  const proxies = await Promise.all([server.port, server.tlsPort].map((port) => piecemeal(port, 400)))
  const [port = 0, tlsPort = 0] = proxies.map((proxy) => proxy.port)
  return { server: { ...server, port, tlsPort }, proxies }
}

describe.each(VARIANTS)('a certificate whose signature is wrong, over $transport, $version', (variant) => {
  it.each([
    { what: 'RSA, from the walkthrough run twice', anchor: known, credentials: stale },
    { what: 'ECDSA', anchor: ca.credentials.cert, credentials: twin.issueAsInTheGuide('alice') },
    {
      what: 'self-signed, with the name of a CA',
      anchor: ca.credentials.cert,
      credentials: twin.selfSigned({ subject: '/CN=Test CA' }),
    },
    {
      what: 'with the CA that has signed it',
      anchor: known,
      credentials: { key: stale.key, cert: stale.cert + unknown },
    },
  ])('$what: the stream goes on without EXTERNAL, and takes a password', async ({ anchor, credentials }) => {
    const direct = await start({ login: { anchors: new TrustAnchors([anchor]) } })
    const { server: slow, proxies } = await behind(direct)
    for (const server of [direct, slow]) {
      const login = await Login.begin(server, { credentials, variant })
      expect(login.offered).not.toContain('EXTERNAL')
      expect(login.offered).toContain('PLAIN')
      expect(login.logged).toMatchObject({ check: expect.stringMatching(UNKNOWN) })
      expect(await login.say(PLAIN)).toBe('alice@localhost')
      login.client.destroy()
    }
    for (const proxy of proxies) proxy.stop()
  })

  it('sent with a CA of that name that has not signed it: the stream goes on', async () => {
    const server = await start({ login: { anchors: new TrustAnchors([known]) } })
    const credentials = { key: stale.key, cert: stale.cert + known }
    const login = await Login.begin(server, { credentials, variant })
    expect(login.offered).not.toContain('EXTERNAL')
    expect(login.logged).toMatchObject({ check: expect.stringMatching(UNKNOWN) })
    expect(await login.say(PLAIN)).toBe('alice@localhost')
    login.client.destroy()
  })

  it('the same in pieces: OpenSSL verifies by what was sent, Node.js cuts the connection, and the log says why', async () => {
    const server = await start({ login: { anchors: new TrustAnchors([known]) } })
    const { server: slow, proxies } = await behind(server)
    const credentials = { key: stale.key, cert: stale.cert + known }
    await expect(Login.begin(slow, { credentials, variant })).rejects.toThrow()
    await expect
      .poll(() => server.log.find('TLS handshakes fail'))
      .toMatchObject({
        level: 'info',
        remote: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        reason: expect.stringMatching(/^a certificate or a signature of the client is wrong: /),
      })
    for (const proxy of proxies) proxy.stop()
  })
})
