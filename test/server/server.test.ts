import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { XmppkiError } from '../../src/errors.ts'
import { DEFAULT_LIMITS } from '../../src/server/limits.ts'
import { type Credentials, OpensslCa } from '../support/certificates/certificates.ts'
import { NEVER_MS, startTestServer, type TestServer } from '../support/servers/server.ts'
import { external, RawClient } from '../support/streams/xmpp-client.ts'

const ca = new OpensslCa()
const certificate = (name: string, address = `${name}@localhost`): Credentials =>
  ca.issue({ subject: `/CN=${name}`, xmppAddrs: [address], extendedKeyUsage: 'clientAuth' })
const alice = certificate('alice')
const bob = certificate('bob')
afterAll(() => ca.remove())

describe('two clients', () => {
  let t: TestServer
  beforeAll(async () => {
    t = await startTestServer({ ca })
  })
  afterAll(() => t.stop())

  it('log in and exchange messages', async () => {
    const a = await RawClient.online({ port: t.port, credentials: alice, resource: 'phone' })
    const b = await RawClient.online({ port: t.port, credentials: bob })
    b.send('<presence/>')
    await b.receive(/<presence[^>]*\/>/)
    a.send("<message to='bob@localhost' type='chat' id='m1'><body>Hello</body></message>")
    expect(await b.receive(/<message.*<\/message>/)).toBe(
      '<message to="bob@localhost" type="chat" id="m1" from="alice@localhost/phone"><body>Hello</body></message>',
    )
    a.destroy()
    b.destroy()
  })

  it('a stanza that is cut into single octets, or comes with many others, is the same stanza', async () => {
    const a = await RawClient.online({ port: t.port, credentials: alice })
    const ping = (id: number) => `<iq type='get' id='${id}ü☃'><ping xmlns='urn:xmpp:ping'/></iq>`
    for (const octet of Buffer.from(ping(0))) a.send(Buffer.from([octet]))
    a.send(Array.from({ length: 500 }, (_, n) => ping(n + 1)).join(' \n'))
    for (let n = 0; n <= 500; n++) await a.receive(new RegExp(`^<iq type="result" id="${n}ü☃" to="[^"]*"/>`))
    a.destroy()
  })

  it('stanzas are limited in size (RFC 6120 §4.9.3.14), and more so before the login (§13.12)', async () => {
    const stranger = await RawClient.secured({ port: t.port, credentials: alice })
    stranger.send(`<iq type='get' id='1'><a>${'x'.repeat(10_000)}</a></iq>`)
    expect(await stranger.ended()).toContain('<policy-violation')
    const a = await RawClient.online({ port: t.port, credentials: alice })
    a.send(
      `<message><body>${'x'.repeat(200_000)}</body></message><iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`,
    )
    await a.receive(/<iq type="result"/)
    a.send(`<message><body>${'x'.repeat(DEFAULT_LIMITS.afterLogin.stanzaBytes)}</body></message>`)
    expect(await a.ended()).toContain('<policy-violation')
  })

  it('a from that is not one’s own ends the stream before anything is delivered', async () => {
    const a = await RawClient.online({ port: t.port, credentials: alice })
    const b = await RawClient.online({ port: t.port, credentials: bob, resource: 'b' })
    a.send("<message to='bob@localhost/b' from='carol@localhost'/><message to='bob@localhost/b' id='after'/>")
    expect(await a.ended()).toMatch(/<stream:error><invalid-from .*<\/stream:stream>$/)
    b.send("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>")
    expect(await b.receive(/<iq type="result".*?>/)).toContain('id="1"')
    expect(b.pending).toBe('')
    b.destroy()
  })
})

describe('a session that ends', () => {
  const ways: { name: string; leave: (client: RawClient) => void }[] = [
    { name: 'says goodbye', leave: (client) => client.send('</stream:stream>') },
    { name: 'closes the connection', leave: (client) => client.socket.end() },
    { name: 'vanishes', leave: (client) => client.destroy() },
    { name: 'sends nonsense', leave: (client) => client.send('nonsense') },
  ]
  it.each(ways)('$name: others hear of it (RFC 6121 §4.5.2), and its resource is free', async ({ leave }) => {
    const t = await startTestServer({ ca, conflict: 'refuse' })
    const phone = await RawClient.online({ port: t.port, credentials: alice, resource: 'phone' })
    const tablet = await RawClient.online({ port: t.port, credentials: alice, resource: 'tablet' })
    phone.send('<presence/>')
    await phone.receive(/<presence[^>]*>/)
    tablet.send('<presence/>')
    await tablet.receive(/<presence from="alice@localhost\/phone"\/><presence from="alice@localhost\/tablet"\/>/)
    leave(phone)
    await tablet.receive(/<presence from="alice@localhost\/phone" type="unavailable"\/>/)
    expect(t.server.online).toBe(1)
    const again = await RawClient.online({ port: t.port, credentials: alice, resource: 'phone' })
    expect(t.server.online).toBe(2)
    for (const client of [phone, tablet, again]) client.destroy()
    await t.stop()
  })
})

