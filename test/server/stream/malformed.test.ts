import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../../src/server/limits.ts'
import { type Credentials, OpensslCa } from '../../support/certificates/certificates.ts'
import { heldBytes, leastGrowth } from '../../support/processes/growth.ts'
import { NEVER_MS, startTestServer, type TestServer } from '../../support/servers/server.ts'
import { clientHello } from '../../support/streams/client-hello.ts'
import { BOUND, NEGOTIATION_STATES } from '../../support/streams/stream-states.ts'
import { external, RawClient } from '../../support/streams/xmpp-client.ts'

/** For tests that send more than a client may. */
const UNLIMITED = { octetsPerSecond: Infinity, stanzasPerSecond: Infinity, burstSeconds: 0 }

const ca = new OpensslCa()
const certificate = (name: string): Credentials =>
  ca.issue({ subject: `/CN=${name}`, xmppAddrs: [`${name}@localhost`], extendedKeyUsage: 'clientAuth' })
const mallory = certificate('mallory')
const alice = certificate('alice')
const bob = certificate('bob')

const ERROR_AT_END =
  /<stream:error><([\w-]+) xmlns="urn:ietf:params:xml:ns:xmpp-streams"\/>.*<\/stream:error><\/stream:stream>$/s

/** The condition of the stream error that must be the last thing on the connection. */
async function streamErrorOf(client: RawClient): Promise<string> {
  const rest = await client.ended()
  return ERROR_AT_END.exec(rest)?.[1] ?? `no stream error but: ${rest}`
}

/** Somebody who was there before and wants to be served all the time. */
class Witness {
  readonly #client: RawClient
  #count = 0

  private constructor(client: RawClient) {
    this.#client = client
  }

  static async arrive(t: TestServer): Promise<Witness> {
    return new Witness(await RawClient.online({ port: t.port, credentials: alice }))
  }

  async isServed(): Promise<void> {
    this.#count += 1
    this.#client.send(`<iq type='get' id='w${this.#count}'><ping xmlns='urn:xmpp:ping'/></iq>`)
    await this.#client.receive(new RegExp(`<iq type="result" id="w${this.#count}"[^>]*/>`))
  }

  leave(): void {
    this.#client.destroy()
  }
}

let t: TestServer
let witness: Witness
beforeAll(async () => {
  t = await startTestServer({ ca, limits: { ...DEFAULT_LIMITS, inbound: UNLIMITED } })
  witness = await Witness.arrive(t)
})
afterEach(() => witness.isServed())
afterAll(async () => {
  witness.leave()
  await t.stop()
  ca.remove()
})

const SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
const MESSAGE = "<message to='alice@localhost'><body>x</body></message>"
const MEGABYTE = Buffer.alloc(1024 * 1024, 'a')

interface Attack {
  readonly name: string
  readonly send: string | Uint8Array
  /** What follows on a stream that is open, and where a stream header is expected. */
  readonly open: string
  readonly fresh: string
  readonly bound?: string
}

