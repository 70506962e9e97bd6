import { sign, X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { context, contextPrimitive, oid, sequence } from '../../../src/pki/der/der-writer.ts'
import { encodePem } from '../../../src/pki/der/pem.ts'
import { type ClientTrust, plainTrust } from '../../../src/server/net/client-trust.ts'
import type { Endpoint } from '../../../src/server/net/endpoint.ts'
import { DEFAULT_TLS } from '../../../src/server/net/listener.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { issuedRecord } from '../../store/ledger-contract.ts'
import { type Credentials, idBy, OpensslCa } from '../../support/certificates/certificates.ts'
import { revocationLists } from '../../support/certificates/crls.ts'
import { entry, extension, type OddCrl, oddCrl, serialOf } from '../../support/certificates/odd-crl.ts'
import { startTestServer, type TestServer, type TestServerOptions } from '../../support/servers/server.ts'
import { attemptAt, Login, onlineAt, secured, VARIANTS } from '../../support/streams/external-login.ts'
import { RawClient } from '../../support/streams/xmpp-client.ts'

const CLIENT = { extendedKeyUsage: 'clientAuth' }
const ca = new OpensslCa()
const foreign = new OpensslCa('Foreign CA')
const named = (issuer: OpensslCa, name: string) =>
  issuer.issue({ ...CLIENT, subject: `/CN=${name}`, xmppAddrs: [`${name}@localhost`] })
const alice = named(ca, 'alice')
const bob = named(foreign, 'bob')
const expired = ca.issue({ ...CLIENT, subject: '/CN=eve', validity: ['20200101000000Z', '20200201000000Z'] })
const selfSigned = (given: object = {}) =>
  ca.selfSigned({ ...CLIENT, subject: '/CN=bob', xmppAddrs: ['bob@localhost'], ...given })
const own = new TrustAnchors([ca.credentials.cert])
const both = new TrustAnchors([ca.credentials.cert, foreign.credentials.cert])
const exempt = new Set(own.authorities.map(({ facts }) => facts.fingerprint))
const { key, cert: chain } = ca.issue({ subject: '/CN=localhost', dnsNames: ['localhost'] })
const SERVER = [{ domain: 'localhost', key, chain }]

let running: TestServer[] = []
afterEach(async () => {
  await Promise.all(running.map((server) => server.stop()))
  running = []
})
afterAll(() => {
  ca.remove()
  foreign.remove()
})

const endpoints = (given: Partial<Endpoint>): Endpoint[] => [
  { host: '127.0.0.1', port: 0, mode: 'starttls', ...given },
  { host: '127.0.0.1', port: 0, mode: 'tls', ...given },
]

/** One server, all of whose listeners have these rules. */
async function start(
  trust: Partial<ClientTrust>,
  { login = {}, tls = DEFAULT_TLS }: Pick<TestServerOptions, 'login'> & Pick<Partial<Endpoint>, 'tls'> = {},
): Promise<TestServer> {
  const server = await startTestServer({
    ca,
    credentials: SERVER,
    endpoints: endpoints({ trust: { ...plainTrust(own), ...trust }, tls }),
    login,
  })
  running.push(server)
  return server
}

/** By another key than the one it names as its own. */
function withForeignSignature(): Credentials {
  const issuer = new OpensslCa('Twin')
  const made = issuer.issue({ ...CLIENT, subject: '/CN=Twin', xmppAddrs: ['bob@localhost'] })
  issuer.remove()
  return made
}

describe.each(VARIANTS)('verify_mode over $transport, $version', (variant) => {
  it.each([
    { mode: 'peer', who: 'self-signed', credentials: selfSigned(), told: 'not-authorized' },
    { mode: 'peer', who: 'issued', credentials: alice, told: 'alice@localhost' },
    { mode: 'selfsigned_peer', who: 'self-signed', credentials: selfSigned(), told: 'bob@localhost' },
    {
      mode: 'selfsigned_peer',
      who: 'self-signed, for signatures only',
      credentials: selfSigned({ extensions: ['keyUsage=critical,digitalSignature'] }),
      told: 'bob@localhost',
    },
    { mode: 'selfsigned_peer', who: 'issued', credentials: alice, told: 'alice@localhost' },
    { mode: 'selfsigned_peer', who: 'of an unknown CA', credentials: bob, told: 'not-authorized' },
    {
      mode: 'selfsigned_peer',
      who: 'as if self-signed',
      credentials: withForeignSignature(),
      told: 'not-authorized',
    },
    {
      mode: 'selfsigned_peer',
      who: 'self-signed and expired',
      credentials: selfSigned({ validity: ['20200101000000Z', '20200201000000Z'] }),
      told: 'not-authorized',
    },
    {
      mode: 'selfsigned_peer',
      who: 'self-signed, for servers only',
      credentials: selfSigned({ extendedKeyUsage: 'serverAuth' }),
      told: 'not-authorized',
    },
    { mode: 'none', who: 'issued', credentials: alice, told: 'not-authorized' },
  ] as const)('$mode, $who: $told', async ({ mode, credentials, told }) => {
    const server = await start({ verifyMode: mode })
    const offered = told === 'not-authorized' ? [] : ['EXTERNAL']
    expect(await attemptAt(server, { credentials, variant })).toMatchObject({ told, offered })
  })

  it.each([
    { who: 'a bad certificate', credentials: expired },
    { who: 'one of an unknown CA', credentials: bob },
  ])('disconnect_on_failure: $who ends the stream', async ({ credentials }) => {
    const server = await start({ disconnectOnFailure: true })
    const client = await secured(server, { credentials, variant })
    client.send(
      "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>",
    )
    expect(await client.ended()).toMatch(/<stream:error><not-authorized .*not accepted.*<\/stream:stream>$/)
    expect(server.log.find('EXTERNAL not offered')).toMatchObject({ level: 'warn' })
  })

  it.each([
    { who: 'no certificate', credentials: undefined, told: 'not-authorized' },
    { who: 'a good one', credentials: alice, told: 'alice@localhost' },
  ])('disconnect_on_failure: $who goes on', async ({ credentials, told }) => {
    const server = await start({ disconnectOnFailure: true })
    expect(await attemptAt(server, { credentials, variant })).toMatchObject({ told })
  })
})

describe('several listeners in one server', () => {
  it('accept the certificates of their own CAs, and no others', async () => {
    const server = await startTestServer({
      ca,
      endpoints: [
        { host: '127.0.0.1', port: 0, mode: 'starttls', trust: plainTrust(own) },
        { host: '127.0.0.1', port: 0, mode: 'tls', trust: plainTrust(new TrustAnchors([foreign.credentials.cert])) },
      ],
    })
    running.push(server)
    const [starttls, , direct] = VARIANTS
    expect(await attemptAt(server, { credentials: alice, variant: starttls })).toMatchObject({
      told: 'alice@localhost',
    })
    expect(await attemptAt(server, { credentials: bob, variant: starttls })).toMatchObject({ offered: [] })
    expect(await attemptAt(server, { credentials: alice, variant: direct })).toMatchObject({ offered: [] })
    expect(await attemptAt(server, { credentials: bob, variant: direct })).toMatchObject({ told: 'bob@localhost' })
  })

  it('keep, when one is gone, the sessions that another one would let in', async () => {
    const [open, narrow] = endpoints({})
    const server = await startTestServer({
      ca,
      endpoints: [
        { ...open!, trust: plainTrust(both) },
        { ...narrow!, trust: plainTrust(own) },
      ],
    })
    running.push(server)
    const [stays, goes] = [
      await RawClient.online({ port: server.port, credentials: alice }),
      await RawClient.online({ port: server.port, credentials: bob }),
    ]
    await server.server.update({ ...server.options, endpoints: server.options.endpoints.slice(1) })
    expect(await goes.ended()).toMatch(/<stream:error><reset /)
    stays.send("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
    await stays.receive(/<iq [^>]*id="p"/)
    stays.destroy()
  })

  it.each([
    {
      name: 'selfsigned_peer',
      given: { verifyMode: 'selfsigned_peer' as const },
      login: {},
      warning: /everybody can log in/,
    },
    {
      name: 'auth_id',
      given: {},
      login: { policy: { sources: ['auth_id' as const], commonName: { prefix: '', suffix: '' } } },
      warning: /every user/,
    },
  ])('warn at the start of $name', async ({ given, login, warning }) => {
    const { log } = await start(given, { login })
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringMatching(warning) }),
    )
  })
})