describe('a resource that is in use (RFC 6120 §7.7.2.2)', () => {
  async function second(conflict: 'replace' | 'refuse' | 'rename') {
    const t = await startTestServer({ ca, conflict })
    const first = await RawClient.online({ port: t.port, credentials: alice, resource: 'r' })
    const client = await RawClient.secured({ port: t.port, credentials: alice })
    client.send(external())
    await client.receive(/<success[^>]*>/)
    await client.open()
    client.send(
      "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>",
    )
    const answer = await client.receive(/<iq .*?<\/iq>/s)
    const close = async () => {
      first.destroy()
      client.destroy()
      await t.stop()
    }
    return { t, first, client, answer, close }
  }

  it('replace: the older session is closed with conflict, and messages go to the new one', async () => {
    const { t, first, client, answer, close } = await second('replace')
    expect(answer).toContain('<jid>alice@localhost/r</jid>')
    expect(await first.ended()).toMatch(/<stream:error><conflict .*<\/stream:error><\/stream:stream>$/)
    client.send("<message to='alice@localhost/r' id='1'/>")
    await client.receive(/<message [^>]*id="1"/)
    expect(t.server.online).toBe(1)
    await close()
  })

  it('refuse: the new one is told, and may ask for another', async () => {
    const { t, client, answer, close } = await second('refuse')
    expect(answer).toMatch(/type="error".*<conflict/)
    expect(await client.bind('s')).toBe('alice@localhost/s')
    expect(t.server.online).toBe(2)
    await close()
  })

  it('rename: the new one gets a resource that the server makes', async () => {
    const { t, answer, close } = await second('rename')
    expect(answer).toMatch(/<jid>alice@localhost\/[\w-]{12}<\/jid>/)
    expect(t.server.online).toBe(2)
    await close()
  })

  it('a resource that the server makes is not to be guessed (RFC 6120 §7.6.1)', async () => {
    const t = await startTestServer({ ca })
    const clients = [1, 2, 3].map(() => RawClient.secured({ port: t.port, credentials: alice }))
    const jids = await Promise.all(
      clients.map(async (pending) => {
        const client = await pending
        client.send(external())
        await client.receive(/<success[^>]*>/)
        await client.open()
        return client.bind()
      }),
    )
    expect(new Set(jids).size).toBe(3)
    expect(jids).toEqual(jids.map(() => expect.stringMatching(/^alice@localhost\/[\w-]{12}$/)))
    await t.stop()
  })

  it.each([
    { name: 'a control character', resource: '&#x7f;' },
    { name: 'too long', resource: 'x'.repeat(1024) },
  ])('$name in the resource is bad-request (RFC 6120 §7.7.2.1), and the client may try again', async ({ resource }) => {
    const t = await startTestServer({ ca })
    const client = await RawClient.secured({ port: t.port, credentials: alice })
    client.send(external())
    await client.receive(/<success[^>]*>/)
    await client.open()
    client.send(
      `<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind></iq>`,
    )
    await client.receive(/<iq type="error" id="b".*<bad-request.*<\/iq>/)
    expect(await client.bind('ok')).toBe('alice@localhost/ok')
    client.destroy()
    await t.stop()
  })
})

describe('several domains', () => {
  it('SNI chooses the certificate, also by A-label (RFC 6066 §3), and the stream chooses the domain', async () => {
    const t = await startTestServer({ ca, domains: ['localhost', 'chat.example', 'bücher.example'] })
    const carol = certificate('carol', 'carol@bücher.example')
    for (const [servername, subject] of [
      ['localhost', 'localhost'],
      ['chat.example', 'chat.example'],
      ['xn--bcher-kva.example', 'bücher.example'],
      ['unknown.example', 'localhost'],
    ]) {
      const client = await RawClient.direct({ port: t.tlsPort, tls: { servername: servername ?? '' } })
      expect((client.socket as TLSSocket).getPeerCertificate().subject.CN).toBe(subject)
      client.destroy()
    }
    const options = { port: t.port, domain: 'xn--bcher-kva.example', credentials: carol }
    const client = await RawClient.online({ ...options, resource: 'r' })
    client.send("<message to='carol@bücher.example/r' id='1'/>")
    await client.receive(/<message [^>]*from="carol@bücher.example\/r"/)
    const elsewhere = await RawClient.secured({ port: t.port, credentials: carol })
    elsewhere.send(external())
    await elsewhere.receive(/<failure[^>]*><not-authorized/)
    client.destroy()
    elsewhere.destroy()
    await t.stop()
  })
})

