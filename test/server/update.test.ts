import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import type { ServerOptions } from '../../src/server/server-options.ts'
import { TrustAnchors } from '../../src/trust/anchors.ts'
import { issuedRecord } from '../store/ledger-contract.ts'
import { type Credentials, idBy, OpensslCa } from '../support/certificates/certificates.ts'
import { startTestServer, type TestServer, type TestServerOptions } from '../support/servers/server.ts'
import { forASecond } from '../support/streams/for-a-second.ts'
import { external, RawClient } from '../support/streams/xmpp-client.ts'

const ca = new OpensslCa()
const otherCa = new OpensslCa('Other CA')
const certificate = (issuer: OpensslCa, name: string, address = `${name}@localhost`): Credentials =>
  issuer.issue({ subject: `/CN=${name}`, xmppAddrs: [address], extendedKeyUsage: 'clientAuth' })
const alice = certificate(ca, 'alice')
const carol = certificate(ca, 'carol')
const bob = certificate(otherCa, 'bob')
const both = new TrustAnchors([ca.credentials.cert, otherCa.credentials.cert])
const onlyOurs = new TrustAnchors([ca.credentials.cert])
const LOCAL = '127.0.0.1'

let t: TestServer
let clients: RawClient[] = []
afterEach(async () => {
  for (const client of clients) client.destroy()
  clients = []
  await t.stop()
})
afterAll(() => {
  ca.remove()
  otherCa.remove()
})

async function start(options: TestServerOptions = {}): Promise<void> {
  t = await startTestServer({ ca, ...options, login: { anchors: both, ...options.login } })
}

async function online(credentials: Credentials, port = t.port): Promise<RawClient> {
  const client = await RawClient.online({ port, credentials })
  clients.push(client)
  return client
}

/** The options that the server was started with, but for these. */
function changed({ anchors, ...given }: Partial<ServerOptions> & { anchors?: TrustAnchors }): ServerOptions {
  return { ...t.options, ...given, login: { ...t.options.login, ...(anchors === undefined ? {} : { anchors }) } }
}

/** Shows that a session goes on. */
async function ping(client: RawClient): Promise<void> {
  client.send("<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>")
  await client.receive(/<iq [^>]*id="p1"[^>]*\/?>/)
}

async function subjectAt(port: number): Promise<string | undefined> {
  const client = await RawClient.direct({ port })
  clients.push(client)
  return (client.socket as TLSSocket).getPeerCertificate().subject.CN?.toString()
}

/** Tries EXTERNAL on a stream that is open. */
async function answerTo(client: RawClient): Promise<string> {
  client.send(external())
  return client.receive(/<success[^>]*>|<failure.*<\/failure>/)
}