const ATTACKS: readonly Attack[] = [
  // RFC 6120 §11.1
  { name: 'DOCTYPE', send: '<!DOCTYPE a [<!ENTITY b "c">]>', open: 'restricted-xml', fresh: 'restricted-xml' },
  { name: 'comment', send: '<!-- a -->', open: 'restricted-xml', fresh: 'restricted-xml' },
  { name: 'processing instruction', send: '<?php a?>', open: 'restricted-xml', fresh: 'restricted-xml' },
  { name: 'comment in a stanza', send: '<iq><!-- a --></iq>', open: 'restricted-xml', fresh: 'invalid-namespace' },
  { name: 'entity', send: '<iq>&lol;</iq>', open: 'restricted-xml', fresh: 'invalid-namespace' },
  { name: 'entity in an attribute', send: "<iq a='&lol;'/>", open: 'restricted-xml', fresh: 'restricted-xml' },
  // §11.3, §4.9.3.13
  { name: '100,000-deep nesting', send: '<a>'.repeat(100_000), open: 'policy-violation', fresh: 'invalid-namespace' },
  { name: 'mismatched tags', send: '<iq><a></b></iq>', open: 'not-well-formed', fresh: 'invalid-namespace' },
  { name: 'a tag in a tag', send: '<a<b/>', open: 'not-well-formed', fresh: 'not-well-formed' },
  { name: 'duplicate attribute', send: "<iq a='1' a='2'/>", open: 'not-well-formed', fresh: 'not-well-formed' },
  { name: 'prefix that is not bound', send: '<x:iq/>', open: 'not-well-formed', fresh: 'not-well-formed' },
  { name: 'control character', send: '<iq>\x01</iq>', open: 'not-well-formed', fresh: 'invalid-namespace' },
  {
    name: 'reference to a control character',
    send: "<iq a='&#1;'/>",
    open: 'not-well-formed',
    fresh: 'not-well-formed',
  },
  { name: 'end of something else', send: '</message>', open: 'not-well-formed', fresh: 'not-well-formed' },
  // §4.9.3.1
  { name: 'text', send: 'GET / HTTP/1.1\r\n\r\n', open: 'bad-format', fresh: 'not-well-formed' },
  { name: 'binary', send: Buffer.from([0x16, 0x03, 0x01, 0x00]), open: 'bad-format', fresh: 'not-well-formed' },
  // §11.6, §4.9.3.22
  {
    name: 'invalid UTF-8',
    send: Buffer.from([0x3c, 0x61, 0x3e, 0xc3, 0x28]),
    open: 'unsupported-encoding',
    fresh: 'invalid-namespace',
  },
  {
    name: 'UTF-16',
    send: Buffer.from('\ufeff<a/>', 'utf16le'),
    open: 'unsupported-encoding',
    fresh: 'unsupported-encoding',
  },
  {
    name: 'many attributes',
    send: `<iq ${Array.from({ length: 1000 }, (_, n) => `a${n}='' `).join('')}/>`,
    open: 'policy-violation',
    fresh: 'policy-violation',
  },
  // §4.9.3.24
  { name: 'unknown element', send: "<a xmlns='urn:x'/>", open: 'unsupported-stanza-type', fresh: 'invalid-namespace' },
  {
    name: 'unknown element in jabber:client',
    send: '<a/>',
    open: 'unsupported-stanza-type',
    fresh: 'invalid-namespace',
  },
  {
    name: 'stanza in a wrong namespace',
    send: "<iq xmlns='jabber:server' type='get' id='1'><a/></iq>",
    open: 'unsupported-stanza-type',
    fresh: 'invalid-namespace',
  },
  {
    name: 'stanza in no namespace',
    send: "<iq xmlns='' type='get' id='1'><a/></iq>",
    open: 'unsupported-stanza-type',
    fresh: 'invalid-namespace',
  },
]

describe.each([...NEGOTIATION_STATES, BOUND])('$name', (state) => {
  it.each(ATTACKS)('$name ends the stream with the right error', async ({ send, open, fresh }) => {
    const client = await state.reach(t, mallory)
    // Nothing after the error may be looked at, however well-formed it is.
    client.send(typeof send === 'string' ? send + MESSAGE : Buffer.concat([send, Buffer.from(MESSAGE)]))
    expect(await streamErrorOf(client)).toBe(state.fresh ? fresh : open)
    client.destroy()
  })

  it('10 MB attribute', async () => {
    const client = await state.reach(t, mallory)
    client.send("<a b='")
    for (let sent = 0; sent < 10; sent++) client.send(MEGABYTE)
    expect(await streamErrorOf(client)).toBe('policy-violation')
    client.destroy()
  })

  it('2 MB of white space is not a stanza (RFC 6120 §4.6.1)', async () => {
    const client = await state.reach(t, mallory)
    client.send(Buffer.alloc(2 * 1024 * 1024, ' '))
    client.send('</a>')
    expect(await streamErrorOf(client)).toBe('not-well-formed')
    client.destroy()
  })

  it('truncated XML: the peer ends', async () => {
    const client = await state.reach(t, mallory)
    client.send("<iq type='g")
    client.socket.end()
    await client.ended()
  })

  it('truncated XML: the peer vanishes', async () => {
    const client = await state.reach(t, mallory)
    client.send("<iq type='g")
    client.destroy()
  })

  it('the end of the stream is answered with the end (RFC 6120 §4.4)', async () => {
    const client = await state.reach(t, mallory)
    client.send(
      state.fresh
        ? "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'/>"
        : '</stream:stream>',
    )
    expect(await client.ended()).toMatch(/<\/stream:stream>$/)
  })
})

