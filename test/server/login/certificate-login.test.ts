import { X509Certificate } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import type { ExternalPolicy } from '../../../src/xmpp/sasl/external.ts'
import { OpensslCa } from '../../support/certificates/certificates.ts'
import { type Attempt, attemptAt, Login, PolicyServers, VARIANTS } from '../../support/streams/external-login.ts'

const CLIENT = { extendedKeyUsage: 'clientAuth' }
const ca = new OpensslCa()
const impostor = new OpensslCa()
const servers = new PolicyServers(ca)
afterAll(async () => {
  await servers.stop()
  ca.remove()
  impostor.remove()
})

const named = (commonName: string, ...xmppAddrs: string[]) =>
  ca.issue({ ...CLIENT, subject: `/CN=${commonName}`, xmppAddrs })

const john = named('john')
const bob = named('bob', 'bob@localhost')
const kate = named('kate', 'kate@localhost', 'kate@fed1')
const notAlice = named('not-alice', 'alice@localhost', 'alice@fed1')
const grace = named('grace', 'grace@fed1', 'grace@reg1')
const notMike = named('not-mike')

const DEFAULT: ExternalPolicy = { sources: ['xmpp_addr', 'common_name'], commonName: { prefix: '', suffix: '' } }

/** How servers read names, as MongooseIM calls it. */
const POLICIES: Readonly<Record<string, ExternalPolicy>> = {
  'standard, common_name': DEFAULT,
  standard: { ...DEFAULT, sources: ['xmpp_addr'] },
  affixes: { ...DEFAULT, commonName: { prefix: 'user_', suffix: '-test' } },
  'standard, auth_id': { ...DEFAULT, sources: ['xmpp_addr', 'auth_id'] },
}

interface Row extends Attempt {
  readonly server?: string
}

const attempt = async ({ server = 'standard, common_name', ...row }: Row) =>
  attemptAt(await servers.get(POLICIES[server] ?? DEFAULT), row)
const begin = async (row: Attempt) => Login.begin(await servers.get(DEFAULT), row)

describe.each(VARIANTS)('the cases of MongooseIM over $transport, $version', (variant) => {
  it.each([
    { server: 'standard', who: 'john', credentials: john, told: 'not-authorized' },
    { server: 'standard', who: 'john', credentials: john, authzid: 'john@localhost', told: 'not-authorized' },
    { server: 'standard', who: 'bob', credentials: bob, told: 'bob@localhost' },
    { server: 'standard', who: 'bob', credentials: bob, authzid: 'bob@localhost', told: 'bob@localhost' },
    { server: 'standard', who: 'bob', credentials: bob, authzid: 'alice@localhost', told: 'invalid-authzid' },
    { server: 'standard', who: 'kate', credentials: kate, authzid: 'kate@localhost', told: 'kate@localhost' },
    { server: 'standard', who: 'not-alice', credentials: notAlice, told: 'invalid-authzid' },
    {
      server: 'standard',
      who: 'not-alice',
      credentials: notAlice,
      authzid: 'alice@localhost',
      told: 'alice@localhost',
    },
    { server: 'standard', who: 'grace', credentials: grace, authzid: 'grace@localhost', told: 'invalid-authzid' },
    { server: 'standard, common_name', who: 'john', credentials: john, told: 'john@localhost' },
    {
      server: 'standard, common_name',
      who: 'john',
      credentials: john,
      authzid: 'john@localhost',
      told: 'john@localhost',
    },
    {
      server: 'standard, common_name',
      who: 'john',
      credentials: john,
      authzid: 'mike@localhost',
      told: 'invalid-authzid',
    },
    { server: 'standard, common_name', who: 'grace', credentials: grace, told: 'invalid-authzid' },
    {
      server: 'standard, common_name',
      who: 'grace',
      credentials: grace,
      authzid: 'grace@localhost',
      told: 'invalid-authzid',
    },
    { server: 'affixes', who: 'john', credentials: john, told: 'user_john-test@localhost' },
    {
      server: 'standard, common_name',
      who: 'not-mike',
      credentials: notMike,
      authzid: 'mike@localhost',
      told: 'invalid-authzid',
    },
    { server: 'standard, auth_id', who: 'not-mike', credentials: notMike, told: 'not-authorized' },
    {
      server: 'standard, auth_id',
      who: 'not-mike',
      credentials: notMike,
      authzid: 'mike@localhost',
      told: 'mike@localhost',
    },
    {
      server: 'standard, auth_id',
      who: 'not-mike',
      credentials: notMike,
      authzid: 'mike@other.example',
      told: 'invalid-authzid',
    },
    { server: 'standard, auth_id', who: 'bob', credentials: bob, authzid: 'mike@localhost', told: 'invalid-authzid' },
    {
      server: 'standard',
      who: 'one with an unknown critical extension',
      credentials: ca.issue({ ...CLIENT, subject: '/CN=bob', extensions: ['1.2.3.4=critical,ASN1:NULL'] }),
      told: 'not-authorized',
      offered: [],
    },
    {
      server: 'standard',
      who: 'nobody, without certificate',
      credentials: undefined,
      told: 'not-authorized',
      offered: [],
    },
  ])('$server: $who, authzid $authzid: $told', async ({ told, offered = ['EXTERNAL'], ...row }) => {
    expect(await attempt({ ...row, variant })).toMatchObject({ told, offered })
  })
})

