import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { OID } from '../../../src/pki/der/oids.ts'
import { plainTrust } from '../../../src/server/net/client-trust.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import type { RefusalName } from '../../../src/trust/refusal.ts'
import { type Credentials, OpensslCa } from '../../support/certificates/certificates.ts'
import { revocationLists } from '../../support/certificates/crls.ts'
import { general, type Made, madeRoot, NOON } from '../../support/certificates/small-pki.ts'
import { startTestServer, type TestServer } from '../../support/servers/server.ts'
import { attemptAt, Login, onlineAt, VARIANTS, type Variant, WAYS } from '../../support/streams/external-login.ts'

const serverCa = new OpensslCa()
const servers = new Map<string, Promise<TestServer>>()
afterAll(async () => {
  await Promise.all([...servers.values()].map(async (server) => (await server).stop()))
  serverCa.remove()
})

/** One server for each set of CAs. */
function serverFor(...anchors: readonly Made[]): Promise<TestServer> {
  const pems = anchors.map(({ pem }) => pem)
  const key = pems.join('')
  const made =
    servers.get(key) ?? startTestServer({ ca: serverCa, login: { anchors: new TrustAnchors(pems), now: () => NOON } })
  servers.set(key, made)
  return made
}

/** A client's key and certificate, with the CAs that it sends along. */
function chainOf(leaf: Made, ...sent: readonly Made[]): Credentials {
  const { key, cert } = leaf.credentials
  return { key, cert: cert + sent.map(({ pem }) => pem).join('') }
}

interface Case {
  readonly name: string
  readonly anchors: readonly Made[]
  readonly credentials: Credentials
  /** Undefined: alice@localhost logs in. */
  readonly check?: RefusalName
}

const HERE = { xmppAddrs: ['alice@localhost'] }
const root = madeRoot()
const issuing = root.authority('issuing')
const other = madeRoot('other')
const narrow = other.issue({ name: 'root', key: root.key, ca: true, purposes: [OID.serverAuth] })
const bound = madeRoot('bound', { permitted: [general.dns('example.org')] })
const boundHere = madeRoot('bound here', { permitted: [general.email('alice@localhost')] })
const shut = madeRoot('shut', { excluded: [general.dns('localhost')] })
const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
const curve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey
const alice = (by: Made) => by.client('alice', HERE)

/** external-auth.md §3a */
const CASES: readonly Case[] = [
  { name: 'a configured intermediate is an anchor', anchors: [issuing], credentials: chainOf(alice(issuing)) },
  {
    name: 'and whatever else the client sends changes nothing',
    anchors: [issuing],
    credentials: chainOf(alice(issuing), issuing, root),
  },
  {
    name: 'of two CAs with one name the one that has signed counts',
    anchors: [madeRoot(), root, madeRoot()],
    credentials: chainOf(alice(root)),
  },
  {
    name: 'a way that is not good keeps nobody from another that is',
    anchors: [root, other],
    credentials: chainOf(alice(root), narrow),
  },
  {
    name: 'but there must be one',
    anchors: [other],
    credentials: chainOf(alice(root), narrow),
    check: 'not-for-client-auth',
  },
  {
    name: 'a CA for other domains, an xmppAddr here',
    anchors: [bound],
    credentials: chainOf(alice(bound)),
    check: 'name-constraint',
  },
  {
    name: 'the same, a Common Name alone',
    anchors: [bound],
    credentials: chainOf(bound.client('alice', { xmppAddrs: [] })),
    check: 'name-constraint',
  },
  {
    name: 'the same, a Common Name that is a JID',
    anchors: [bound],
    credentials: chainOf(bound.client('alice@localhost', { xmppAddrs: [] })),
    check: 'name-constraint',
  },
  {
    name: 'a CA that may name everybody but those here',
    anchors: [shut],
    credentials: chainOf(alice(shut)),
    check: 'name-constraint',
  },
  { name: 'a CA for this one account', anchors: [boundHere], credentials: chainOf(alice(boundHere)) },
  {
    name: 'a CA for this one account, another one',
    anchors: [boundHere],
    credentials: chainOf(boundHere.client('bob', { xmppAddrs: ['bob@localhost'] })),
    check: 'name-constraint',
  },
  {
    name: 'an RSA key of 1024 bits',
    anchors: [root],
    credentials: chainOf(root.client('alice', { ...HERE, key: short })),
    check: 'weak-key',
  },
  {
    name: 'a signature that another CA of that name has made',
    anchors: [root],
    credentials: chainOf(alice(madeRoot())),
    check: 'bad-signature',
  },
]