describe('before the first header', () => {
  it('an error comes inside a stream of our own (RFC 6120 §4.9.1.2)', async () => {
    const client = await RawClient.plain({ port: t.port })
    client.send('nonsense')
    expect(await client.ended()).toMatch(
      /^<\?xml version="1.0"\?><stream:stream [^>]*from="localhost"[^>]*><stream:error>/,
    )
  })
})

describe('elements out of turn', () => {
  const AUTH = `<auth ${SASL} mechanism='EXTERNAL'>=</auth>`
  const BIND = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
  const STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
  const SUCCESS = `<success ${SASL}/>`
  const SASL2 = "xmlns='urn:xmpp:sasl:2'"
  const AUTHENTICATE = `<authenticate ${SASL2} mechanism='EXTERNAL'/>`
  const HEADER =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'/>"
  const open = [...NEGOTIATION_STATES.filter(({ fresh }) => !fresh), BOUND]
  const at = (name: string) => open.find((state) => state.name === name)!

  it.each(open.filter((state) => state !== BOUND))('stanza: $name', async (state) => {
    const client = await state.reach(t, mallory)
    client.send(MESSAGE)
    expect(await streamErrorOf(client)).toBe('not-authorized')
  })

  it.each([
    { state: 'in the clear', name: 'auth before TLS', send: AUTH, error: 'policy-violation' },
    { state: 'in the clear', name: 'success', send: SUCCESS, error: 'policy-violation' },
    { state: 'secured', name: 'success', send: SUCCESS, error: 'unsupported-stanza-type' },
    { state: 'bound', name: 'success', send: SUCCESS, error: 'unsupported-stanza-type' },
    { state: 'in the clear', name: 'bind before TLS', send: BIND, error: 'not-authorized' },
    { state: 'secured', name: 'bind before login', send: BIND, error: 'not-authorized' },
    { state: 'secured', name: 'starttls again', send: STARTTLS, error: 'policy-violation' },
    { state: 'logged in, not bound', name: 'auth again', send: AUTH, error: 'policy-violation' },
    { state: 'logged in, not bound', name: 'abort', send: `<abort ${SASL}/>`, error: 'policy-violation' },
    { state: 'logged in, not bound', name: 'starttls', send: STARTTLS, error: 'policy-violation' },
    { state: 'bound', name: 'auth again', send: AUTH, error: 'unsupported-stanza-type' },
    // XEP-0388 §2.4: an exchange is disturbed by nothing; §4.8: there is no second login.
    { state: 'in the clear', name: 'authenticate before TLS', send: AUTHENTICATE, error: 'policy-violation' },
    { state: 'after a challenge', name: 'authenticate', send: AUTHENTICATE, error: 'policy-violation' },
    { state: 'after a challenge', name: 'response of SASL2', send: `<response ${SASL2}/>`, error: 'policy-violation' },
    { state: 'after a challenge', name: 'abort of SASL2', send: `<abort ${SASL2}/>`, error: 'policy-violation' },
    { state: 'after a challenge of SASL2', name: 'authenticate', send: AUTHENTICATE, error: 'policy-violation' },
    { state: 'after a challenge of SASL2', name: 'auth', send: AUTH, error: 'policy-violation' },
    { state: 'after a challenge of SASL2', name: 'abort', send: `<abort ${SASL}/>`, error: 'policy-violation' },
    { state: 'after a challenge of SASL2', name: 'starttls', send: STARTTLS, error: 'policy-violation' },
    { state: 'after a challenge of SASL2', name: 'bind', send: BIND, error: 'not-authorized' },
    { state: 'secured', name: 'next', send: `<next ${SASL2} task='X'/>`, error: 'unsupported-stanza-type' },
    { state: 'secured', name: 'success of SASL2', send: `<success ${SASL2}/>`, error: 'unsupported-stanza-type' },
    { state: 'logged in, not bound', name: 'authenticate', send: AUTHENTICATE, error: 'policy-violation' },
    { state: 'logged in by SASL2, not bound', name: 'authenticate', send: AUTHENTICATE, error: 'policy-violation' },
    { state: 'logged in by SASL2, not bound', name: 'auth', send: AUTH, error: 'policy-violation' },
    {
      state: 'logged in by SASL2, not bound',
      name: 'response',
      send: `<response ${SASL2}/>`,
      error: 'policy-violation',
    },
    { state: 'logged in by SASL2, not bound', name: 'header', send: HEADER, error: 'unsupported-stanza-type' },
    { state: 'bound', name: 'authenticate', send: AUTHENTICATE, error: 'unsupported-stanza-type' },
    { state: 'bound', name: 'starttls', send: STARTTLS, error: 'unsupported-stanza-type' },
  ])('$state: $name: $error', async ({ state, send, error }) => {
    const client = await at(state).reach(t, mallory)
    client.send(send)
    expect(await streamErrorOf(client)).toBe(error)
  })

  it('auth while an exchange is under way is a failure, and the stream goes on (RFC 6120 §6.4.5)', async () => {
    const client = await at('after a challenge').reach(t, mallory)
    client.send(AUTH)
    await client.receive(/<failure[^>]*><malformed-request\/><\/failure>/)
    client.send(AUTH)
    await client.receive(/<success[^>]*>/)
    client.destroy()
  })

  it('a second bind is an IQ like any other (RFC 6120 §7.1)', async () => {
    const client = await BOUND.reach(t, mallory)
    client.send(BIND)
    await client.receive(/<iq type="error" id="b".*<service-unavailable.*<\/iq>/)
    client.destroy()
  })

  it('login and header in one write are two streams', async () => {
    const client = await at('secured').reach(t, mallory)
    client.send(
      `${AUTH}<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>${BIND}`,
    )
    await client.receive(/<success[^>]*>.*<stream:stream .*<jid>mallory@localhost\/[^<]+<\/jid>/s)
    client.destroy()
  })

  it('nothing of the stream before the login is left after it', async () => {
    const client = await at('secured').reach(t, mallory)
    client.send(`${AUTH}${BIND}`)
    await client.receive(/<success[^>]*>/)
    expect(await streamErrorOf(client)).toBe('invalid-namespace')
  })
})

