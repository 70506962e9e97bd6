import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Credentials, OpensslCa } from '../support/certificates/certificates.ts'
import { issuedCredentials } from '../support/certificates/issued-credentials.ts'
import { CliHome } from '../support/processes/cli.ts'
import { leastGrowth } from '../support/processes/growth.ts'
import { descriptorsOf } from '../support/processes/process-usage.ts'
import { ServeProcess } from '../support/processes/serve.ts'
import { clientHello } from '../support/streams/client-hello.ts'
import { external, RawClient, streamHeader } from '../support/streams/xmpp-client.ts'

const STALLED = 600
const ABORTED = 2_400
const BAD_LOGINS = 10_000
const WARM_UP = 1_000
const AT_ONCE = 24
/** Time for so many clients to get to where they stop, and for those that log in meanwhile. */
const STATE_TIMEOUT_MS = 15_000
const POLL = { timeout: 60_000, interval: 200 }

/** Those of the ledger and of a connection that is just about to go. */
const SPARE_DESCRIPTORS = 4
/** Bytes that JavaScript holds for each connection; some 40 KB more are OpenSSL's. */
const STALLED_MEMORY = 120 * 1024
/** Bytes that the same flood may add when it comes again; a connection that is not forgotten is some 50 KB. */
const AGAIN = 240
const MORE_MEMORY = AGAIN * 5 * 1024

const cli = new CliHome()
const partner = new OpensslCa('Partner CA')
const stranger = new OpensslCa('Stranger CA')
const twin = new OpensslCa('Partner CA')
let serve: ServeProcess
let ports: { readonly starttls: number; readonly tls: number }
let pid: number

const issued = (user: string) => issuedCredentials(cli.home, user)

beforeAll(async () => {
  await cli.run(['ca', 'init', '--no-passphrase'])
  await cli.run(['server', 'issue', 'localhost'])
  await cli.run(['client', 'issue', 'alice', 'revoked'])
  await cli.run(['client', 'revoke', 'revoked'])
  writeFileSync(cli.path('partner.crt'), partner.credentials.cert)
  const listener = (mode: string) =>
    `[[listen.c2s]]\nport = 0\nstate_timeout = ${STATE_TIMEOUT_MS}\ntls = { mode = "${mode}", cacertfile = "partner.crt" }\n`
  writeFileSync(cli.path('flood.toml'), listener('starttls_required') + listener('tls'))
  serve = new ServeProcess(['--home', cli.home, '--config', cli.path('flood.toml')], {}, { isWatched: true })
  const listening = await serve.listening()
  ports = { starttls: listening.port, tls: listening.tlsPort }
  pid = listening.pid
})
afterAll(async () => {
  await serve?.stop()
  cli.remove()
  for (const ca of [partner, stranger, twin]) ca.remove()
})

