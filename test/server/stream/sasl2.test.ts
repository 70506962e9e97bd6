import { X509Certificate } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../../src/server/limits.ts'
import { type Credentials, OpensslCa } from '../../support/certificates/certificates.ts'
import { startTestServer, type TestServer } from '../../support/servers/server.ts'
import { type ClientOptions, external, external2, RawClient } from '../../support/streams/xmpp-client.ts'

const ca = new OpensslCa()
const issue = (name: string, xmppAddr: string): Credentials =>
  ca.issue({ subject: `/CN=${name}`, xmppAddrs: [xmppAddr], extendedKeyUsage: 'clientAuth' })
const alice = issue('alice', 'alice@localhost')
const bob = issue('bob', 'bob@localhost')
const desk = issue('desk', 'carol@localhost/desk')

const bind = (children = '') => `<bind xmlns='urn:xmpp:bind:0'>${children}</bind>`
const agent = (id: string) => `<user-agent id='${id}'><software>A</software><device>B</device></user-agent>`
const PHONE = 'd4565fa7-4d72-4749-b3d3-740edbf87770'
const LAPTOP = '0c8ed1b5-21a4-4a77-9f5c-0a9b8f3d1a2e'
const PING = "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"
const PONG = /<iq type="result" id="p"[^>]*\/>/
const REPLACED = /^<stream:error><conflict [^>]*\/><text [^>]*>[^<]*<\/text><\/stream:error><\/stream:stream>$/

let t: TestServer
let clients: RawClient[] = []
beforeAll(async () => {
  t = await startTestServer({ ca })
})
beforeEach(() => {
  t.log.lines.length = 0
})
afterEach(() => {
  for (const client of clients) client.destroy()
  clients = []
})
afterAll(async () => {
  await t.stop()
  ca.remove()
})

async function secured(credentials?: Credentials, more: Partial<ClientOptions> = {}): Promise<RawClient> {
  const client = await RawClient.secured({
    port: t.port,
    ...(credentials === undefined ? {} : { credentials }),
    ...more,
  })
  clients.push(client)
  return client
}