describe('STARTTLS (RFC 6120 §5.4.3.3)', () => {
  const STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
  const INJECTED = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' from='alice@localhost' version='1.0'>`

  it.each([
    { name: 'a stream header', rest: INJECTED },
    { name: 'a stanza', rest: MESSAGE },
    { name: 'one character', rest: '<' },
    { name: 'white space and a character', rest: '\n a' },
    { name: 'half a character', rest: Buffer.from([0xc3]) },
    { name: 'a TLS handshake', rest: Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]) },
  ])('$name after <starttls/> in the same chunk is not read', async ({ rest }) => {
    const client = await RawClient.plain({ port: t.port })
    await client.open()
    client.send(Buffer.concat([Buffer.from(STARTTLS), Buffer.from(rest)]))
    const said = await client.ended()
    expect(ERROR_AT_END.exec(said)?.[1]).toBe('policy-violation')
    expect(said).not.toContain('<proceed')
  })

  it('white space may follow', async () => {
    const client = await RawClient.plain({ port: t.port, credentials: mallory })
    await client.open()
    client.send(`${STARTTLS}\n`)
    await client.receive(/<proceed[^>]*>/)
    client.destroy()
  })

  it('what is not a handshake after <proceed/> ends the connection, and not a word more is said in the clear', async () => {
    const client = await RawClient.plain({ port: t.port })
    await client.open()
    client.send(STARTTLS)
    await client.receive(/<proceed[^>]*>/)
    client.send(INJECTED + MESSAGE)
    expect(await client.ended()).not.toContain('<')
  })

  it('whoever leaves in the middle of the handshake is forgotten', async () => {
    const own = await startTestServer({ ca, limits: { ...DEFAULT_LIMITS, inbound: UNLIMITED } })
    for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
      const socket = connect(own.port, '127.0.0.1')
      socket.write(`${INJECTED.replace(" from='alice@localhost'", '')}${STARTTLS}`)
      const [first] = await once(socket, 'data')
      if (!String(first).includes('<proceed')) await once(socket, 'data')
      socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]))
      socket[leave]()
    }
    const idle = connect(own.tlsPort, '127.0.0.1')
    await once(idle, 'connect')
    // A session that is left over would be waited for.
    await own.server.stop(NEVER_MS)
    if (!idle.closed) await once(idle.resume(), 'close')
  })
})

