import { createHook } from 'node:async_hooks'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { DEFAULT_LIMITS } from '../../../src/server/limits.ts'
import { OpensslCa } from '../../support/certificates/certificates.ts'
import { NEVER_MS, startTestServer, type TestServer } from '../../support/servers/server.ts'
import { clientHello } from '../../support/streams/client-hello.ts'
import { piecemeal } from '../../support/streams/piecemeal.ts'
import { external, RawClient } from '../../support/streams/xmpp-client.ts'

const ca = new OpensslCa()
const alice = ca.issue({ subject: '/CN=alice', xmppAddrs: ['alice@localhost'], extendedKeyUsage: 'clientAuth' })
afterAll(() => ca.remove())

/** Counts the TLS sides that this process makes, of servers and of clients. */
class TlsSides {
  #count = 0
  readonly #hook = createHook({
    init: (_, type) => {
      if (type === 'TLSWRAP') this.#count += 1
    },
  }).enable()

  get count(): number {
    return this.#count
  }

  stop(): void {
    this.#hook.disable()
  }
}

const TRANSPORTS = [
  { transport: 'direct TLS', reach: (t: TestServer) => RawClient.plain({ port: t.tlsPort, credentials: alice }) },
  { transport: 'STARTTLS', reach: afterProceed },
]

async function afterProceed({ port }: TestServer): Promise<RawClient> {
  const client = await RawClient.plain({ port, credentials: alice })
  await client.open()
  client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  await client.receive(/<proceed[^>]*>/)
  return client
}

/** Resolves when the server has met everybody who connected before, in the order in which they did. */
async function metAll({ tlsPort }: TestServer): Promise<void> {
  const last = await RawClient.direct({ port: tlsPort })
  last.destroy()
}

describe.each(TRANSPORTS)('a client that has not begun, $transport', ({ reach }) => {
  let t: TestServer
  beforeAll(async () => {
    t = await startTestServer({ ca })
  })
  afterAll(() => t.stop())

  it('has no TLS side, and gets one with its first octet', async () => {
    const sides = new TlsSides()
    const client = await reach(t)
    await metAll(t)
    // That of the last one, at both ends.
    expect(sides.count).toBe(2)
    client.send((await clientHello('TLSv1.3')).subarray(0, 1))
    // One was made for the octets that are sent here.
    await vi.waitFor(() => expect(sides.count).toBe(4), { timeout: 30_000 })
    client.destroy()
    sides.stop()
  })

  it('logs in when it begins after others have come and gone', async () => {
    const client = await reach(t)
    await metAll(t)
    await client.handshake()
    await client.open()
    client.send(external())
    await client.receive(/<success/)
    client.destroy()
  })

  it('leaves nothing behind when it hangs up or resets the connection', async () => {
    const own = await startTestServer({ ca })
    const [gone, reset] = [await reach(own), await reach(own)]
    await metAll(own)
    gone.destroy()
    reset.socket.resetAndDestroy()
    await metAll(own)
    expect(own.log.find('TLS handshakes fail')).toBeUndefined()
    await own.server.stop(NEVER_MS)
  })

  it.each([
    { what: 'nothing', octets: 0 },
    { what: 'half a ClientHello', octets: 100 },
  ])('and closes its half after $what is cut off', async ({ octets }) => {
    const client = await reach(t)
    await metAll(t)
    client.socket.end((await clientHello('TLSv1.3')).subarray(0, octets))
    expect(await client.ended()).toBe('')
  })
})

describe('a handshake in pieces', () => {
  let t: TestServer
  beforeAll(async () => {
    t = await startTestServer({ ca })
  })
  afterAll(() => t.stop())

  it.each([1, 7, 200])('of %d octets, direct TLS', async (bytes) => {
    const proxy = await piecemeal(t.tlsPort, bytes)
    const client = await RawClient.direct({ port: proxy.port, credentials: alice })
    await client.open()
    client.send(external())
    await client.receive(/<success/)
    client.destroy()
    proxy.stop()
  })

  it.each([1, 7, 200])('of %d octets, STARTTLS', async (bytes) => {
    const proxy = await piecemeal(t.port, bytes)
    const client = await RawClient.online({ port: proxy.port, credentials: alice })
    client.destroy()
    proxy.stop()
  })
})

describe('limits', () => {
  const silent = async (port: number): Promise<Socket> => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    return socket
  }

  it('count those who have not begun', async () => {
    const t = await startTestServer({ ca, limits: { ...DEFAULT_LIMITS, maxConnectionsPerAddress: 2 } })
    const [first] = [await silent(t.tlsPort), await silent(t.tlsPort)]
    expect(await (await RawClient.plain({ port: t.tlsPort })).ended()).toBe('')
    expect(t.log.find('connections are refused: too many')).toMatchObject({ limit: 'max_connections_per_address' })
    first.destroy()
    const next = await vi.waitFor(() => RawClient.direct({ port: t.tlsPort }), { timeout: 30_000 })
    next.destroy()
    await t.stop()
  })

  it('cut them off after the time of the negotiation, and the log says so once', async () => {
    const t = await startTestServer({ ca, limits: { ...DEFAULT_LIMITS, negotiationMs: 300 } })
    const sockets = [await silent(t.tlsPort), await silent(t.tlsPort)]
    await Promise.all(sockets.map((socket) => socket.resume().closed || once(socket, 'close')))
    const lines = t.log.lines.filter(({ message }) => message === 'TLS handshakes fail')
    expect(lines).toMatchObject([{ code: 'ERR_TLS_HANDSHAKE_TIMEOUT', reason: 'TLS handshake timeout' }])
    await t.stop()
  })
})

it('an update holds for whoever has connected before it and begins after it', async () => {
  const t = await startTestServer({ ca })
  const client = await RawClient.plain({ port: t.tlsPort })
  await metAll(t)
  const other = ca.issue({ subject: '/CN=localhost', dnsNames: ['localhost'], extendedKeyUsage: 'serverAuth' })
  await t.server.update({ ...t.options, credentials: [{ domain: 'localhost', key: other.key, chain: other.cert }] })
  await client.handshake()
  const { socket } = client
  if (!('getPeerX509Certificate' in socket)) throw new Error('not a TLS socket')
  expect(socket.getPeerX509Certificate()?.toString()).toBe(other.cert)
  client.destroy()
  await t.stop()
})
