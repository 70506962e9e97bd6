import { X509Certificate } from 'node:crypto'
import type { ConnectionOptions } from 'node:tls'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ExternalPolicy } from '../../src/xmpp/sasl/external.ts'
import { type Credentials, OpensslCa, withOtherSignature } from '../support/certificates.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { external, RawClient } from '../support/xmpp-client.ts'

const CLIENT = { extendedKeyUsage: 'clientAuth' }
const ca = new OpensslCa()
const impostor = new OpensslCa()
const policy: ExternalPolicy = { sources: ['xmpp_addr', 'common_name'], commonName: { prefix: '', suffix: '' } }
let now = () => new Date()

const named = (commonName: string, ...xmppAddrs: string[]) =>
  ca.issue({ ...CLIENT, subject: `/CN=${commonName}`, xmppAddrs })

const john = named('john')
const bob = named('bob', 'bob@localhost')
const kate = named('kate', 'kate@localhost', 'kate@fed1')
const notAlice = named('not-alice', 'alice@localhost', 'alice@fed1')
const grace = named('grace', 'grace@fed1', 'grace@reg1')

/** One server for each way to read names, all with the same CA. */
const servers = new Map<string, TestServer>()

beforeAll(async () => {
  const policies: Record<string, ExternalPolicy> = {
    'standard, common_name': policy,
    standard: { ...policy, sources: ['xmpp_addr'] },
    affixes: { ...policy, commonName: { prefix: 'user_', suffix: '-test' } },
  }
  for (const [name, reading] of Object.entries(policies)) {
    servers.set(name, await startTestServer({ ca, login: { policy: reading, now: () => now() } }))
  }
})
afterAll(async () => {
  await Promise.all([...servers.values()].map((server) => server.stop()))
  ca.remove()
  impostor.remove()
})

const VARIANTS = [
  { transport: 'STARTTLS', version: 'TLSv1.3' },
  { transport: 'STARTTLS', version: 'TLSv1.2' },
  { transport: 'direct TLS', version: 'TLSv1.3' },
  { transport: 'direct TLS', version: 'TLSv1.2' },
] as const

interface Attempt {
  readonly credentials?: Credentials | undefined
  readonly authzid?: string | undefined
  readonly server?: string
  readonly from?: string
  readonly variant?: (typeof VARIANTS)[number]
  readonly tls?: ConnectionOptions
}

const ANSWER = /<(success|failure|challenge|stream:error)[^>]*?(?:\/>|>.*?<\/\1>)/s

/** What a client is told: its JID, a SASL condition, or a stream error. */
function tell(answer: string): string {
  return answer.startsWith('<success') ? 'success' : answer.replace(/^<[^>]*><([\w-]+).*$/s, '$1')
}

class Login {
  readonly client: RawClient
  readonly features: string
  readonly server: TestServer

  constructor(client: RawClient, features: string, server: TestServer) {
    this.client = client
    this.features = features
    this.server = server
  }

  static async begin({ credentials, server = 'standard, common_name', from, variant, tls }: Attempt): Promise<Login> {
    const t = servers.get(server)!
    const { transport, version } = variant ?? VARIANTS[0]
    const options = {
      ...(credentials === undefined ? {} : { credentials }),
      ...(from === undefined ? {} : { from }),
      tls: { minVersion: version, maxVersion: version, ...tls } as const,
    }
    t.log.lines.length = 0
    if (transport === 'direct TLS') {
      const client = await RawClient.direct({ port: t.tlsPort, ...options })
      return new Login(client, await client.open(), t)
    }
    const client = await RawClient.plain({ port: t.port, ...options })
    await client.open()
    await client.startTls()
    return new Login(client, await client.open(), t)
  }

  get offered(): string[] {
    return [...this.features.matchAll(/<mechanism>(.*?)<\/mechanism>/g)].map(([, name]) => name ?? '')
  }