const expired = ca.issue({ ...CLIENT, subject: '/CN=bob', validity: ['20200101000000Z', '20200201000000Z'] })

describe.each(VARIANTS)('mistakes of other servers (external-auth.md §4) over $transport, $version', (variant) => {
  it.each([
    {
      name: '1: no xmppAddr, any authzid',
      credentials: ca.issue({ ...CLIENT, subject: '/O=device' }),
      authzid: 'alice@localhost',
      told: 'not-authorized',
    },
    {
      name: '1: a CN, any authzid',
      credentials: john,
      authzid: 'alice@localhost',
      told: 'invalid-authzid',
    },
    {
      name: '2: xmppAddr is the domain',
      credentials: named('localhost', 'localhost'),
      authzid: 'alice@localhost',
      told: 'invalid-authzid',
    },
    {
      name: '2: xmppAddr is the domain, no authzid',
      credentials: named('alice', 'localhost'),
      told: 'not-authorized',
    },
    {
      name: '3: an address elsewhere and that authzid',
      credentials: named('alice', 'alice@other.example'),
      authzid: 'alice@other.example',
      told: 'invalid-authzid',
    },
    {
      name: '3: an address elsewhere, no authzid',
      credentials: named('alice', 'alice@other.example'),
      told: 'not-authorized',
    },
    { name: '4: capitals', credentials: named('x', 'ALICE@localhost'), told: 'alice@localhost' },
    { name: '4: capitals in the CN', credentials: named('ALICE'), told: 'alice@localhost' },
    { name: '4: capitals in the authzid', credentials: bob, authzid: 'BOB@LOCALHOST', told: 'bob@localhost' },
    {
      name: '12: a name inside a name',
      credentials: ca.issue({ ...CLIENT, subject: '/OU=CN=admin,/CN=mallory' }),
      told: 'mallory@localhost',
    },
    {
      name: '12: nothing but a name inside a name',
      credentials: ca.issue({ ...CLIENT, subject: '/OU=CN=admin' }),
      told: 'not-authorized',
    },
    {
      name: '12: a CN that spells another',
      credentials: ca.issue({ ...CLIENT, subject: '/CN=mallory,CN=admin' }),
      told: 'mallory,cn=admin@localhost',
    },
    {
      name: 'two CNs',
      credentials: ca.issue({ ...CLIENT, subject: '/CN=mallory/CN=admin' }),
      authzid: 'admin@localhost',
      told: 'not-authorized',
    },
    {
      name: 'two CNs in one relative name',
      credentials: ca.issue({ ...CLIENT, subject: '/CN=mallory+CN=admin' }),
      told: 'not-authorized',
    },
    {
      name: 'e-mail is not a source',
      credentials: ca.issue({ ...CLIENT, subject: '/O=x', emails: ['alice@localhost'] }),
      told: 'not-authorized',
    },
    {
      name: 'host name is not a source',
      credentials: ca.issue({ ...CLIENT, subject: '/O=x', dnsNames: ['alice'] }),
      told: 'not-authorized',
    },
  ])('no. $name: $told', async ({ told, ...row }) => {
    expect((await attempt({ ...row, variant })).told).toBe(told)
  })

  it.each([
    { name: 'and an empty response', authzid: undefined, told: 'bob@localhost' },
    { name: 'and the address', authzid: 'bob@localhost', told: 'bob@localhost' },
    { name: 'and another address', authzid: 'alice@localhost', told: 'invalid-authzid' },
  ])('no. 5: an empty <auth/> is answered with an empty challenge, $name decides: $told', async ({ authzid, told }) => {
    const login = await begin({ credentials: bob, variant })
    expect(await login.say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'/>")).toBe(
      '<challenge xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>',
    )
    const body = Buffer.from(authzid ?? '').toString('base64')
    expect(await login.say(`<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${body}</response>`)).toBe(told)
    login.client.destroy()
  })

  it('no. 14: after a bad certificate the stream goes on', async () => {
    const login = await begin({ credentials: expired, variant })
    expect(await login.auth()).toBe('not-authorized')
    expect(await login.auth()).toBe('not-authorized')
    expect(login.client.isClosed).toBe(false)
    login.client.destroy()
  })

  it('one line of log for one connection, however often it tries', async () => {
    const login = await begin({ credentials: expired, variant })
    await login.auth()
    await login.auth()
    expect(login.server.log.lines.filter(({ message }) => message === 'EXTERNAL not offered')).toHaveLength(1)
    login.client.destroy()
  })
})

