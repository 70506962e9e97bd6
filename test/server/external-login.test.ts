import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ExternalPolicy } from '../../src/xmpp/sasl/external.ts'
import { OpensslCa } from '../support/certificates.ts'
import { type Attempt, attemptAt, Login, VARIANTS } from '../support/external-login.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const CLIENT = { extendedKeyUsage: 'clientAuth' }
const ca = new OpensslCa()
const impostor = new OpensslCa()
const policy: ExternalPolicy = { sources: ['xmpp_addr', 'common_name'], commonName: { prefix: '', suffix: '' } }

const named = (commonName: string, ...xmppAddrs: string[]) =>
  ca.issue({ ...CLIENT, subject: `/CN=${commonName}`, xmppAddrs })

const john = named('john')
const bob = named('bob', 'bob@localhost')
const kate = named('kate', 'kate@localhost', 'kate@fed1')
const notAlice = named('not-alice', 'alice@localhost', 'alice@fed1')
const grace = named('grace', 'grace@fed1', 'grace@reg1')
const notMike = named('not-mike')
const mail = ca.issue({ ...CLIENT, subject: '/CN=cert', emails: ['mia@localhost', 'mia@other.example'] })
const uid = ca.issue({ ...CLIENT, subject: '/UID=uma/CN=cert' })

/** One server for each way to read names, all with the same CA. */
const servers = new Map<string, TestServer>()

beforeAll(async () => {
  const policies: Record<string, ExternalPolicy> = {
    'standard, common_name': policy,
    standard: { ...policy, sources: ['xmpp_addr'] },
    affixes: { ...policy, commonName: { prefix: 'user_', suffix: '-test' } },
    'standard, auth_id': { ...policy, sources: ['xmpp_addr', 'auth_id'] },
    'standard, email, uid': { ...policy, sources: ['xmpp_addr', 'email', 'uid'] },
    'common_name, standard': { ...policy, sources: ['common_name', 'xmpp_addr'] },
  }
  for (const [name, reading] of Object.entries(policies)) {
    servers.set(name, await startTestServer({ ca, login: { policy: reading } }))
  }
})
afterAll(async () => {
  await Promise.all([...servers.values()].map((server) => server.stop()))
  ca.remove()
  impostor.remove()
})

interface Row extends Attempt {
  readonly server?: string
}

const attempt = ({ server = 'standard, common_name', ...row }: Row) => attemptAt(servers.get(server)!, row)
const begin = (row: Attempt) => Login.begin(servers.get('standard, common_name')!, row)

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
    { server: 'standard, email, uid', who: 'mia, by e-mail', credentials: mail, told: 'mia@localhost' },
    {
      server: 'standard, email, uid',
      who: 'mia, by e-mail',
      credentials: mail,
      authzid: 'bob@localhost',
      told: 'invalid-authzid',
    },
    { server: 'standard, email, uid', who: 'uma, by UID', credentials: uid, told: 'uma@localhost' },
    { server: 'standard, email, uid', who: 'john', credentials: john, told: 'not-authorized' },
    { server: 'common_name, standard', who: 'bob', credentials: bob, told: 'bob@localhost' },
    { server: 'common_name, standard', who: 'grace', credentials: grace, told: 'invalid-authzid' },
  ])('$server: $who, authzid $authzid: $told', async ({ told, ...row }) => {
    expect(await attempt({ ...row, variant })).toMatchObject({ told, offered: ['EXTERNAL'] })
  })
})

const expired = ca.issue({ ...CLIENT, subject: '/CN=bob', validity: ['20200101000000Z', '20200201000000Z'] })

describe('mistakes of other servers (external-auth.md §4)', () => {
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
    expect((await attempt(row)).told).toBe(told)
  })

  it('no. 5: an empty <auth/> is answered with a challenge, and the response decides', async () => {
    const login = await begin({ credentials: bob })
    expect(await login.say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'/>")).toBe(
      '<challenge xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>',
    )
    const body = Buffer.from('bob@localhost').toString('base64')
    expect(await login.say(`<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${body}</response>`)).toBe(
      'bob@localhost',
    )
    login.client.destroy()
  })

  it('no. 14: after a bad certificate the stream goes on', async () => {
    const login = await begin({ credentials: expired })
    expect(await login.auth()).toBe('not-authorized')
    expect(await login.auth()).toBe('not-authorized')
    expect(login.client.isClosed).toBe(false)
    login.client.destroy()
  })

  it('one line of log for one connection, however often it tries', async () => {
    const login = await begin({ credentials: expired })
    await login.auth()
    await login.auth()
    expect(login.server.log.lines.filter(({ message }) => message === 'EXTERNAL not offered')).toHaveLength(1)
    login.client.destroy()
  })
})

describe('certificates that others make', () => {
  it('version 1 as in the guide logs in by its Common Name', async () => {
    const credentials = ca.issueAsInTheGuide('dave')
    expect(await attempt({ credentials })).toMatchObject({ told: 'dave@localhost', offered: ['EXTERNAL'] })
    expect(await attempt({ credentials, server: 'standard' })).toMatchObject({ told: 'not-authorized' })
  })

  it('below an intermediate CA that the client sends along', async () => {
    const intermediate = ca.issue({ subject: '/CN=Devices', ca: true })
    const credentials = ca.issueBelow(intermediate, { ...CLIENT, subject: '/CN=dave' })
    expect(await attempt({ credentials })).toMatchObject({ told: 'dave@localhost' })
    const alone = { ...credentials, cert: new X509Certificate(credentials.cert).toString() }
    expect(await attempt({ credentials: alone })).toMatchObject({ told: 'not-authorized', offered: [] })
  })

  it('with a heap of others beside it', async () => {
    const cert = bob.cert + kate.cert + grace.cert + impostor.credentials.cert + ca.credentials.cert + bob.cert
    expect(await attempt({ credentials: { ...bob, cert } })).toMatchObject({ told: 'bob@localhost' })
  })
})
