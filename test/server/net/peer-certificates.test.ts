import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { afterAll, describe, expect, it } from 'vitest'
import { decodePemAll } from '../../../src/pki/der/pem.ts'
import { DEFAULT_LIMITS } from '../../../src/server/limits.ts'
import { PeerCertificates } from '../../../src/server/net/peer-certificates.ts'
import { type Credentials, OpensslCa } from '../../support/certificates/certificates.ts'
import { startTestServer } from '../../support/servers/server.ts'
import { Login, VARIANTS } from '../../support/streams/external-login.ts'

const ca = new OpensslCa()
afterAll(() => ca.remove())

const LIMITS = DEFAULT_LIMITS.certificates
const authority = (name: string, by: Credentials) => ca.issueBelow(by, { subject: `/CN=${name}`, ca: true })
const upper = ca.issue({ subject: '/CN=Upper', ca: true })
const lower = authority('Lower', upper)
const alice = ca.issueBelow(lower, { subject: '/CN=alice' })
const ders = ({ cert }: Credentials) =>
  decodePemAll(cert, 'CERTIFICATE', 'a certificate').map((der) => Buffer.from(der))
/** So many bytes of names. */
const names = (bytes: number) =>
  Array.from({ length: bytes / 20 }, (_, n) => `h${String(n).padStart(5, '0')}.example.org`)

type Version = 'TLSv1.2' | 'TLSv1.3'

/** The server's end of a connection on which the client has presented this. */
async function presented<T>(credentials: Credentials | undefined, version: Version, look: (socket: TLSSocket) => T) {
  const { key, cert } = ca.issue({ subject: '/CN=localhost' })
  const asking = { requestCert: true, rejectUnauthorized: false, minVersion: version, maxVersion: version }
  const server = createServer({ key, cert, ...asking }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...credentials })
  client.on('error', () => undefined)
  const [socket] = (await once(server, 'secureConnection')) as [TLSSocket]
  try {
    return look(socket)
  } finally {
    client.destroy()
    socket.destroy()
    server.close()
  }
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('what a client presents over %s', (version) => {
  const read = (credentials: Credentials | undefined, limits = LIMITS, received = 0) =>
    presented(credentials, version, (socket) => {
      const found = new PeerCertificates(limits, false).of(socket, received)
      return found && 'leaf' in found ? [found.leaf, ...found.sent()].map((der) => Buffer.from(der)) : found
    })

  it('is nothing without a certificate', async () => {
    expect(await read(undefined)).toBeUndefined()
  })

  it.each([
    { what: 'alone', credentials: ca.issue({ subject: '/CN=alice' }) },
    { what: 'version 1', credentials: ca.issueAsInTheGuide('alice') },
    { what: 'self-signed', credentials: ca.selfSigned({ subject: '/CN=alice' }) },
    { what: 'with two CAs', credentials: alice },
    { what: 'with the root', credentials: { ...alice, cert: alice.cert + ca.credentials.cert } },
    { what: 'with hundreds of names', credentials: ca.issue({ subject: '/CN=alice', dnsNames: names(12_000) }) },
  ])('is what it has sent, octet for octet: $what', async ({ credentials }) => {
    expect(await read(credentials)).toEqual(ders(credentials))
  })

  it('is the leaf alone where nothing of what was sent leads up from it', async () => {
    const [leaf = ''] = alice.cert.split(/(?<=-----END CERTIFICATE-----\n)/)
    const strangers = ca.selfSigned({ subject: '/CN=Somebody else', ca: true }).cert + ca.credentials.cert
    expect(await read({ ...alice, cert: leaf + strangers })).toEqual(ders(alice).slice(0, 1))
  })

  it('has no more of what was sent along than the limits allow', async () => {
    expect(await read(alice, { ...LIMITS, chainLength: 1 })).toEqual(ders(alice).slice(0, 2))
    const [leaf, first] = ders(alice)
    const chainBytes = (leaf?.length ?? 0) + (first?.length ?? 0)
    expect(await read(alice, { ...LIMITS, chainBytes })).toEqual(ders(alice).slice(0, 2))
  })

  it('is not read where it is too large', async () => {
    const bytes = ders(alice)[0]?.length ?? 0
    expect(await read(alice, { ...LIMITS, bytes })).toHaveLength(3)
    expect(await read(alice, { ...LIMITS, bytes: bytes - 1 })).toEqual({
      tooLarge: `it has ${bytes} bytes, more than ${bytes - 1}`,
    })
    expect(await read(alice, LIMITS, 64 * 1024)).toHaveLength(3)
    expect(await read(alice, LIMITS, 90 * 1024)).toEqual({
      tooLarge: 'with what was sent along it has more than 65536 bytes',
    })
  })

  it('is nothing any more when the connection has gone', async () => {
    const found = await presented(alice, version, (socket) => {
      const certificates = new PeerCertificates(LIMITS, false)
      const before = certificates.of(socket, 0)
      socket.destroy()
      return { after: certificates.of(socket, 0), sent: before && 'sent' in before ? before.sent() : undefined }
    })
    expect(found).toEqual({ after: undefined, sent: [] })
  })
})

describe.each(VARIANTS)('more than the limits of the listener, over $transport, $version', (variant) => {
  const fat = ca.issue({ subject: '/CN=fat', dnsNames: names(20_000) })
  const heavy = (name: string, by: Credentials) =>
    ca.issueBelow(by, { subject: `/CN=${name}`, ca: true, dnsNames: names(15_500) })
  const chain = () => {
    const tower = ['2', '3', '4', '5', '6'].reduce(
      (by, name) => heavy(name, by),
      ca.issue({ subject: '/CN=1', ca: true }),
    )
    return ca.issueBelow(tower, { subject: '/CN=alice' })
  }

  it.each([
    { what: 'a certificate', credentials: () => fat, reason: /^it has \d+ bytes, more than 16384$/ },
    { what: 'a chain', credentials: chain, reason: /^with what was sent along it has more than 65536 bytes$/ },
  ])('$what is refused by its name, and the stream goes on', async ({ credentials, reason }) => {
    const server = await startTestServer({ ca })
    const login = await Login.begin(server, { credentials: credentials(), variant })
    expect(login.offered).toEqual([])
    expect(login.logged).toMatchObject({ check: 'too-large', reason: expect.stringMatching(reason) })
    expect(await login.auth()).toBe('not-authorized')
    login.client.destroy()
    await server.stop()
  })

  it('is what the configuration says', async () => {
    const raw = new X509Certificate(fat.cert).raw.length
    const limits = { ...DEFAULT_LIMITS, certificates: { ...LIMITS, bytes: raw } }
    const server = await startTestServer({ ca, limits })
    const login = await Login.begin(server, { credentials: fat, variant })
    expect(login.offered).toEqual(['EXTERNAL'])
    login.client.destroy()
    await server.stop()
  })
})