/** Logs in again and again until it is told to stop; answers how often, and how long the slowest took (milliseconds). */
async function goodUser(isOver: () => boolean): Promise<{ logins: number; slowest: number }> {
  const credentials = issued('alice')
  let [logins, slowest] = [0, 0]
  while (!isOver()) {
    const start = performance.now()
    const client = await RawClient.online({ port: ports.starttls, credentials })
    client.send(PING)
    await client.receive(PONG)
    client.destroy()
    slowest = Math.max(slowest, performance.now() - start)
    logins += 1
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { logins, slowest }
}

/** Runs a flood while somebody logs in; answers what the flood did. */
async function whileOthersLogIn<T>(flood: () => Promise<T>): Promise<T> {
  let isOver = false
  const user = goodUser(() => isOver)
  // When the user fails first, there is nothing more to wait for.
  const outcome = await Promise.race([flood(), user.then(() => new Promise<never>(() => undefined))]).finally(() => {
    isOver = true
  })
  const { logins, slowest } = await user
  expect(logins).toBeGreaterThan(0)
  expect(slowest).toBeLessThan(STATE_TIMEOUT_MS)
  return outcome
}

const PING = "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"
const PONG = /<iq type="result" id="p"/
const OPEN = streamHeader({ to: 'localhost' })
const STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
const [hello12, hello13] = [await clientHello('TLSv1.2'), await clientHello('TLSv1.3')]

interface Stall {
  readonly mode: 'starttls' | 'tls'
  /** What a client says before it stops, one thing after another, each when the last has been answered. */
  readonly say: readonly (string | Uint8Array)[]
}

const STALLS: readonly Stall[] = [
  { mode: 'starttls', say: [] },
  { mode: 'starttls', say: [OPEN.slice(0, 60)] },
  { mode: 'starttls', say: [OPEN] },
  { mode: 'starttls', say: [OPEN, STARTTLS] },
  { mode: 'starttls', say: [OPEN, STARTTLS, hello13.subarray(0, 100)] },
  { mode: 'starttls', say: [OPEN, STARTTLS, hello12] },
  { mode: 'starttls', say: [OPEN, STARTTLS, hello13] },
  { mode: 'tls', say: [] },
  { mode: 'tls', say: [hello13.subarray(0, 1)] },
  { mode: 'tls', say: [hello13.subarray(0, 100)] },
  { mode: 'tls', say: [hello12] },
  { mode: 'tls', say: [hello13] },
]

/** Half-open: it never ends its side of the connection, whatever the server does. */
async function stall({ mode, say }: Stall): Promise<Socket> {
  const socket = connect({ port: ports[mode], host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  for (const [index, text] of say.entries()) {
    if (index > 0) await once(socket, 'data')
    socket.write(text)
  }
  return socket
}

/** So many of each kind, at once. */
async function stallAll(each: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  for (const kind of STALLS) sockets.push(...(await Promise.all(Array.from({ length: each }, () => stall(kind)))))
  return sockets
}

/** Waits until the server has ended a connection, or cut it. */
async function cutOff(socket: Socket): Promise<void> {
  if (socket.readableEnded || socket.closed) return
  const ended = new Promise((resolve) => socket.once('end', resolve).once('close', resolve))
  socket.resume()
  await ended
}

const CLIENT = { subject: '/CN=alice', xmppAddrs: ['alice@localhost'], extendedKeyUsage: 'clientAuth' }
const PAST = ['20200101000000Z', '20200201000000Z'] as const
const FUTURE = ['20980101000000Z', '20990101000000Z'] as const

/** Nobody may log in with these; made when the test begins. */
const badCertificates = (): readonly (Credentials | undefined)[] => [
  issued('revoked'),
  partner.issue({ ...CLIENT, validity: PAST }),
  partner.issue({ ...CLIENT, validity: FUTURE }),
  partner.issue({ ...CLIENT, extendedKeyUsage: 'serverAuth' }),
  partner.issue({ ...CLIENT, extensions: ['1.2.3.4=critical,ASN1:NULL'] }),
  partner.issueBelow(partner.issue(CLIENT), CLIENT),
  partner.reissue(partner.issue({ ...CLIENT, subject: '/CN=aliceXmallory' }), 'aliceX', 'alice\0'),
  partner.selfSigned(CLIENT),
  stranger.issue(CLIENT),
  twin.issue(CLIENT),
  undefined,
]

/** An attempt to log in that must fail; half of the clients leave without a word. */
async function badLogin(secureContext: SecureContext, index: number): Promise<string> {
  const options = { tls: { secureContext } }
  const client = await (index % 2 === 0
    ? RawClient.direct({ port: ports.tls, ...options })
    : RawClient.plain({ port: ports.starttls, ...options }))
  if (index % 2 === 1) {
    await client.open()
    await client.startTls()
  }
  client.send(OPEN + external())
  const answer = await client.receive(/<(?:failure|success)[^>]*>(?:<[a-z-]*)?/)
  if (index % 4 < 2) client.destroy()
  else {
    client.send('</stream:stream>')
    await client.ended()
  }
  return answer.replace(/.*</, '')
}

/** A certificate in both versions of TLS: made once, because reading a key takes longer than a login. */
const contextsOf = (credentials: Credentials | undefined): SecureContext[] =>
  (['TLSv1.2', 'TLSv1.3'] as const).map((version) =>
    createSecureContext({ ...credentials, minVersion: version, maxVersion: version }),
  )

/** How often each answer was given to so many attempts. */
async function badLogins(count: number, contexts: readonly SecureContext[]): Promise<Record<string, number>> {
  const answers: Record<string, number> = {}
  let next = 0
  const attacker = async () => {
    while (next < count) {
      const index = next++
      const context = contexts[index % contexts.length]
      if (context === undefined) throw new Error('no certificates')
      const answer = await badLogin(context, Math.floor(index / contexts.length))
      answers[answer] = (answers[answer] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, attacker))
  return answers
}

/** Waits until the server has no more descriptors open than it had. */
async function settled(before: number): Promise<void> {
  await vi.waitFor(() => expect(descriptorsOf(pid) - before).toBeLessThan(SPARE_DESCRIPTORS), POLL)
}

describe.sequential('others log in meanwhile', () => {
  let contexts: readonly SecureContext[]
  /** Descriptors that it has open when it has just started. */
  let before: number
  let refusedBefore: number
  const refused = () => serve.logLines.filter(({ msg }) => msg === 'EXTERNAL not offered').length

  beforeAll(async () => {
    before = descriptorsOf(pid)
    contexts = badCertificates().flatMap(contextsOf)
    // What V8 and the allocator keep for next time is not a leak: they have it before anything is measured.
    await badLogins(WARM_UP, contexts)
    for (const socket of await stallAll(20)) socket.destroy()
    await settled(before)
    refusedBefore = refused()
  }, 240_000)

  it(`${STALLED} connections that stop half-way are cut off, though they never end`, async () => {
    const { held } = await serve.memory()
    await whileOthersLogIn(async () => {
      const sockets = await stallAll(STALLED / STALLS.length)
      await expect.poll(() => descriptorsOf(pid) - before, POLL).toBeGreaterThan(STALLED / 2)
      await expect.poll(async () => ((await serve.memory()).held - held) / STALLED, POLL).toBeLessThan(STALLED_MEMORY)
      await Promise.all(sockets.map(cutOff))
      await settled(before)
      for (const socket of sockets) socket.destroy()
    })
  })

  it(`${ABORTED} handshakes that are aborted`, async () => {
    await whileOthersLogIn(async () => {
      for (let left = ABORTED; left > 0; left -= 10 * STALLS.length) {
        const sockets = await stallAll(10)
        for (const [index, socket] of sockets.entries()) {
          if (index % 2 === 0) socket.resetAndDestroy()
          else socket.destroy()
        }
      }
    })
  })

  it(`${BAD_LOGINS} bad certificates are refused`, async () => {
    const answers = await whileOthersLogIn(() => badLogins(BAD_LOGINS, contexts))
    expect(answers).toEqual({ 'not-authorized': BAD_LOGINS })
    // All but the clients that have none: for each of them the log says what is wrong with its certificate.
    const without = contextsOf(undefined).length / contexts.length
    const least = BAD_LOGINS * (1 - without) - contexts.length
    await expect.poll(() => refused() - refusedBefore, POLL).toBeGreaterThan(least)
  }, 300_000)

  it('and when they come again they add nothing', async () => {
    const again = async () => {
      await badLogins(AGAIN, contexts)
      for (const socket of await stallAll(AGAIN / STALLS.length)) socket.destroy()
      await settled(before)
    }
    const held = async () => (await serve.memory()).held
    expect(await leastGrowth(again, held, MORE_MEMORY)).toBeLessThan(MORE_MEMORY)
    const resident = async () => (await serve.memory()).resident
    expect(await leastGrowth(again, resident, MORE_MEMORY)).toBeLessThan(MORE_MEMORY)
    const errors = serve.logLines.filter(({ level }) => level === 'error' || level === 'fatal')
    expect(errors).toEqual([])
  })
})

describe('file descriptors that run out', () => {
  it('are no end of the server: it serves whoever is there, and others when it has them back', async () => {
    const own = new ServeProcess(['--home', cli.home, '--config', cli.path('flood.toml')], {}, { descriptors: 100 })
    const { port, tlsPort } = await own.listening()
    const credentials = issued('alice')
    const witness = await RawClient.online({ port, credentials })
    const sockets = Array.from({ length: 150 }, () => connect({ port: tlsPort, host: '127.0.0.1' }))
    // Those for which there is none are closed at once.
    const isClosed = (socket: Socket) => new Promise((resolve) => socket.once('error', resolve).once('close', resolve))
    await Promise.any(sockets.map(isClosed))
    witness.send(PING)
    await witness.receive(PONG)
    for (const socket of sockets) socket.destroy()
    const newcomer = await vi.waitFor(() => RawClient.online({ port, credentials }), POLL)
    for (const client of [witness, newcomer]) client.destroy()
    expect(await own.stop()).toBe(0)
  })
})
