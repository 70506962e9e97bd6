import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credentials, idBy, OpensslCa, withOtherSignature } from '../../support/certificates/certificates.ts'
import { startTestServer, type TestServer } from '../../support/servers/server.ts'
import { type Attempt, attemptAt, Login, secured, VARIANTS } from '../../support/streams/external-login.ts'
import { external, RawClient } from '../../support/streams/xmpp-client.ts'

const CLIENT = { extendedKeyUsage: 'clientAuth' }
const ca = new OpensslCa()
const named = (commonName: string, ...xmppAddrs: string[]) =>
  ca.issue({ ...CLIENT, subject: `/CN=${commonName}`, xmppAddrs })

const bob = named('bob', 'bob@localhost')
const kate = named('kate', 'kate@localhost', 'kate@fed1')
let now = () => new Date()
let server: TestServer

beforeAll(async () => {
  server = await startTestServer({ ca, login: { now: () => now() } })
})
afterAll(async () => {
  await server.stop()
  ca.remove()
})

const attempt = (row: Attempt) => attemptAt(server, row)
const begin = (row: Attempt) => Login.begin(server, row)

describe.each(VARIANTS)('time passes between the handshake and <auth/>, over $transport, $version', (variant) => {
  const shortLived = ca.issue({ ...CLIENT, subject: '/CN=dave', validity: ['20200101000000Z', '20900101000000Z'] })
  const EMPTY_AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'/>"
  const RESPONSE = "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>=</response>"
  const after = () => new Date('2095-01-01T00:00:00Z')

  function revoke(t: TestServer, credentials: Credentials): void {
    const { raw } = new X509Certificate(credentials.cert)
    const fingerprint = new X509Certificate(raw).fingerprint256.replaceAll(':', '').toLowerCase()
    t.ledger.transaction((insert) =>
      insert({
        ...idBy(ca.credentials, credentials),
        kind: 'client',
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
    const login = await begin({ variant, credentials: shortLived })
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
    const t = server
    if (revokeAt === 0) revoke(t, credentials)
    const login = await begin({ variant, credentials })
    expect(login.offered).toEqual(revokeAt === 0 ? [] : ['EXTERNAL'])
    if (revokeAt === 0)
      expect(login.logged).toMatchObject({ check: 'revoked', reason: expect.stringContaining('2021-01-02') })
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
    expect((await attempt({ variant, credentials: twin })).told).toBe('erin@localhost')
    revoke(server, credentials)
    expect(await attempt({ variant, credentials })).toMatchObject({ told: 'not-authorized', offered: [] })
    expect(await attempt({ variant, credentials: twin })).toMatchObject({ told: 'not-authorized', offered: [] })
  })

  it('no session is resumed: a new connection is a new handshake', async () => {
    const first = await secured(server, { credentials: bob, variant })
    // With what is answered, any ticket would have come.
    await first.open()
    const session = (first.socket as TLSSocket).getSession()
    first.destroy()
    const second = await secured(server, { credentials: bob, variant, tls: session === undefined ? {} : { session } })
    expect((second.socket as TLSSocket).isSessionReused()).toBe(false)
    second.destroy()
  })
})

const POLICY_VIOLATION = /^<stream:error><policy-violation .*<\/stream:error><\/stream:stream>$/

describe.each(VARIANTS)('streams over $transport, $version', (variant) => {
  it('a second attempt on the same stream may succeed (RFC 6120 §6.4.5)', async () => {
    const login = await begin({ variant, credentials: kate })
    expect(await login.auth()).toBe('invalid-authzid')
    expect(await login.auth('alice@localhost')).toBe('invalid-authzid')
    expect(await login.auth('kate@localhost')).toBe('kate@localhost')
    expect(login.server.log.find('login refused')).toMatchObject({
      condition: 'invalid-authzid',
      reason: expect.stringContaining('several'),
    })
    login.client.destroy()
  })

  const SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
  const FAILURES = [
    { name: 'a wrong authzid', send: external('alice@localhost'), told: 'invalid-authzid' },
    { name: 'abort (RFC 6120 §6.4.4)', send: `<abort ${SASL}/>`, told: 'aborted' },
    {
      name: 'what is not base64 (§6.5.5)',
      send: `<auth ${SASL} mechanism='EXTERNAL'>b@b=</auth>`,
      told: 'incorrect-encoding',
    },
    {
      name: 'base64 without its end',
      send: `<auth ${SASL} mechanism='EXTERNAL'>Ym9iQGxvY2FsaG9zdA</auth>`,
      told: 'incorrect-encoding',
    },
    {
      name: 'base64 with a line break (§13.9.1)',
      send: `<auth ${SASL} mechanism='EXTERNAL'>Ym9i\nQGxvY2FsaG9zdA==</auth>`,
      told: 'incorrect-encoding',
    },
    {
      name: 'a mechanism that was not offered (§6.5.7)',
      send: `<auth ${SASL} mechanism='PLAIN'>AGEAYg==</auth>`,
      told: 'invalid-mechanism',
    },
    {
      name: 'a mechanism in lower case',
      send: `<auth ${SASL} mechanism='external'>=</auth>`,
      told: 'invalid-mechanism',
    },
    { name: 'no mechanism', send: `<auth ${SASL}>=</auth>`, told: 'invalid-mechanism' },
    { name: 'a response to nothing', send: `<response ${SASL}/>`, told: 'malformed-request' },
  ]

  it.each(FAILURES)('$name: $told, twice at the most', async ({ send, told }) => {
    const login = await begin({ variant, credentials: bob })
    for (const _ of [1, 2]) expect(await login.say(send)).toBe(told)
    expect(await login.auth()).toBe('bob@localhost')
    login.client.destroy()
    const other = await begin({ variant, credentials: bob })
    for (const _ of [1, 2, 3]) expect(await other.say(send)).toBe(told)
    expect(await other.client.ended()).toMatch(POLICY_VIOLATION)
  })

  it('failures of every kind count together', async () => {
    const login = await begin({ variant, credentials: bob })
    for (const { send, told } of FAILURES.slice(0, 3)) expect(await login.say(send)).toBe(told)
    expect(await login.client.ended()).toMatch(POLICY_VIOLATION)
  })

  it.each([
    { name: 'abort', send: `<abort ${SASL}/>`, told: 'aborted' },
    { name: 'what is not base64', send: `<response ${SASL}>b@b=</response>`, told: 'incorrect-encoding' },
    { name: 'another address', send: `<response ${SASL}>YWxpY2VAbG9jYWxob3N0</response>`, told: 'invalid-authzid' },
  ])('a challenge is answered with $name: $told, and the next attempt may succeed', async ({ send, told }) => {
    const login = await begin({ variant, credentials: bob })
    expect(await login.say(`<auth ${SASL} mechanism='EXTERNAL'/>`)).toContain('<challenge')
    expect(await login.say(send)).toBe(told)
    expect(await login.auth()).toBe('bob@localhost')
    login.client.destroy()
  })

  it('EXTERNAL without a certificate is not-authorized, and the third time the end', async () => {
    const login = await begin({ variant })
    for (const _ of [1, 2, 3]) expect(await login.auth()).toBe('not-authorized')
    expect(await login.client.ended()).toMatch(POLICY_VIOLATION)
  })

  it('a full JID in the certificate fixes the resource, and takes it over (XEP-0257 §4)', async () => {
    const credentials = named('bob', 'bob@localhost/phone')
    const { client: older } = await begin({ variant, credentials: bob })
    older.send(external())
    await older.receive(/<success[^>]*>/)
    await older.open()
    expect(await older.bind('phone')).toBe('bob@localhost/phone')
    const { client } = await begin({ variant, credentials })
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

describe('in the clear', () => {
  it.each([
    { startTls: 'required', answer: /<stream:error><policy-violation / },
    { startTls: 'offered', answer: /<failure [^>]*><not-authorized\/>/ },
  ] as const)('nothing is offered or granted, with STARTTLS $startTls', async ({ startTls, answer }) => {
    const own = await startTestServer({ ca, startTls })
    const client = await RawClient.plain({ port: own.port, credentials: bob })
    expect(await client.open()).not.toMatch(/EXTERNAL|<mechanism/)
    client.send(external())
    await client.receive(answer)
    client.destroy()
    await own.stop()
  })
})

describe('TLS', () => {
  it('is not negotiated anew: nobody changes the certificate on the way', async () => {
    const { client } = await begin({ credentials: bob, variant: VARIANTS[1] })
    const socket = client.socket as TLSSocket
    const refused = new Promise((resolve) => {
      socket.renegotiate({ rejectUnauthorized: false }, resolve)
      socket.once('error', resolve)
    })
    expect(await refused).toBeInstanceOf(Error)
    client.destroy()
  })

  it('names the client CA, so that GnuTLS clients send a certificate', async () => {
    const t = server
    const { execFile } = await import('node:child_process')
    const output = await new Promise<string>((resolve) => {
      const child = execFile(
        'openssl',
        ['s_client', '-connect', `127.0.0.1:${t.port}`, '-starttls', 'xmpp', '-xmpphost', 'localhost'],
        { timeout: 50_000 },
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
    const login = await begin({ credentials: bob, variant: VARIANTS[2], tls })
    expect((login.client.socket as { alpnProtocol?: unknown }).alpnProtocol).toBe(expected)
    expect(await login.auth()).toBe('bob@localhost')
    login.client.destroy()
  })

  it('another protocol is refused with an alert (RFC 7301 §3.2)', async () => {
    const t = server
    const tls = { ALPNProtocols: ['h2'] }
    await expect(RawClient.direct({ port: t.tlsPort, tls })).rejects.toThrow(
      /no_application_protocol|no application protocol/i,
    )
  })

  it.each(['TLSv1', 'TLSv1.1'] as const)('%s is refused', async (version) => {
    const t = server
    const tls = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' }
    await expect(RawClient.direct({ port: t.tlsPort, tls })).rejects.toThrow(/version/)
  })
})