  get logged(): Readonly<Record<string, unknown>> {
    return this.server.log.find('EXTERNAL not offered') ?? {}
  }

  /** Sends an element; a success goes on to a bound resource. */
  async say(text: string): Promise<string> {
    this.client.send(text)
    const told = tell(await this.client.receive(ANSWER))
    if (told !== 'success') return told
    await this.client.open()
    return (await this.client.bind()).replace(/\/.*$/, '')
  }

  async auth(authzid?: string): Promise<string> {
    const told = await this.say(external(authzid))
    return told
  }
}

async function attempt(options: Attempt): Promise<{ told: string; offered: string[]; logged: Login['logged'] }> {
  const login = await Login.begin(options)
  const told = await login.auth(options.authzid)
  login.client.destroy()
  return { told, offered: login.offered, logged: login.logged }
}

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
  ])('$server: $who, authzid $authzid: $told', async ({ told, ...row }) => {
    expect(await attempt({ ...row, variant })).toMatchObject({ told, offered: ['EXTERNAL'] })
  })
})

const now2020 = ['20200101000000Z', '20200201000000Z'] as const
const later = ['20980101000000Z', '20990101000000Z'] as const

/** A certificate that the CA really signed, but that must not open anything, and the check that says so. */
const BAD: readonly { name: string; credentials: Credentials; check: string; reason: RegExp }[] = [
  {
    name: 'expired',
    credentials: ca.issue({ ...CLIENT, subject: '/CN=bob', xmppAddrs: ['bob@localhost'], validity: now2020 }),
    check: 'validity',
    reason: /^expired on 2020-02-01T00:00:00/,
  },
  {
    name: 'not valid yet',
    credentials: ca.issue({ ...CLIENT, subject: '/CN=bob', xmppAddrs: ['bob@localhost'], validity: later }),
    check: 'validity',
    reason: /^not valid before 2098/,
  },
  {
    name: 'unknown critical extension',
    credentials: ca.issue({ ...CLIENT, subject: '/CN=bob', extensions: ['1.2.3.4=critical,ASN1:NULL'] }),
    check: 'critical-extension',
    reason: /1\.2\.3\.4/,
  },
  {
    name: 'for servers only',
    credentials: ca.issue({ subject: '/CN=bob', extendedKeyUsage: 'serverAuth' }),
    check: 'extended-key-usage',
    reason: /clientAuth/,
  },
  {
    name: 'for key agreement only',
    credentials: ca.issue({ ...CLIENT, subject: '/CN=bob', extensions: ['keyUsage=critical,keyAgreement'] }),
    check: 'key-usage',
    reason: /digitalSignature/,
  },
  {
    name: 'self-signed',
    credentials: ca.selfSigned({ ...CLIENT, subject: '/CN=bob', xmppAddrs: ['bob@localhost'] }),
    check: 'issuer',
    reason: /DEPTH_ZERO_SELF_SIGNED_CERT/,
  },
  {
    name: 'another CA with the same name',
    credentials: impostor.issue({ ...CLIENT, subject: '/CN=bob', xmppAddrs: ['bob@localhost'] }),
    check: 'issuer',
    reason: /CERT_SIGNATURE_FAILURE|UNABLE_TO/,
  },
  {
    name: 'another CA that sends itself along',
    credentials: impostor.issueBelow(impostor.credentials, { ...CLIENT, subject: '/CN=bob' }),
    check: 'issuer',
    reason: /[A-Z_]+/,
  },
  {
    name: 'issued by a client',
    credentials: ca.issueBelow(bob, { ...CLIENT, subject: '/CN=alice', xmppAddrs: ['alice@localhost'] }),
    check: 'issuer',
    reason: /[A-Z_]+/,
  },
  {
    name: 'NUL in the CN',
    credentials: ca.reissue(named('adminXmallory'), 'adminX', 'admin\0'),
    check: 'malformed',
    reason: /NUL/,
  },
  {
    name: 'NUL in the xmppAddr',
    credentials: ca.reissue(named('m', 'admin@localhostXmallory'), 'localhostX', 'localhost\0'),
    check: 'malformed',
    reason: /xmppAddr contains NUL/,
  },
  {
    name: 'xmppAddr that is not UTF-8',
    credentials: ca.reissue(named('admin', 'bob@localhost'), 'bob@', 'b\xffb@'),
    check: 'malformed',
    reason: /xmppAddr/,
  },
  {
    name: 'xmppAddr of another string type',
    credentials: ca.issue({
      ...CLIENT,
      subject: '/CN=admin',
      extensions: ['subjectAltName=otherName:1.3.6.1.5.5.7.8.5;IA5STRING:bob@localhost'],
    }),
    check: 'malformed',
    reason: /xmppAddr is not a string of its type/,
  },
  {
    name: 'the CA itself',
    credentials: ca.credentials,
    check: 'key-usage',
    reason: /digitalSignature/,
  },
]