describe.each(VARIANTS)('the path that is found is the path that is judged, $transport, $version', (variant) => {
  it.each(CASES)('$name: $check', async ({ anchors, credentials, check }) => {
    const server = await serverFor(...anchors)
    for (const how of WAYS) {
      // Newer versions of Node would not present what is too weak.
      const tls = { ciphers: 'DEFAULT:@SECLEVEL=0' }
      const login = await Login.begin(server, { credentials, variant, tls })
      expect(login.offered).toEqual(check === undefined ? ['EXTERNAL'] : [])
      expect(await login.auth(undefined, how)).toBe(check === undefined ? 'alice@localhost' : 'not-authorized')
      if (check !== undefined) expect(login.logged).toMatchObject({ check })
      login.client.destroy()
    }
  })
})

describe('keys that TLS does not take', () => {
  it('end in the handshake or at the login, never with an account', async () => {
    const server = await serverFor(root)
    const credentials = chainOf(root.client('alice', { ...HERE, key: curve }))
    const variant: Variant = { transport: 'direct TLS', version: 'TLSv1.2' }
    const told = await attemptAt(server, { credentials, variant }).catch(() => undefined)
    expect(told === undefined || told.told === 'not-authorized').toBe(true)
  })
})

describe('whoever is revoked is found by issuer and serial number', () => {
  it('so a partner CA may number as it likes', async () => {
    const partner = madeRoot('partner')
    const server = await startTestServer({
      ca: serverCa,
      login: { anchors: new TrustAnchors([root.pem, partner.pem]), now: () => NOON },
    })
    const [ours, theirs] = [
      root.client('alice', { ...HERE, serial: 1005 }),
      partner.client('bob', { serial: 1005, xmppAddrs: ['bob@localhost'] }),
    ]
    const bob = await onlineAt(server, { credentials: theirs.credentials })
    const session = await onlineAt(server, { credentials: ours.credentials })
    revoke(server, root, '03ed')
    await session.receive(/<not-authorized.*certificate revoked/)
    expect(await attemptAt(server, { credentials: ours.credentials })).toMatchObject({
      told: 'not-authorized',
      logged: { check: 'revoked' },
    })
    expect((await attemptAt(server, { credentials: theirs.credentials })).told).toBe('bob@localhost')
    bob.send("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
    expect(await bob.receive(/<iq[^>]*id="p"/)).toContain('result')
    await server.stop()
  })

  it('and a CA of the path counts, whether or not the client sends it', async () => {
    const server = await startTestServer({
      ca: serverCa,
      login: { anchors: new TrustAnchors([root.pem, issuing.pem]), now: () => NOON },
    })
    const sessions = await Promise.all(
      [chainOf(alice(issuing)), chainOf(alice(issuing), issuing)].map((credentials) =>
        onlineAt(server, { credentials }),
      ),
    )
    revoke(server, root, issuing.opened.serial)
    for (const session of sessions) await session.receive(/<not-authorized.*certificate revoked/)
    for (const credentials of [chainOf(alice(issuing)), chainOf(alice(issuing), issuing)]) {
      expect(await attemptAt(server, { credentials })).toMatchObject({
        told: 'not-authorized',
        logged: { check: 'revoked' },
      })
    }
    await server.stop()
  })
})

describe('an intermediate that is configured beside its root', () => {
  const [openssl, CLIENT] = [new OpensslCa(), { extendedKeyUsage: 'clientAuth' }]
  const devices = openssl.issue({ subject: '/CN=Devices', ca: true })
  const below = openssl.issueBelow(devices, { ...CLIENT, subject: '/CN=alice' })
  const leaf = { key: below.key, cert: new X509Certificate(below.cert).toString() }
  const pems = [devices.cert, openssl.credentials.cert]
  afterAll(() => openssl.remove())

  it.each(['soft', 'hard'] as const)('is looked up in the list of its root, %s', async (mode) => {
    const crls = [openssl.crl({ revoked: [devices] }), openssl.crl({ by: devices })]
    const anchors = new TrustAnchors(pems)
    const trust = { ...plainTrust(anchors), revocation: { lists: await revocationLists(crls, pems), mode } }
    const endpoint = { host: '127.0.0.1', port: 0, trust } as const
    const endpoints = (['starttls', 'tls'] as const).map((mode) => ({ ...endpoint, mode }))
    const server = await startTestServer({ ca: serverCa, login: { anchors }, endpoints })
    for (const credentials of [leaf, below]) {
      const { told, logged } = await attemptAt(server, { credentials })
      expect({ told, check: logged['check'] }).toEqual({ told: 'not-authorized', check: 'revoked' })
    }
    await server.stop()
  })
})

describe('a root that is issued again', () => {
  it('with name constraints ends the sessions that it no longer allows, and keeps the others', async () => {
    const start = (by: Made) => ({ anchors: new TrustAnchors([by.pem]), now: () => NOON })
    const server = await startTestServer({ ca: serverCa, login: start(root) })
    const stays = await onlineAt(server, { credentials: alice(root).credentials })
    const goes = await onlineAt(server, {
      credentials: root.client('bob', { xmppAddrs: ['bob@localhost'] }).credentials,
    })
    const again = madeRoot('root', { key: root.key, permitted: [general.email('alice@localhost')] })
    const { login, ...options } = server.options
    await server.server.update({ ...options, login: { ...login, ...start(again) } })
    expect(await goes.ended()).toContain('<reset')
    stays.send("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
    await stays.receive(/<iq[^>]*id="p"/)
    expect(server.log.find('the certificate of a session is not accepted any more')).toMatchObject({
      check: 'name-constraint',
    })
    await server.stop()
  })
})

describe('the bits that an RSA key has to have', () => {
  it('when they become more, end the sessions with fewer, though the path is remembered', async () => {
    const trust = plainTrust(new TrustAnchors([root.pem]))
    const endpoints = (['starttls', 'tls'] as const).map((mode) => ({ host: '127.0.0.1', port: 0, trust, mode }))
    const start = { anchors: trust.anchors, now: () => NOON, minRsaBits: 1024 }
    const server = await startTestServer({ ca: serverCa, login: start, endpoints })
    const { credentials } = root.client('alice', { ...HERE, key: short })
    const attempt = { credentials, variant: { transport: 'direct TLS', version: 'TLSv1.2' } } as const
    const tls = { ciphers: 'DEFAULT:@SECLEVEL=0' }
    const session = await onlineAt(server, { ...attempt, tls })
    const { login, ...options } = server.options
    await server.server.update({ ...options, login: { ...login, minRsaBits: 2048 } })
    expect(await session.ended()).toContain('<reset')
    expect(await attemptAt(server, { ...attempt, tls })).toMatchObject({
      told: 'not-authorized',
      logged: { check: 'weak-key' },
    })
    await server.stop()
  })
})

/** As `client revoke` and `ca issuing revoke` do in another process. */
function revoke({ ledger }: TestServer, by: Made, serial: string): void {
  const { id, certificate } = by.asAuthority
  const issued = { authority: id, issuer: certificate.serial, serial }
  ledger.transaction((insert, changes) => {
    insert({ ...RECORD, ...issued })
    changes.revoke(issued, { at: NOON.getTime(), reason: 'keyCompromise' })
  })
}

const RECORD = {
  kind: 'client',
  name: 'x@localhost',
  device: '',
  domains: [],
  fingerprint: '00',
  notBefore: 0,
  notAfter: 4e12,
  issuedAt: 0,
  directory: '/nowhere',
} as const