describe.each(VARIANTS)('a CA that ends, over $transport, $version', (variant) => {
  it('between the offer and <auth/> takes its certificates with it', async () => {
    let now = new Date()
    const mortal = ca.issue({ subject: '/CN=Mortal', ca: true, validity: ['20200101000000Z', '20900101000000Z'] })
    const { key, cert } = ca.issueBelow(mortal, { ...CLIENT, subject: '/CN=dave', xmppAddrs: ['dave@localhost'] })
    const anchors = new TrustAnchors([ca.credentials.cert, mortal.cert])
    const server = await start({ anchors }, { login: { now: () => now } })
    const login = await Login.begin(server, {
      variant,
      credentials: { key, cert: new X509Certificate(cert).toString() },
    })
    expect(login.offered).toEqual(['EXTERNAL'])
    now = new Date('2095-01-01T00:00:00Z')
    expect(await login.auth()).toBe('not-authorized')
    expect(server.log.find('login refused')).toMatchObject({
      reason: expect.stringMatching(/^expired: its CA CN=Mortal: expired on 2090/),
    })
    login.client.destroy()
  })
})

describe.each(VARIANTS)('CRLs of a foreign CA, over $transport, $version', (variant) => {
  const crl = (given: Parameters<OpensslCa['crl']>[0]) => foreign.crl(given)
  const listsOf = (crls: readonly string[]) => revocationLists(crls, [foreign.credentials.cert], [...exempt])
  const STALE = ['20200101000000Z', '20200201000000Z'] as const
  const YES = Uint8Array.of(0xff)
  const entries = [entry(serialOf(bob))]
  const odd = (given: OddCrl) => encodePem('X509 CRL', oddCrl(foreign.credentials, given))
  const point = (...parts: Uint8Array[]) => extension('2.5.29.28', sequence(...parts), true)
  const elsewhere = context(0, context(0, contextPrimitive(6, Buffer.from('http://pki.example.org/1.crl'))))
  const weak: OddCrl = {
    algorithm: sequence(oid('1.2.840.10045.4.1')),
    signature: (tbs) => sign('sha1', tbs, foreign.credentials.key),
  }
  const CASES = {
    fresh: () => [crl({})],
    revoked: () => [crl({ revoked: [bob] })],
    stale: () => [crl({ validity: STALE })],
    'stale and revoked': () => [crl({ revoked: [bob], validity: STALE })],
    missing: () => [],
    'of users': () => [odd({ extensions: [point(contextPrimitive(1, YES))] })],
    'of users, revoked': () => [odd({ extensions: [point(contextPrimitive(1, YES))], entries })],
    'of another point': () => [odd({ extensions: [point(elsewhere)] })],
    'of another point, revoked': () => [odd({ extensions: [point(elsewhere)], entries })],
    weak: () => [odd(weak)],
    'weak, revoked': () => [odd({ ...weak, entries })],
    'badly signed, revoked': () => [odd({ entries, signature: () => Buffer.alloc(70) })],
    'without an algorithm, revoked': () => [odd({ entries, algorithm: sequence() })],
  }

  it.each([
    { lists: 'fresh', soft: 'in', hard: 'in' },
    { lists: 'revoked', soft: 'revoked', hard: 'revoked' },
    { lists: 'stale', soft: 'in', hard: 'crl-unknown' },
    { lists: 'stale and revoked', soft: 'revoked', hard: 'revoked' },
    { lists: 'missing', soft: 'in', hard: 'crl-unknown' },
    { lists: 'of users', soft: 'in', hard: 'in' },
    { lists: 'of users, revoked', soft: 'revoked', hard: 'revoked' },
    { lists: 'of another point', soft: 'in', hard: 'crl-unknown' },
    { lists: 'of another point, revoked', soft: 'revoked', hard: 'revoked' },
    { lists: 'weak', soft: 'in', hard: 'crl-unknown' },
    { lists: 'weak, revoked', soft: 'revoked', hard: 'revoked' },
    { lists: 'badly signed, revoked', soft: 'in', hard: 'crl-unknown' },
    { lists: 'without an algorithm, revoked', soft: 'in', hard: 'crl-unknown' },
  ] as const)('$lists: soft $soft, hard $hard (§4 no. 10, 15)', async ({ lists, ...expected }) => {
    for (const mode of ['soft', 'hard'] as const) {
      const revocation = { lists: await listsOf(CASES[lists]()), mode }
      const server = await start({ anchors: both, revocation })
      // Once for each of the two listeners.
      const announced = server.log.lines.filter(({ message }) => message === 'it is not known what a CA has revoked')
      expect(announced).toHaveLength(/^(?:stale|missing|weak|badly|without)/.test(lists) ? 2 : 0)
      const { told, offered, logged } = await attemptAt(server, { variant, credentials: bob })
      const check = expected[mode]
      expect({ told, offered, check: logged['check'] }).toEqual(
        check === 'in'
          ? { told: 'bob@localhost', offered: ['EXTERNAL'], check: undefined }
          : { told: 'not-authorized', offered: [], check },
      )
      // The CA of the ledger needs none: nobody else is locked out.
      expect(await attemptAt(server, { variant, credentials: alice })).toMatchObject({ told: 'alice@localhost' })
    }
  })

  it('end the sessions of what they revoke, and of nobody else', async () => {
    const server = await start({ anchors: both })
    const lists = await listsOf([crl({ revoked: [bob] })])
    const trust = { ...plainTrust(both), revocation: { lists, mode: 'soft' as const } }
    const victim = await onlineAt(server, { variant, credentials: bob })
    const other = await onlineAt(server, { variant, credentials: alice })
    await server.server.update({ ...server.options, endpoints: endpoints({ trust }) })
    expect(await victim.ended()).toMatch(/<stream:error><not-authorized /)
    other.send("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
    await other.receive(/<iq [^>]*id="p"/)
    other.destroy()
  })

  it('go stale while the server runs', async () => {
    let now = new Date('2020-01-15T00:00:00Z')
    const revocation = { lists: await listsOf(CASES.stale()), mode: 'hard' as const }
    const server = await start({ anchors: both, revocation }, { login: { now: () => now } })
    const login = await Login.begin(server, { variant, credentials: bob })
    expect(login.offered).toEqual(['EXTERNAL'])
    now = new Date('2020-02-02T00:00:00Z')
    expect(await login.auth()).toBe('not-authorized')
    expect(server.log.find('it is not known what a CA has revoked')).toMatchObject({ issuer: 'CN=Foreign CA' })
    login.client.destroy()
  })
})

describe.each(VARIANTS)('session tickets over $transport, $version', (variant) => {
  const tls = { ...DEFAULT_TLS, sessionTickets: true }

  /** The session of a connection that has been made and closed. */
  async function sessionOf(server: TestServer, credentials: Credentials): Promise<Buffer> {
    const client = await secured(server, { variant, credentials })
    // With what is answered the ticket has come.
    await client.open()
    const session = (client.socket as TLSSocket).getSession()
    client.destroy()
    if (session === undefined) throw new Error('no session')
    return session
  }

  async function resume(server: TestServer, credentials: Credentials, session: Buffer): Promise<Login> {
    const login = await Login.begin(server, { variant, credentials, tls: { session } })
    expect((login.client.socket as TLSSocket).isSessionReused()).toBe(true)
    return login
  }

  it.each([
    { since: 'nothing', told: 'alice@localhost' },
    { since: 'revoked', told: 'not-authorized' },
    { since: 'expired', told: 'not-authorized' },
  ])('resumed, and $since since: $told', async ({ since, told }) => {
    let now = () => new Date()
    const server = await start({}, { tls, login: { now: () => now() } })
    const session = await sessionOf(server, alice)
    const id = idBy(ca.credentials, alice)
    if (since === 'revoked') server.ledger.transaction((insert) => insert(issuedRecord({ ...id, revokedAt: 1 })))
    if (since === 'expired') now = () => new Date('2100-01-01T00:00:00Z')
    const login = await resume(server, alice, session)
    expect(login.offered).toEqual(since === 'nothing' ? ['EXTERNAL'] : [])
    expect(await login.auth()).toBe(told)
    login.client.destroy()
  })

  it('resumed without the intermediate CAs, which were there in the first handshake', async () => {
    const server = await start({}, { tls })
    const intermediate = ca.issue({ subject: '/CN=Devices', ca: true })
    const credentials = ca.issueBelow(intermediate, { ...CLIENT, subject: '/CN=dave' })
    const login = await resume(server, credentials, await sessionOf(server, credentials))
    expect(login.offered).toEqual(['EXTERNAL'])
    expect(await login.auth()).toBe('dave@localhost')
    login.client.destroy()
  })
})