describe('listeners', () => {
  it('that cannot have their port say so, and leave nothing open', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const endpoints = [
      { host: '127.0.0.1', port: 0, mode: 'tls' },
      { host: '127.0.0.1', port, mode: 'starttls' },
    ] as const
    const failure = await startTestServer({ ca, endpoints }).catch((error: XmppkiError) => error)
    expect(failure).toMatchObject({ code: 'IO', message: `127.0.0.1:${port} is already in use` })
    taken.close()
  })

  it('tell apart two clients that come from one port, to two addresses of the server', async () => {
    const t = await startTestServer({ ca, endpoints: [{ host: '0.0.0.0', port: 0, mode: 'starttls' }] })
    const localAddress = '127.0.0.1'
    const first = await RawClient.plain({ port: t.port, credentials: alice, localAddress })
    const from = { localAddress, localPort: first.socket.localPort ?? 0 }
    const second = await RawClient.plain({ port: t.port, credentials: bob, host: '127.0.0.2', ...from })
    expect(second.socket.localPort).toBe(first.socket.localPort)
    for (const client of [first, second]) {
      await client.open()
      client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
      await client.receive(/<proceed[^>]*>/)
    }
    for (const [client, jid] of [
      [first, 'alice@localhost/r'],
      [second, 'bob@localhost/r'],
    ] as const) {
      await client.handshake()
      await client.open()
      client.send(external())
      await client.receive(/<success[^>]*>/)
      await client.open()
      expect(await client.bind('r')).toBe(jid)
      client.destroy()
    }
    await t.stop()
  })

  it('take no more connections than they may', async () => {
    const t = await startTestServer({ ca, limits: { ...DEFAULT_LIMITS, maxConnections: 1 } })
    const first = await RawClient.secured({ port: t.port })
    const second = await RawClient.plain({ port: t.port })
    expect(await second.ended()).toBe('')
    expect(t.log.find('connections are refused: too many')).toMatchObject({
      limit: 'max_connections',
      address: '127.0.0.1',
    })
    first.destroy()
    await t.stop()
  })

  it('take no more connections from one address than they may, and others from elsewhere', async () => {
    const t = await startTestServer({ ca, limits: { ...DEFAULT_LIMITS, maxConnectionsPerAddress: 2 } })
    const [first, second] = [await RawClient.secured({ port: t.port }), await RawClient.plain({ port: t.port })]
    const third = await RawClient.plain({ port: t.port })
    expect(await third.ended()).toBe('')
    expect(t.log.find('connections are refused: too many')).toMatchObject({
      level: 'warn',
      listener: '127.0.0.1:0',
      limit: 'max_connections_per_address',
      address: '127.0.0.1',
      refused: 1,
    })
    const direct = await RawClient.direct({ port: t.tlsPort, credentials: alice })
    const elsewhere = await RawClient.online({ port: t.port, credentials: alice, localAddress: '127.0.0.2' })
    // The place is free again when the connection has ended, with TLS and without.
    for (const gone of [first, second]) {
      gone.destroy()
      const next = await vi.waitFor(() => RawClient.secured({ port: t.port }), { timeout: 30_000 })
      next.destroy()
    }
    for (const client of [direct, elsewhere]) client.destroy()
    await t.stop()
  })

  it('take up another limit with an update, for connections that follow', async () => {
    const t = await startTestServer({ ca })
    const first = await RawClient.plain({ port: t.port })
    await t.server.update({ ...t.options, limits: { ...DEFAULT_LIMITS, maxConnectionsPerAddress: 1 } })
    const second = await RawClient.plain({ port: t.port })
    expect(await second.ended()).toBe('')
    await first.open()
    first.destroy()
    await t.stop()
  })
})

describe('stop (RFC 6120 §4.9.3.19)', () => {
  it('tells everybody, in whatever state, closes every connection and listens no more', async () => {
    const t = await startTestServer({ ca })
    const talking = await Promise.all([
      RawClient.plain({ port: t.port }),
      RawClient.secured({ port: t.port }),
      RawClient.online({ port: t.port, credentials: alice }),
      RawClient.online({ port: t.port, credentials: bob }),
    ])
    const handshaking = await RawClient.plain({ port: t.port })
    await handshaking.open()
    handshaking.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    await handshaking.receive(/<proceed[^>]*>/)
    const silent = await RawClient.plain({ port: t.tlsPort })
    // Nobody keeps it waiting.
    await t.server.stop(NEVER_MS)
    for (const client of talking) {
      expect(await client.ended()).toMatch(/<stream:error><system-shutdown [^>]*\/><\/stream:error><\/stream:stream>$/)
    }
    expect(await handshaking.ended()).toBe('')
    expect(await silent.ended()).toBe('')
    expect(t.server.online).toBe(0)
    for (const port of [t.port, t.tlsPort]) {
      const [error] = await once(connect(port, '127.0.0.1'), 'error').catch((refused: Error) => [refused])
      expect(error).toMatchObject({ code: 'ECONNREFUSED' })
    }
  })

  it('does not wait for ever for a client that does not close', async () => {
    const t = await startTestServer({ ca })
    const socket = connect({ port: t.port, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    // Reads the farewell and never answers it.
    socket.resume()
    await new Promise(setImmediate)
    await t.stop()
    socket.destroy()
  })
})