/** Logged in and bound in one step; answers the full JID. */
async function online(credentials: Credentials, inline = bind()): Promise<{ client: RawClient; jid: string }> {
  const client = await secured(credentials)
  client.send(external2(inline))
  const success = await client.receive(/<success.*<stream:features\/>/s)
  return { client, jid: /<authorization-identifier>(.*?)</.exec(success)?.[1] ?? '' }
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('SASL2 over %s', (version) => {
  const tls = { minVersion: version, maxVersion: version }

  it('is offered to a client with a good certificate, by STARTTLS and by direct TLS', async () => {
    const offer = /<authentication xmlns="urn:xmpp:sasl:2"><mechanism>EXTERNAL<\/mechanism>/
    const upgraded = await RawClient.plain({ port: t.port, credentials: alice, tls })
    clients.push(upgraded)
    expect(await upgraded.open()).not.toContain('urn:xmpp:sasl:2')
    await upgraded.startTls()
    expect(await upgraded.open()).toMatch(offer)
    const direct = await RawClient.direct({ port: t.tlsPort, credentials: alice, tls })
    clients.push(direct)
    expect(await direct.open()).toMatch(offer)
  })

  it('is a session with one answer (XEP-0386 §3.2)', async () => {
    const client = await secured(alice, { tls })
    client.send(external2(bind('<tag>AwesomeXMPP</tag>') + agent(PHONE)))
    expect(await client.receive(/<success.*<stream:features\/>/s)).toMatch(
      /^<success xmlns="urn:xmpp:sasl:2"><authorization-identifier>alice@localhost\/AwesomeXMPP\/[\w-]{12}<\/authorization-identifier><bound xmlns="urn:xmpp:bind:0"\/><\/success><stream:features\/>$/,
    )
    client.send(PING)
    await client.receive(PONG)
    expect(t.log.find('logged in')).toMatchObject({ level: 'info', account: 'alice@localhost' })
    expect(JSON.stringify(t.log.lines)).not.toContain(PHONE)
  })
})

describe('a login is remembered with its certificate', () => {
  it.each([
    { name: 'without a resource', inline: '', end: /<\/stream:features>/ },
    { name: 'with Bind 2', inline: bind(), end: /<stream:features\/>/ },
  ])('$name: noted, and ended when the certificate ends', async ({ inline, end }) => {
    const logins: string[] = []
    let now = () => new Date()
    const own = await startTestServer({ ca, login: { now: () => now(), onLogin: ({ serial }) => logins.push(serial) } })
    const client = await RawClient.secured({ port: own.port, credentials: alice })
    clients.push(client)
    client.send(external2(inline))
    await client.receive(/<success/)
    await client.receive(end)
    expect(logins).toEqual([new X509Certificate(alice.cert).serialNumber.toLowerCase()])
    now = () => new Date('2999-01-01T00:00:00Z')
    expect(await client.ended()).toMatch(/^<stream:error><reset /)
    expect(own.server.online).toBe(0)
    await own.stop()
  })
})

describe('who may not log in', () => {
  it('is offered nothing without a certificate, and refused when asking for it', async () => {
    const client = await RawClient.direct({ port: t.tlsPort })
    clients.push(client)
    expect(await client.open()).not.toContain('urn:xmpp:sasl:2')
    client.send(external2(bind()))
    expect(await client.receive(/<failure.*<\/failure>/)).toContain('<not-authorized ')
  })

  it('is offered nothing with a certificate of a CA that is not trusted, and the log says why', async () => {
    const stranger = new OpensslCa()
    const credentials = stranger.issue({
      subject: '/CN=alice',
      xmppAddrs: ['alice@localhost'],
      extendedKeyUsage: 'clientAuth',
    })
    stranger.remove()
    const client = await secured(credentials)
    client.send(external2(bind()))
    expect(await client.receive(/<failure.*<\/failure>/)).toContain('<not-authorized ')
    expect(t.log.find('EXTERNAL not offered')).toMatchObject({ check: 'bad-signature' })
    expect(t.log.find('login refused')).toMatchObject({ condition: 'not-authorized' })
    expect(t.log.find('logged in')).toBeUndefined()
  })

  it('is told to go after the third failure, over both profiles', async () => {
    const client = await secured(alice)
    client.send(external2(bind(), 'bob@localhost'))
    await client.receive(/<failure.*<\/failure>/)
    client.send(external('bob@localhost'))
    await client.receive(/<failure.*<\/failure>/)
    client.send(external2(bind(), 'bob@localhost'))
    expect(await client.ended()).toMatch(/^<failure.*<stream:error><policy-violation .*<\/stream:stream>$/)
    expect(t.log.find('logged in')).toBeUndefined()
  })

  it('is judged again at the response: a certificate may end during the exchange', async () => {
    let now = () => new Date()
    const own = await startTestServer({ ca, login: { now: () => now() } })
    const client = await RawClient.secured({ port: own.port, credentials: bob })
    clients.push(client)
    client.send(`<authenticate xmlns='urn:xmpp:sasl:2' mechanism='EXTERNAL'>${bind()}</authenticate>`)
    await client.receive(/<challenge[^>]*>/)
    now = () => new Date('2999-01-01T00:00:00Z')
    client.send("<response xmlns='urn:xmpp:sasl:2'/>")
    expect(await client.receive(/<failure.*<\/failure>/)).toContain('<not-authorized ')
    expect(own.server.online).toBe(0)
    await own.stop()
  })

  it('fails on a stream that is from somebody else, which goes on (XEP-0388 §2.3)', async () => {
    const logins: string[] = []
    const own = await startTestServer({ ca, login: { onLogin: ({ serial }) => logins.push(serial) } })
    const client = await RawClient.secured({ port: own.port, credentials: alice, from: 'bob@localhost' })
    clients.push(client)
    client.send(external2(bind()))
    expect(await client.receive(/<failure.*<\/failure>/)).toContain('<invalid-authzid ')
    expect(own.log.find('logged in')).toBeUndefined()
    expect(logins).toEqual([])
    client.send(external())
    await client.receive(/<success/)
    expect(logins).toHaveLength(1)
    await own.stop()
  })
})

describe('the stream after the login', () => {
  it('goes on without a new one, and what follows in the same write is part of it', async () => {
    const client = await secured(alice)
    client.send(external2(bind()) + PING)
    await client.receive(/<success.*<stream:features\/>.*<iq type="result" id="p"[^>]*\/>/s)
  })

  it('can be bound as RFC 6120 has it', async () => {
    const client = await secured(alice)
    client.send(external2())
    await client.receive(/<success.*<bind .*<\/stream:features>/s)
    expect(await client.bind('balcony')).toBe('alice@localhost/balcony')
  })

  it('has the limits of a client that is not a stranger any more', async () => {
    const { client } = await online(alice)
    const large = 'x'.repeat(DEFAULT_LIMITS.beforeLogin.stanzaBytes * 2)
    client.send(
      `<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq><message to='nobody@localhost'>${large}</message>`,
    )
    await client.receive(PONG)
    client.send(PING)
    await client.receive(PONG)
  })

  it('had the limits of a stranger until then', async () => {
    const client = await secured(alice)
    client.send(external2(`<a xmlns='urn:x'>${'x'.repeat(DEFAULT_LIMITS.beforeLogin.stanzaBytes)}</a>`))
    expect(await client.ended()).toMatch(/^<stream:error><policy-violation /)
  })

  it('has no time limit once a resource is bound', async () => {
    const own = await startTestServer({ ca, limits: { ...DEFAULT_LIMITS, negotiationMs: 3_000 } })
    const bound = await RawClient.secured({ port: own.port, credentials: alice })
    // The time of this one is up after that of the other.
    const unbound = await RawClient.secured({ port: own.port, credentials: bob })
    clients.push(unbound, bound)
    unbound.send(external2())
    bound.send(external2(bind()))
    expect(await unbound.ended()).toMatch(/<stream:error><connection-timeout /)
    bound.send(PING)
    await bound.receive(PONG)
    await own.stop()
  })
})

describe('the resource (XEP-0386 §3.2.1)', () => {
  it.each([
    { name: 'a tag with a slash', tag: 'a/b', expected: /^alice@localhost\/a\/b\/[\w-]{12}$/ },
    { name: 'a tag in capitals and spaces', tag: 'My Client', expected: /^alice@localhost\/My Client\/[\w-]{12}$/ },
    { name: 'an empty tag', tag: '', expected: /^alice@localhost\/[\w-]{12}$/ },
    { name: 'a tag with a control character', tag: 'a&#x9;b', expected: /^alice@localhost\/[\w-]{12}$/ },
    { name: 'a tag that is too long', tag: 'a'.repeat(1015), expected: /^alice@localhost\/[\w-]{12}$/ },
  ])('$name', async ({ tag, expected }) => {
    expect((await online(alice, bind(`<tag>${tag}</tag>`))).jid).toMatch(expected)
  })

  it('is another one each time', async () => {
    const jids = [await online(alice), await online(alice), await online(alice)].map(({ jid }) => jid)
    expect(new Set(jids).size).toBe(3)
  })

  it('is the one that the certificate names, and who had it goes (XEP-0257 §4)', async () => {
    const first = await online(desk, bind('<tag>A</tag>'))
    const second = await online(desk, bind())
    expect([first.jid, second.jid]).toEqual(['carol@localhost/desk', 'carol@localhost/desk'])
    expect(await first.client.ended()).toMatch(/^<stream:error><conflict /)
    second.client.send(PING)
    await second.client.receive(PONG)
  })
})

describe('a client that comes back (XEP-0386 §3.2)', () => {
  const from = (id: string) => bind('<tag>A</tag>') + agent(id)

  it('ends its own lost session, and no other of the account', async () => {
    const lost = await online(alice, from(PHONE))
    const other = await online(alice, from(LAPTOP))
    const nameless = await online(alice)
    const back = await online(alice, from(PHONE.toUpperCase()))
    expect(await lost.client.ended()).toMatch(REPLACED)
    for (const { client } of [other, nameless, back]) {
      client.send(PING)
      await client.receive(PONG)
    }
    expect(back.jid).not.toBe(lost.jid)
  })

  it('ends no session of another account, whatever id it claims', async () => {
    const victim = await online(bob, from(PHONE))
    await online(alice, from(PHONE))
    victim.client.send(PING)
    await victim.client.receive(PONG)
  })

  it('ends nothing when its login fails', async () => {
    const lost = await online(alice, from(PHONE))
    const client = await secured(alice)
    client.send(external2(from(PHONE), 'bob@localhost'))
    await client.receive(/<failure.*<\/failure>/)
    lost.client.send(PING)
    await lost.client.receive(PONG)
  })
})