describe('XmppServer.update', () => {
  it('answers new handshakes with the new certificate, STARTTLS and direct TLS, and keeps the sessions', async () => {
    await start()
    const session = await online(alice)
    const waiting = await RawClient.plain({ port: t.port, credentials: alice })
    clients.push(waiting)
    await waiting.open()
    const { key, cert } = ca.issue({ subject: '/CN=renewed', dnsNames: ['localhost'], extendedKeyUsage: 'serverAuth' })
    await t.server.update(changed({ credentials: [{ domain: 'localhost', key, chain: cert }] }))
    expect(await subjectAt(t.tlsPort)).toBe('renewed')
    await waiting.startTls()
    expect((waiting.socket as TLSSocket).getPeerCertificate().subject.CN).toBe('renewed')
    await ping(session)
  })

  it('ends the sessions whose CA is gone with reset (RFC 6120 §13.7.2.3), and lets nobody of it in', async () => {
    await start()
    const [stays, goes] = [await online(alice), await online(bob)]
    const offered = await RawClient.secured({ port: t.port, credentials: bob })
    clients.push(offered)
    await t.server.update(changed({ anchors: onlyOurs }))
    expect(await goes.ended()).toMatch(/<stream:error><reset .*<\/stream:error><\/stream:stream>$/)
    expect(await answerTo(offered)).toContain('<not-authorized')
    const late = await RawClient.secured({ port: t.port, credentials: bob })
    clients.push(late)
    expect(await answerTo(late)).toContain('<not-authorized')
    await ping(stays)
    const reason = { check: 'unknown-ca', reason: 'no configured CA issued it', level: 'warn' }
    expect(t.log.find('the certificate of a session is not accepted any more')).toMatchObject(reason)
  })

  it('verifies signatures anew when another CA of the same name has taken the place of the one of the handshake', async () => {
    const twin = new OpensslCa()
    const unmarked = ca.issueAsInTheGuide('alice')
    expect(new X509Certificate(unmarked.cert).checkIssued(new X509Certificate(twin.credentials.cert))).toBe(true)
    await start({ login: { anchors: onlyOurs } })
    const offered = await RawClient.secured({ port: t.port, credentials: unmarked })
    clients.push(offered)
    const session = await online(unmarked)
    await t.server.update(changed({ anchors: new TrustAnchors([twin.credentials.cert]) }))
    twin.remove()
    expect(await answerTo(offered)).toContain('<not-authorized')
    expect(await session.ended()).toContain('<reset ')
  })

  it('ends the sessions whose certificate stands for no account by the new rules, and nobody slips in', async () => {
    await start()
    const named = ca.issue({ subject: '/CN=frank', extendedKeyUsage: 'clientAuth' })
    const [byAddress, byName] = [await online(alice), await online(named)]
    const offered = await RawClient.secured({ port: t.port, credentials: named })
    clients.push(offered)
    const { login } = t.options
    const policy = { ...login.policy, sources: ['xmpp_addr' as const] }
    await t.server.update({ ...t.options, login: { ...login, policy } })
    expect(await byName.ended()).toContain('<reset ')
    expect(await answerTo(offered)).toContain('<not-authorized')
    await ping(byAddress)
  })

  it('lets in whose CA has come', async () => {
    await start({ login: { anchors: onlyOurs } })
    const early = await RawClient.secured({ port: t.port, credentials: bob })
    clients.push(early)
    expect(await answerTo(early)).toContain('<not-authorized')
    await t.server.update(changed({ anchors: both }))
    await ping(await online(bob))
  })

  it('opens and closes listeners; sessions of one that is closed go on', async () => {
    await start()
    const session = await online(alice)
    const [starttls, direct] = t.options.endpoints
    if (starttls === undefined || direct === undefined) throw new Error('no endpoints')
    await t.server.update(changed({ endpoints: [direct, { host: '127.0.0.2', port: 0, mode: 'starttls' }] }))
    // The first listener on that address stays, and gets the mode of the first that is wanted there.
    expect(t.server.ports[0]).toBe(t.port)
    expect(await subjectAt(t.port)).toBe('localhost')
    const client = await RawClient.plain({ port: t.server.ports[1] ?? 0, host: '127.0.0.2' })
    clients.push(client)
    await client.open()
    const refused = await RawClient.plain({ port: t.tlsPort }).catch((error: NodeJS.ErrnoException) => error.code)
    expect(refused).toBe('ECONNREFUSED')
    await ping(session)
  })

  it('moves a listener to all interfaces on the same port', async () => {
    await start()
    const { port } = t
    await t.server.update(changed({ endpoints: [{ host: LOCAL, port, mode: 'starttls' }] }))
    await t.server.update(changed({ endpoints: [{ host: '0.0.0.0', port, mode: 'starttls' }] }))
    expect(t.server.ports).toEqual([port])
    await ping(await online(alice, port))
  })

  it.each<[string, (port: number) => Partial<ServerOptions>]>([
    [
      'a port is taken',
      (port) => ({
        endpoints: [
          { host: LOCAL, port: 0, mode: 'tls' },
          { host: LOCAL, port, mode: 'tls' },
        ],
      }),
    ],
    ['a key does not fit', () => ({ credentials: [{ domain: 'localhost', key: alice.key, chain: bob.cert }] })],
    ['a certificate is none', () => ({ credentials: [{ domain: 'localhost', key: alice.key, chain: 'nothing' }] })],
  ])('changes nothing when %s', async (_, given) => {
    await start()
    const taken = createServer().listen(0, LOCAL)
    await once(taken, 'listening')
    const session = await online(bob)
    const address = taken.address() as { port: number }
    const next = changed({ ...given(address.port), anchors: onlyOurs })
    await expect(t.server.update(next)).rejects.toThrow()
    taken.close()
    expect(t.server.ports).toEqual([t.port, t.tlsPort])
    expect(await subjectAt(t.tlsPort)).toBe('localhost')
    await ping(session)
    await ping(await online(bob))
  })

  it('takes up a domain, and ends the sessions of one that is gone with host-gone (RFC 6120 §4.9.3.5)', async () => {
    await start()
    const session = await online(alice)
    const bound = await RawClient.secured({ port: t.port, credentials: alice })
    clients.push(bound)
    await answerTo(bound)
    await bound.open()
    const { key, cert } = ca.issue({ subject: '/CN=new', dnsNames: ['new.example'], extendedKeyUsage: 'serverAuth' })
    await t.server.update(changed({ credentials: [{ domain: 'new.example', key, chain: cert }] }))
    expect(await session.ended()).toContain('<host-gone')
    bound.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
    await bound.receive(/<iq [^>]*type="error".*<not-allowed/)
    const credentials = certificate(ca, 'carol', 'carol@new.example')
    const client = await RawClient.online({ port: t.port, domain: 'new.example', credentials })
    clients.push(client)
    await ping(client)
  })
})