describe.each(VARIANTS)('bad certificates over $transport, $version', (variant) => {
  // external-auth.md §4: 9, 11, 12, 14. Node would reset the connection; here the stream opens, without EXTERNAL.
  it.each(BAD)('$name: EXTERNAL is not offered and not granted, and the log says why', async (row) => {
    const { told, offered, logged } = await attempt({ credentials: row.credentials, variant })
    expect({ told, offered }).toEqual({ told: 'not-authorized', offered: [] })
    const { subject, serialNumber } = new X509Certificate(row.credentials.cert)
    expect(logged).toMatchObject({
      level: 'warn',
      check: row.check,
      reason: expect.stringMatching(row.reason),
      issuer: expect.stringMatching(/^CN=/),
      serial: serialNumber.toLowerCase(),
      remote: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    })
    expect(logged['subject']).toContain(subject.replace('\\0', '').slice(0, 4))
  })

  it('no certificate: EXTERNAL is not offered, and forced it is refused (§4 no. 6)', async () => {
    expect(await attempt({ variant })).toMatchObject({ told: 'not-authorized', offered: [] })
  })
})

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
    const login = await Login.begin({ credentials: bob })
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
    const login = await Login.begin({ credentials: BAD[0]!.credentials })
    expect(await login.auth()).toBe('not-authorized')
    expect(await login.auth()).toBe('not-authorized')
    expect(login.client.isClosed).toBe(false)
    login.client.destroy()
  })

  it('one line of log for one connection, however often it tries', async () => {
    const login = await Login.begin({ credentials: BAD[0]!.credentials })
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

describe('time passes between the handshake and <auth/>', () => {
  const shortLived = ca.issue({ ...CLIENT, subject: '/CN=dave', validity: ['20200101000000Z', '20900101000000Z'] })
  const EMPTY_AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'/>"
  const RESPONSE = "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>=</response>"
  const after = () => new Date('2095-01-01T00:00:00Z')

  function revoke(t: TestServer, { cert }: Credentials): void {
    const { serialNumber, raw } = new X509Certificate(cert)
    const fingerprint = new X509Certificate(raw).fingerprint256.replaceAll(':', '').toLowerCase()
    t.ledger.transaction((insert) =>
      insert({
        serial: serialNumber.toLowerCase(),
        kind: 'client',
        issuer: 'ca',
        name: 'x@localhost',
        device: '',
        domains: [],
        fingerprint,
        notBefore: 0,
        notAfter: Date.UTC(2099),
        issuedAt: 0,
        directory: '/nonexistent',
        revokedAt: Date.UTC(2021, 0, 2),
      }),
    )
  }

  it.each([
    { when: 'before <auth/>', expire: 0 },
    { when: 'between challenge and response', expire: 1 },
  ])('the certificate expires $when', async ({ expire }) => {
    const login = await Login.begin({ credentials: shortLived })
    expect(login.offered).toEqual(['EXTERNAL'])
    try {
      if (expire === 0) now = after
      const told = await login.say(EMPTY_AUTH)
      if (expire === 1) now = after
      expect(expire === 0 ? told : await login.say(RESPONSE)).toBe('not-authorized')
    } finally {
      now = () => new Date()
      login.client.destroy()
    }
  })

  it.each([
    { when: 'before the handshake', revokeAt: 0 },
    { when: 'before <auth/>', revokeAt: 1 },
    { when: 'between challenge and response', revokeAt: 2 },
  ])('the certificate is revoked $when (§4 no. 7)', async ({ revokeAt }) => {
    const credentials = named('erin', 'erin@localhost')
    const t = servers.get('standard, common_name')!
    if (revokeAt === 0) revoke(t, credentials)
    const login = await Login.begin({ credentials })
    expect(login.offered).toEqual(revokeAt === 0 ? [] : ['EXTERNAL'])
    if (revokeAt === 0)
      expect(login.logged).toMatchObject({ check: 'revocation', reason: expect.stringContaining('2021-01-02') })
    if (revokeAt === 1) revoke(t, credentials)
    let told = await login.say(EMPTY_AUTH)
    if (revokeAt === 2) {
      revoke(t, credentials)
      told = await login.say(RESPONSE)
    }
    expect(told).toBe('not-authorized')
    login.client.destroy()
  })

  it('a revoked certificate is revoked under its other signature too', async () => {
    const credentials = named('erin', 'erin@localhost')
    const twin = withOtherSignature(credentials)
    expect((await attempt({ credentials: twin })).told).toBe('erin@localhost')
    revoke(servers.get('standard, common_name')!, credentials)
    expect(await attempt({ credentials })).toMatchObject({ told: 'not-authorized', offered: [] })
    expect(await attempt({ credentials: twin })).toMatchObject({ told: 'not-authorized', offered: [] })
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'no session is resumed: a new connection is a new handshake (%s)',
    async (version) => {
      const t = servers.get('standard, common_name')!
      const options = {
        port: t.tlsPort,
        host: '127.0.0.1',
        servername: 'localhost',
        rejectUnauthorized: false,
        ...bob,
        minVersion: version,
        maxVersion: version,
      }
      const session = await new Promise<Buffer | undefined>((resolve) => {
        const first = connect(options, () => {
          first.write(' ')
          setTimeout(() => resolve(first.getSession()), 50)
        })
        first.once('session', resolve)
        first.resume()
      })
      const resumed = await new Promise<boolean>((resolve, reject) => {
        const second = connect({ ...options, ...(session === undefined ? {} : { session }) }, () => {
          resolve(second.isSessionReused())
          second.destroy()
        }).on('error', reject)
      })
      expect(resumed).toBe(false)
    },
  )
})

describe('streams', () => {
  it.each([
    { name: 'same account', from: 'bob@localhost', told: 'bob@localhost' },
    { name: 'same account in capitals, with resource', from: 'BOB@localhost/x', told: 'bob@localhost' },
    { name: 'another account', from: 'alice@localhost', told: 'invalid-from' },
    { name: 'another domain', from: 'bob@other.example', told: 'invalid-from' },
  ])('from of the stream: $name: $told (RFC 6120 §4.7.1)', async ({ from, told }) => {
    const login = await Login.begin({ credentials: bob, from })
    expect(await login.auth()).toBe(told)
    if (told === 'invalid-from') {
      await login.client.ended()
      expect(login.server.log.find('logged in')).toBeUndefined()
    }
    login.client.destroy()
  })

  it('from may not change after the login', async () => {
    const { client } = await Login.begin({ credentials: bob })
    client.send(external())
    await client.receive(/<success[^>]*>/)
    client.send(
      "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' from='alice@localhost' version='1.0'>",
    )
    await client.receive(/<stream:error><invalid-from/)
    await client.ended()
  })

  it('a second attempt on the same stream may succeed (RFC 6120 §6.4.5)', async () => {
    const login = await Login.begin({ credentials: kate })
    expect(await login.auth()).toBe('invalid-authzid')
    expect(await login.auth('alice@localhost')).toBe('invalid-authzid')
    expect(await login.auth('kate@localhost')).toBe('kate@localhost')
    expect(login.server.log.find('login refused')).toMatchObject({
      condition: 'invalid-authzid',
      reason: expect.stringContaining('several'),
    })
    login.client.destroy()
  })

  it('the third failure closes it', async () => {
    const login = await Login.begin({ credentials: kate })
    for (const _ of [1, 2, 3]) expect(await login.auth()).toBe('invalid-authzid')
    expect(await login.client.ended()).toMatch(/^<stream:error><policy-violation .*<\/stream:error><\/stream:stream>$/)
  })

  it('a full JID in the certificate fixes the resource, and takes it over (XEP-0257 §4)', async () => {
    const credentials = named('bob', 'bob@localhost/phone')
    const { client: older } = await Login.begin({ credentials: bob })
    older.send(external())
    await older.receive(/<success[^>]*>/)
    await older.open()
    expect(await older.bind('phone')).toBe('bob@localhost/phone')
    const { client } = await Login.begin({ credentials })
    client.send(external())
    await client.receive(/<success[^>]*>/)
    await client.open()
    client.send(
      "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>tablet</resource></bind></iq>",
    )
    await client.receive(/<iq type="error".*<not-allowed.*<\/iq>/)
    expect(await client.bind()).toBe('bob@localhost/phone')
    expect(await older.ended()).toContain('<conflict')
    client.destroy()
  })
})

describe('TLS', () => {
  it('is not negotiated anew: nobody changes the certificate on the way', async () => {
    const { client } = await Login.begin({ credentials: bob, variant: VARIANTS[1] })
    const socket = client.socket as TLSSocket
    const refused = new Promise((resolve) => {
      socket.renegotiate({ rejectUnauthorized: false }, resolve)
      socket.once('error', resolve)
    })
    expect(await refused).toBeInstanceOf(Error)
    client.destroy()
  })

  it('names the client CA, so that GnuTLS clients send a certificate', async () => {
    const t = servers.get('standard')!
    const { execFile } = await import('node:child_process')
    const output = await new Promise<string>((resolve) => {
      const child = execFile(
        'openssl',
        ['s_client', '-connect', `127.0.0.1:${t.port}`, '-starttls', 'xmpp', '-xmpphost', 'localhost'],
        { timeout: 10_000 },
        (_, stdout) => resolve(stdout),
      )
      child.stdin?.end()
    })
    expect(output).toMatch(/Acceptable client certificate CA names\nCN = Test CA/)
  })

  it.each([
    { name: 'xmpp-client', ALPNProtocols: ['xmpp-client'], expected: 'xmpp-client' },
    { name: 'none', ALPNProtocols: undefined, expected: false },
  ])('ALPN $name is taken (XEP-0368)', async ({ ALPNProtocols, expected }) => {
    const tls = ALPNProtocols === undefined ? {} : { ALPNProtocols }
    const login = await Login.begin({ credentials: bob, variant: VARIANTS[2], tls })
    expect((login.client.socket as { alpnProtocol?: unknown }).alpnProtocol).toBe(expected)
    expect(await login.auth()).toBe('bob@localhost')
    login.client.destroy()
  })

  it('another protocol is refused with an alert (RFC 7301 §3.2)', async () => {
    const t = servers.get('standard')!
    const tls = { ALPNProtocols: ['h2'] }
    await expect(RawClient.direct({ port: t.tlsPort, tls })).rejects.toThrow(
      /no_application_protocol|no application protocol/i,
    )
  })

  it.each(['TLSv1', 'TLSv1.1'] as const)('%s is refused', async (version) => {
    const t = servers.get('standard')!
    const tls = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' }
    await expect(RawClient.direct({ port: t.tlsPort, tls })).rejects.toThrow(/version/)
  })
})