describe.each(VARIANTS)('certificates that others make, over $transport, $version', (variant) => {
  it('version 1 as in the guide logs in by its Common Name', async () => {
    const credentials = ca.issueAsInTheGuide('dave')
    expect(await attempt({ variant, credentials })).toMatchObject({ told: 'dave@localhost', offered: ['EXTERNAL'] })
    expect(await attempt({ variant, credentials, server: 'standard' })).toMatchObject({ told: 'not-authorized' })
  })

  it('below an intermediate CA that the client sends along', async () => {
    const intermediate = ca.issue({ subject: '/CN=Devices', ca: true })
    const credentials = ca.issueBelow(intermediate, { ...CLIENT, subject: '/CN=dave' })
    expect(await attempt({ variant, credentials })).toMatchObject({ told: 'dave@localhost' })
    const alone = { ...credentials, cert: new X509Certificate(credentials.cert).toString() }
    expect(await attempt({ variant, credentials: alone })).toMatchObject({ told: 'not-authorized', offered: [] })
  })

  it.each([
    { name: 'without a word on its purpose', request: { subject: '/CN=dave' }, told: 'dave@localhost' },
    {
      name: 'for clients and servers',
      request: { subject: '/CN=dave', extendedKeyUsage: 'clientAuth,serverAuth' },
      told: 'dave@localhost',
    },
    {
      // RFC 5280 §4.2.1.12 lets us insist on the purpose, as OpenSSL does.
      name: 'for any purpose',
      request: { subject: '/CN=dave', extendedKeyUsage: 'anyExtendedKeyUsage' },
      told: 'not-authorized',
    },
  ])('$name: $told', async ({ request, told }) => {
    expect(await attempt({ variant, credentials: ca.issue(request) })).toMatchObject({ told })
  })

  it('with a heap of others beside it', async () => {
    const cert = bob.cert + kate.cert + grace.cert + impostor.credentials.cert + ca.credentials.cert + bob.cert
    expect(await attempt({ variant, credentials: { ...bob, cert } })).toMatchObject({ told: 'bob@localhost' })
  })
})
