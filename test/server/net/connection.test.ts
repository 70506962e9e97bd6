import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { Connection, type ConnectionOptions } from '../../../src/server/net/connection.ts'
import { madeRoot } from '../../support/certificates/small-pki.ts'
import { turn } from '../../support/streams/gate.ts'

const { key, cert } = madeRoot('localhost', { ca: false }).credentials
const tls = createTlsServer({ key, cert, handshakeTimeout: 1_000_000 })

let server: Server
let sockets: Socket[] = []
beforeAll(async () => {
  server = createServer({ noDelay: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  vi.useRealTimers()
  for (const socket of sockets) socket.destroy()
  sockets = []
})
afterAll(() => server.close())

/** Runs the handshake as a listener does. */
const upgrade: ConnectionOptions['upgrade'] = (socket, done) => {
  tls.once('secureConnection', (secure) => done(secure, () => ({ leaf: Buffer.from('leaf'), sent: () => [] })))
  tls.emit('connection', socket)
}

/** Both ends of a connection; the server's end notes what it is told. */
async function connected() {
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  client.on('error', () => undefined)
  const [socket] = (await once(server, 'connection')) as [Socket]
  sockets.push(client, socket)
  const connection = new Connection(socket, { acceptedAt: performance.now(), upgrade })
  const told: string[] = []
  let wake: () => void = () => undefined
  const tell = (what: string) => {
    told.push(what)
    wake()
  }
  connection.attach({
    data: (chunk) => tell(Buffer.from(chunk).toString()),
    upgraded: () => tell('(upgraded)'),
    drained: () => tell('(drained)'),
    closed: () => tell('(closed)'),
  })
  /** Waits until all that has been told ends so. */
  const until = async (end: string) => {
    while (!told.join('').endsWith(end)) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return { client, socket, connection, told, until }
}

/** Everything that comes, up to the end. */
async function received(socket: Socket | TLSSocket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}

describe('a connection in the clear', () => {
  it('is known by its peer, and has nothing of TLS', async () => {
    const { client, connection } = await connected()
    expect(connection.remote).toBe(`127.0.0.1:${client.localPort}`)
    const { secured, protocol, isClogged } = connection
    expect({ secured, protocol, isClogged }).toEqual({ secured: false, protocol: undefined, isClogged: false })
    expect([connection.peerCertificate(), connection.channelBindings().size]).toEqual([undefined, 0])
    expect(connection.age).toBeGreaterThanOrEqual(0)
  })

  it('sends what is written in one turn at once, in order', async () => {
    const { client, socket, connection } = await connected()
    const writes = vi.spyOn(socket, 'write')
    for (const text of ['<a/>', '<ä/>', '<c/>']) connection.write(text)
    const [octets] = (await once(client, 'data')) as [Buffer]
    expect(octets.toString()).toBe('<a/><ä/><c/>')
    expect(writes).toHaveBeenCalledTimes(1)
  })

  it('is not read while it is paused', async () => {
    const { client, connection, told, until } = await connected()
    connection.pause()
    client.write('a')
    await new Promise((resolve) => client.write('b', resolve))
    for (let n = 0; n < 10; n++) await turn()
    expect(told).toEqual([])
    connection.resume()
    await until('ab')
  })

  it('is told once that it is gone, whatever has happened', async () => {
    for (const leave of [(client: Socket) => client.destroy(), (client: Socket) => client.resetAndDestroy()]) {
      const { client, connection, told, until } = await connected()
      leave(client)
      await until('(closed)')
      connection.write('nobody reads this')
      connection.end()
      expect(told).toEqual(['(closed)'])
    }
  })

  it('ends when its peer ends', async () => {
    const { client, told, until } = await connected()
    const all = received(client)
    client.end('last words')
    await until('(closed)')
    expect([await all, told]).toEqual(['', ['last words', '(closed)']])
  })
})

describe('a peer that does not read', () => {
  it('is not read either, until it does', async () => {
    const { client, connection, told, until } = await connected()
    client.pause()
    while (!connection.isClogged) {
      connection.write('x'.repeat(1_000_000))
      await turn()
    }
    client.write('a')
    connection.resume()
    await turn()
    expect(told).toEqual([])
    client.resume()
    await until('a')
    expect(told).toEqual(['(drained)', 'a'])
    expect(connection.isClogged).toBe(false)
  })
})

describe('the end', () => {
  it('comes behind what was written before, and nothing after it', async () => {
    const { client, connection, told, until } = await connected()
    const all = received(client)
    connection.write('before')
    connection.end()
    connection.write('after')
    connection.end()
    expect(await all).toBe('before')
    await until('(closed)')
    expect(told).toEqual(['(closed)'])
  })

  it('arrives though what the peer has sent was never read', async () => {
    const { client, connection, told } = await connected()
    connection.pause()
    await new Promise((resolve) => client.write('x'.repeat(10_000), resolve))
    connection.write('</stream:stream>')
    connection.end()
    expect(await received(client)).toBe('</stream:stream>')
    expect(told.join('')).not.toContain('x')
  })

  it('is cut when the peer does not follow', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { client, connection, told, until } = await connected()
    client.allowHalfOpen = true
    client.resume()
    connection.end()
    await once(client, 'end')
    vi.advanceTimersByTime(1_999)
    await turn()
    expect(told).toEqual([])
    vi.advanceTimersByTime(1)
    await until('(closed)')
  })
})

describe('STARTTLS on a connection', () => {
  it('sends what was written before in the clear, and nothing until the handshake is over', async () => {
    const { client, connection, told, until } = await connected()
    connection.write('<proceed/>')
    connection.startTls()
    connection.write('in the clear')
    const [proceed] = (await once(client, 'data')) as [Buffer]
    expect(proceed.toString()).toBe('<proceed/>')
    const secure = connectTls({ socket: client, rejectUnauthorized: false })
    await until('(upgraded)')
    expect([connection.secured, connection.protocol]).toEqual([true, 'TLSv1.3'])
    expect(connection.peerCertificate()).toMatchObject({ leaf: Buffer.from('leaf') })
    expect(connection.channelBindings().size).toBeGreaterThan(0)
    secure.write('hello')
    await until('hello')
    const all = received(secure)
    connection.write('secret')
    connection.end()
    expect(await all).toBe('secret')
    await until('(closed)')
    expect(told).toEqual(['(upgraded)', 'hello', '(closed)'])
  })

  it.each([
    { name: 'the peer leaves', leave: ({ client }: Awaited<ReturnType<typeof connected>>) => client.destroy() },
    { name: 'it is ended', leave: ({ connection }: Awaited<ReturnType<typeof connected>>) => connection.end() },
  ])('is over when $name in the middle of the handshake', async ({ leave }) => {
    const ends = await connected()
    ends.connection.startTls()
    leave(ends)
    await ends.until('(closed)')
    expect(ends.told).toEqual(['(closed)'])
    tls.removeAllListeners('secureConnection')
  })
})