describe('the stream header', () => {
  const header = (attributes: string) =>
    `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' ${attributes}>`
  it.each([
    { name: 'no to (RFC 6120 §4.9.3.7)', send: header("version='1.0'"), error: 'improper-addressing' },
    { name: 'unknown to (§4.9.3.6)', send: header("to='other.example' version='1.0'"), error: 'host-unknown' },
    { name: 'to that is not a JID', send: header("to='@' version='1.0'"), error: 'host-unknown' },
    { name: 'to with localpart', send: header("to='alice@localhost' version='1.0'"), error: 'host-unknown' },
    { name: 'no version (§4.7.5)', send: header("to='localhost'"), error: 'unsupported-version' },
    { name: 'version 0.9', send: header("to='localhost' version='0.9'"), error: 'unsupported-version' },
    { name: 'version that is none', send: header("to='localhost' version='x'"), error: 'unsupported-version' },
    {
      name: 'stream namespace (§4.8.1)',
      send: "<stream:stream xmlns='jabber:client' xmlns:stream='urn:x' to='localhost' version='1.0'>",
      error: 'invalid-namespace',
    },
    {
      name: 'content namespace (§4.8.2)',
      send: "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>",
      error: 'invalid-namespace',
    },
    {
      name: 'no content namespace',
      send: "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>",
      error: 'invalid-namespace',
    },
    {
      name: 'stream namespace as default',
      send: "<stream xmlns='http://etherx.jabber.org/streams' to='localhost' version='1.0'>",
      error: 'invalid-namespace',
    },
    {
      name: 'another element',
      send: "<stream:open xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>",
      error: 'invalid-namespace',
    },
    {
      name: 'another encoding (§11.6)',
      send: `<?xml version='1.0' encoding='latin1'?>${header("to='localhost' version='1.0'")}`,
      error: 'unsupported-encoding',
    },
  ])('$name: $error', async ({ send, error }) => {
    const client = await RawClient.plain({ port: t.port })
    client.send(send)
    expect(await streamErrorOf(client)).toBe(error)
  })

  it.each([
    { name: 'capitals and a dot', send: header("to='LOCALHOST.' version='1.0'") },
    { name: 'a later version', send: header("to='localhost' version='1.1'") },
    {
      name: 'another prefix',
      send: "<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams' to='localhost' version='1.0'>",
    },
    {
      name: 'an XML declaration',
      send: `<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n${header("to='localhost' version='1.0'")}`,
    },
    { name: 'bound prefix xml', send: header("to='localhost' version='1.0' xml:lang='de'") },
  ])('$name is taken', async ({ send }) => {
    const client = await RawClient.plain({ port: t.port })
    client.send(send)
    await client.receive(/<stream:features>.*<\/stream:features>/)
    client.destroy()
  })

  it('is answered with an id of its own each time, and with the sender (RFC 6120 §4.7.3)', async () => {
    const ids = new Set<string>()
    for (let n = 0; n < 3; n++) {
      const client = await RawClient.plain({ port: t.port })
      client.send(header("to='localhost' from='alice@localhost' version='1.0'"))
      const answer = await client.receive(/<stream:stream [^>]*>/)
      expect(answer).toContain('to="alice@localhost"')
      ids.add(/ id="([^"]+)"/.exec(answer)?.[1] ?? '')
      client.destroy()
    }
    expect([...ids].every((id) => id.length >= 16)).toBe(true)
    expect(ids.size).toBe(3)
  })

  it('for another domain after the login is refused', async () => {
    const own = await startTestServer({ ca, domains: ['localhost', 'other.example'] })
    const client = await RawClient.secured({ port: own.port, credentials: mallory })
    client.send(`<auth ${SASL} mechanism='EXTERNAL'>=</auth>`)
    await client.receive(/<success[^>]*>/)
    client.send(header("to='other.example' version='1.0'"))
    expect(await streamErrorOf(client)).toBe('host-unknown')
    await own.stop()
  })
})

