import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../../src/server/limits.ts'
import { type Credentials, OpensslCa } from '../../support/certificates/certificates.ts'
import { NEVER_MS, startTestServer, type TestServer } from '../../support/servers/server.ts'
import { clientHello } from '../../support/streams/client-hello.ts'
import { NEGOTIATION_STATES } from '../../support/streams/stream-states.ts'
import { RawClient, streamHeader } from '../../support/streams/xmpp-client.ts'

const ca = new OpensslCa()
const certificate = (name: string): Credentials =>
  ca.issue({ subject: `/CN=${name}`, xmppAddrs: [`${name}@localhost`], extendedKeyUsage: 'clientAuth' })
const mallory = certificate('mallory')
const bob = certificate('bob')
afterAll(() => ca.remove())

/** Many times what it takes to get into any state, with others who do the same. */
const LIMIT_MS = 3_000
const TIMEOUT = /<stream:error><connection-timeout .*<\/stream:error><\/stream:stream>$/s

describe('silence', () => {
  let own: TestServer
  beforeAll(async () => {
    own = await startTestServer({ ca, limits: { ...DEFAULT_LIMITS, negotiationMs: LIMIT_MS } })
  })
  afterAll(() => own.stop())

  it.concurrent.each(NEGOTIATION_STATES)('$name: connection-timeout (RFC 6120 §4.9.3.4)', async (state) => {
    const client = await state.reach(own, mallory)
    expect(await client.ended()).toMatch(TIMEOUT)
  })

  it.concurrent('a handshake that never begins, after STARTTLS: nothing is said in the clear', async () => {
    const client = await RawClient.plain({ port: own.port })
    await client.open()
    client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    await client.receive(/<proceed[^>]*>/)
    expect(await client.ended()).toBe('')
  })

  it.concurrent('a handshake that never begins, direct TLS', async () => {
    const client = await RawClient.plain({ port: own.tlsPort })
    expect(await client.ended()).not.toContain('<')
  })

  it.concurrent('a handshake that comes late leaves only the rest of the time', async () => {
    const late = await startTestServer({ ca, limits: { ...DEFAULT_LIMITS, negotiationMs: 2 * LIMIT_MS } })
    const began = performance.now()
    const client = await RawClient.plain({ port: late.tlsPort })
    // Half of the time is over when this one goes.
    await (await RawClient.plain({ port: own.tlsPort })).ended()
    await client.handshake()
    expect(await client.ended()).toMatch(TIMEOUT)
    // Less than if the time began with the handshake.
    expect(performance.now() - began).toBeLessThan(3 * LIMIT_MS)
    await late.stop()
  })

  it.concurrent('a bound client may be silent', async () => {
    const client = await RawClient.online({ port: own.port, credentials: bob })
    // Whose time begins after that of the other.
    await (await RawClient.plain({ port: own.port })).ended()
    client.send("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>")
    await client.receive(/<iq type="result" id="1"/)
    client.destroy()
  })
})

/** One octet now and then: enough for whoever waits for silence, and never enough to be anything. */
async function trickle(client: RawClient, octets: Uint8Array): Promise<string> {
  let at = 0
  const timer = setInterval(() => client.send(octets.subarray(at, ++at)), 30)
  try {
    return await client.ended()
  } finally {
    clearInterval(timer)
  }
}

describe('slow loris', () => {
  const LONG = 'a'.repeat(1_000)
  const HEADER = Buffer.from(streamHeader({ to: 'localhost', from: `${LONG}@localhost` }))
  const ELEMENT = Buffer.from(`<iq type='get' id='1'><query xmlns='jabber:iq:roster'>${LONG}`)
  const BLANKS = Buffer.alloc(1_000, ' ')
  /** A record of a handshake that is announced as longer than it ever becomes; in TLS 1.3 it is encrypted by now. */
  const record = (version: 'TLSv1.2' | 'TLSv1.3') =>
    Buffer.concat([Buffer.from([version === 'TLSv1.3' ? 0x17 : 0x16, 0x03, 0x03, 0x40, 0x00]), Buffer.alloc(1_000)])
  let t: TestServer
  beforeAll(async () => {
    t = await startTestServer({ ca, limits: { ...DEFAULT_LIMITS, negotiationMs: LIMIT_MS } })
  })
  afterAll(() => t.stop())

  it.concurrent.each(NEGOTIATION_STATES)('$name: an element that never ends', async (state) => {
    const client = await state.reach(t, mallory)
    expect(await trickle(client, state.fresh ? HEADER : ELEMENT)).toMatch(TIMEOUT)
  })

  it.concurrent.each(NEGOTIATION_STATES)('$name: white space', async (state) => {
    const client = await state.reach(t, mallory)
    expect(await trickle(client, BLANKS)).toMatch(TIMEOUT)
  })

  const HANDSHAKES = [
    { transport: 'STARTTLS', reach: afterProceed },
    { transport: 'direct TLS', reach: () => RawClient.plain({ port: t.tlsPort }) },
  ].flatMap(({ transport, reach }) =>
    (['TLSv1.2', 'TLSv1.3'] as const).map((version) => ({ transport, version, reach })),
  )

  async function afterProceed(): Promise<RawClient> {
    const client = await RawClient.plain({ port: t.port })
    await client.open()
    client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    await client.receive(/<proceed[^>]*>/)
    return client
  }

  /** Cut off by the clock and not by a fault, and without a word of XML: that would be in the clear. */
  async function outlasts(reach: () => Promise<RawClient>, octets: Uint8Array): Promise<void> {
    const start = performance.now()
    expect(await trickle(await reach(), octets)).not.toContain('<stream')
    expect(performance.now() - start).toBeGreaterThan(LIMIT_MS / 2)
  }

  it.concurrent.each(HANDSHAKES)('the handshake over $transport, $version: its beginning', async (row) => {
    const hello = await clientHello(row.version)
    await outlasts(row.reach, hello)
  })

  it.concurrent.each(HANDSHAKES)('the handshake over $transport, $version: its second half', async (row) => {
    const halfway = async () => {
      const client = await row.reach()
      client.send(await clientHello(row.version))
      await client.receive(/./s)
      return client
    }
    await outlasts(halfway, record(row.version))
  })

  it('leaves nothing behind, and was not a hindrance', async () => {
    const client = await RawClient.online({ port: t.port, credentials: bob })
    client.destroy()
    // A session that is left over would be waited for.
    await t.server.stop(NEVER_MS)
  })
})