describe('a live session', () => {
  it.each(['starttls', 'direct'] as const)(
    'ends with not-authorized within a second when its certificate is revoked: %s',
    async (mode) => {
      await start()
      const victim = mode === 'starttls' ? await online(alice) : await directly(alice)
      const other = await online(carol)
      t.ledger.transaction((insert, changes) => {
        insert(issuedRecord(idBy(ca.credentials, alice)))
        changes.revoke(idBy(ca.credentials, alice), { at: Date.now(), reason: 'keyCompromise' })
      })
      const ended = victim.ended()
      await forASecond(ended)
      expect(t.server.sessions().filter(({ jid }) => jid.startsWith('alice@'))).toEqual([])
      expect(await ended).toMatch(/<stream:error><not-authorized .*<\/stream:error><\/stream:stream>$/)
      await ping(other)
    },
  )

  it('ends when it has logged in and not bound a resource yet', async () => {
    await start()
    const client = await RawClient.secured({ port: t.port, credentials: bob })
    clients.push(client)
    await answerTo(client)
    await client.open()
    await t.server.update(changed({ anchors: onlyOurs }))
    expect(await client.ended()).toContain('<reset ')
  })

  it('ends with reset when its certificate expires', async () => {
    let now = new Date('2030-01-01T00:00:00Z')
    await start({ login: { now: () => now } })
    const short = ca.issue({
      subject: '/CN=carol',
      xmppAddrs: ['carol@localhost'],
      extendedKeyUsage: 'clientAuth',
      validity: ['20200101000000Z', '20300101000100Z'],
    })
    const [victim, other] = [await online(short), await online(alice)]
    now = new Date('2030-01-01T00:01:01Z')
    expect(await victim.ended()).toContain('<reset ')
    await ping(other)
  })

  it('goes on when another CA revokes its certificate of the same serial number', async () => {
    expect(idBy(otherCa.credentials, bob).serial).toBe(idBy(ca.credentials, alice).serial)
    await start()
    const [victim, partner] = [await online(alice), await online(bob)]
    t.ledger.transaction((insert) => {
      insert(issuedRecord({ ...idBy(ca.credentials, alice), revokedAt: 5_000, revocationReason: 'keyCompromise' }))
    })
    expect(await victim.ended()).toContain('<not-authorized ')
    await ping(partner)
    const again = await RawClient.secured({ port: t.port, credentials: bob })
    clients.push(again)
    expect(await answerTo(again)).toContain('<success')
  })

  it('cannot log in, and ends, when the CA that the client sent along is revoked in the ledger', async () => {
    await start()
    const issuing = ca.issue({ subject: '/CN=Issuing CA', ca: true })
    const below = { subject: '/CN=dave', xmppAddrs: ['dave@localhost'], extendedKeyUsage: 'clientAuth' }
    const dave = ca.issueBelow(issuing, below)
    const session = await online(dave)
    const id = idBy(ca.credentials, issuing)
    t.ledger.transaction((insert) => {
      insert(issuedRecord({ ...id, kind: 'issuing', revokedAt: 5_000, revocationReason: 'cACompromise' }))
    })
    expect(await session.ended()).toContain('<not-authorized ')
    const again = await RawClient.secured({ port: t.port, credentials: dave })
    clients.push(again)
    expect(await answerTo(again)).toContain('<not-authorized')
  })
})

async function directly(credentials: Credentials): Promise<RawClient> {
  const client = await RawClient.direct({ port: t.tlsPort, credentials })
  clients.push(client)
  await client.open()
  await answerTo(client)
  await client.open()
  await client.bind()
  return client
}