describe('memory', () => {
  const MEMORY_POLL = { timeout: 20_000 }

  /** Bytes in use by everything in this process: client, server, buffers. */
  async function inUse(): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, 20))
    t.log.lines.length = 0
    return heldBytes()
  }

  it('is the same after floods', async () => {
    const flood = async () => {
      for (const state of [NEGOTIATION_STATES[1]!, BOUND]) {
        const client = await state.reach(t, mallory)
        client.send("<a b='")
        for (let sent = 0; sent < 10; sent++) client.send(MEGABYTE)
        await client.ended()
        const deep = await state.reach(t, mallory)
        deep.send('<a>'.repeat(100_000))
        await deep.ended()
      }
    }
    await flood()
    // Of 20 MB that are sent. Connections that have just been cut off still hold some of what was on its way.
    expect(await leastGrowth(flood, inUse, 1_000_000)).toBeLessThan(1_000_000)
  })

  const expired = ca.issue({ subject: '/CN=mallory', validity: ['20200101000000Z', '20200201000000Z'] })
  it.each([
    { name: 'after TLS', visit: () => RawClient.secured({ port: t.port, credentials: mallory }) },
    { name: 'without a word', visit: () => RawClient.plain({ port: t.port }) },
    {
      name: 'in the middle of the handshake',
      visit: async () => {
        const client = await RawClient.plain({ port: t.tlsPort })
        client.send(await clientHello('TLSv1.3'))
        await client.receive(/./s)
        return client
      },
    },
    {
      name: 'after a bad certificate was refused',
      visit: async () => {
        const client = await RawClient.direct({ port: t.tlsPort, credentials: expired })
        await client.open()
        client.send(external())
        await client.receive(/<failure[^>]*><not-authorized/)
        return client
      },
    },
    { name: 'after the login', visit: () => RawClient.online({ port: t.port, credentials: mallory }) },
  ])('does not grow with connections that come and go: $name', async ({ visit }) => {
    const comeAndGo = async (times: number) => {
      for (let n = 0; n < times; n++) (await visit()).destroy()
    }
    await comeAndGo(50)
    // A connection that anything still refers to is 5 KB at the least.
    const bound = 100 * 3_000
    expect(await leastGrowth(() => comeAndGo(100), inUse, bound)).toBeLessThan(bound)
  })

  it('does not fill with answers to a client that sends and never reads', async () => {
    const client = await RawClient.online({ port: t.port, credentials: mallory })
    client.socket.pause()
    const padding = 'x'.repeat(1_000)
    const before = await inUse()
    let sent = 0
    const send = () => client.socket.write(`<iq type='get' id='${sent++}${padding}'><ping xmlns='urn:xmpp:ping'/></iq>`)
    // The server stops reading when the pipes are full, and then the client cannot write any more.
    for (let stuck = false; !stuck && sent < 100_000; ) {
      if (send()) continue
      const drained = once(client.socket, 'drain').then(() => false)
      stuck = await Promise.race([drained, new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 300))])
    }
    expect(sent).toBeLessThan(100_000)
    await expect.poll(async () => (await inUse()) - before, MEMORY_POLL).toBeLessThan(5_000_000)
    await witness.isServed()
    // Now it reads, and has missed nothing.
    let answers = 0
    client.socket.removeAllListeners('data')
    await new Promise<void>((resolve) => {
      client.socket.on('data', (text: string) => {
        answers += text.split('<iq ').length - 1
        if (text.includes(`"${sent - 1}x`) || answers >= sent) resolve()
      })
      client.socket.resume()
    })
    client.destroy()
  })

  it('a reader that is too slow is not cut off by those who write to it: what is too much goes back to them', async () => {
    const limits = { ...DEFAULT_LIMITS, inbound: UNLIMITED, outboundBytes: 200_000 }
    const own = await startTestServer({ ca, limits })
    const slow = await RawClient.online({ port: own.port, credentials: bob })
    slow.send('<presence/>')
    await slow.receive(/<presence[^>]*>/)
    slow.socket.pause()
    const sender = await RawClient.online({ port: own.port, credentials: mallory })
    const body = 'x'.repeat(100_000)
    let sent = 0
    for (let answer = ''; !answer.includes('error') && sent < 300; sent++) {
      sender.send(
        `<message to='bob@localhost' type='chat' id='m${sent}'><body>${body}</body></message><iq type='get' id='p${sent}'><ping xmlns='urn:xmpp:ping'/></iq>`,
      )
      answer = await sender.receive(new RegExp(`^.*<iq type="result" id="p${sent}"[^>]*>`, 's'))
      if (answer.includes('error')) expect(answer).toMatch(/<message type="error".*<resource-constraint/)
    }
    expect(sent).toBeLessThan(300)
    // All that it was given before is still for it, in order, and then it goes on as if nothing had been.
    slow.socket.resume()
    for (let n = 0; n < sent - 1; n++) await slow.receive(new RegExp(`^<message [^>]*id="m${n}".*?</message>`, 's'))
    sender.send("<message to='bob@localhost' type='chat' id='late'><body>x</body></message>")
    await slow.receive(/^<message [^>]*id="late"/)
    expect(own.log.find('stream closed with an error')).toBeUndefined()
    slow.destroy()
    sender.destroy()
    await own.stop()
  })
})
