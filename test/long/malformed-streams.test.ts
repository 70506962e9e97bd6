import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generator } from '../pki/mutations.ts'
import { OpensslCa } from '../support/certificates/certificates.ts'
import { issuedCredentials } from '../support/certificates/issued-credentials.ts'
import { CliHome } from '../support/processes/cli.ts'
import { type Memory, ServeProcess } from '../support/processes/serve.ts'
import { RawClient } from '../support/streams/xmpp-client.ts'
import { malformedStream } from './malformed-transcripts.ts'

const STREAMS = Number(process.env['XMPPKI_SOAK_STREAMS'] ?? 100_000)
/** Another one may be given to look further. */
const SEED = Number(process.env['XMPPKI_FUZZ_SEED'] ?? 20_261_128)
/** What is held is read after each. */
const LEGS = 12
const AT_ONCE = 32
/** One in so many comes over TLS, where a connection takes ten times as long. */
const TLS_EVERY = 25
/** Bytes that each stream of the last third may leave behind. */
const LEFT = 40
/** The same, of what is not JavaScript's: a connection of TLS that is kept is fifty times as much. */
const LEFT_RESIDENT = 1_000
/** Bytes by which two readings differ when nothing is left behind. */
const UNSTEADY = 500_000

/** Several times what it takes on a slow machine. */
const LIFETIME_MS = 1_100_000

const cli = new CliHome()
const stranger = new OpensslCa('Stranger CA')
let serve: ServeProcess
let ports: { readonly starttls: number; readonly tls: number }
/** What comes over TLS; whoever has the last one may log in as mallory. */
let contexts: readonly SecureContext[]

const issued = (user: string) => issuedCredentials(cli.home, user)

beforeAll(async () => {
  await cli.run(['ca', 'init', '--no-passphrase'])
  await cli.run(['server', 'issue', 'localhost'])
  await cli.run(['client', 'issue', 'alice', 'mallory', 'revoked'])
  await cli.run(['client', 'revoke', 'revoked'])
  const listener = (mode: string) => `[[listen.c2s]]\nport = 0\ntls = { mode = "${mode}" }\n`
  const methods = '[auth]\nmethods = ["pki", "rdbms"]\n'
  writeFileSync(cli.path('soak.toml'), methods + listener('starttls') + listener('tls'))
  serve = new ServeProcess(
    ['--home', cli.home, '--config', cli.path('soak.toml')],
    {},
    { isWatched: true, lifetime: LIFETIME_MS },
  )
  const { port, tlsPort } = await serve.listening()
  ports = { starttls: port, tls: tlsPort }
  const wish = { subject: '/CN=alice', xmppAddrs: ['alice@localhost'], extendedKeyUsage: 'clientAuth' }
  const all = [undefined, stranger.issue(wish), stranger.selfSigned(wish), issued('revoked'), issued('mallory')]
  contexts = all.map((credentials) => createSecureContext({ ...credentials }))
})
afterAll(async () => {
  await serve?.stop()
  cli.remove()
  stranger.remove()
})

/** Sends all that there is to say, some of it late; answers what came back until the end of the connection. */
async function converse(socket: Socket, octets: Buffer, cut: number): Promise<string> {
  let answer = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text
  })
  // Who is cut off while still talking is told so by the system.
  socket.on('error', () => undefined)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(octets.subarray(0, cut), () => socket.end(octets.subarray(cut)))
  await closed
  return answer
}

async function overTls(secureContext: SecureContext): Promise<Socket> {
  const socket = connectTls({
    port: ports.tls,
    host: '127.0.0.1',
    servername: 'localhost',
    secureContext,
    rejectUnauthorized: false,
  })
  await once(socket, 'secureConnect')
  return socket
}

/** Opens a door that nobody but the good may go through, again and again. */
class Soak {
  readonly conditions = new Set<string>()
  readonly #random = generator(SEED)
  #sent = 0

  /** So many streams more. */
  async go(count: number): Promise<void> {
    const last = this.#sent + count
    const one = async () => {
      while (this.#sent < last) await this.#visit(this.#sent++)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, one))
  }

  async #visit(round: number): Promise<void> {
    const octets = malformedStream(this.#random)
    const cut = this.#random(octets.length + 1)
    const index = Math.floor(round / TLS_EVERY) % contexts.length
    const context = round % TLS_EVERY === 0 ? contexts[index] : undefined
    const socket = context ? await overTls(context) : connect({ port: ports.starttls, host: '127.0.0.1' })
    const answer = await converse(socket, octets, cut)
    const isMallory = context !== undefined && index === contexts.length - 1
    const isWrong = /internal-server-error/.test(answer) || (!isMallory && answer.includes('<success'))
    if (isWrong) expect.fail(`seed ${SEED}, round ${round}: ${octets.toString('base64')}\n${answer}`)
    for (const [, condition = ''] of answer.matchAll(/<(?:stream:error|failure[^>]*)><([\w-]+)/g)) {
      this.conditions.add(condition)
    }
  }
}

let logins = 0

/** Somebody logs in, and is served. */
async function goodLogin(): Promise<void> {
  const client = await RawClient.online({ port: ports.starttls, credentials: issued('alice') })
  client.send("<iq type='get' id='ping'><ping xmlns='urn:xmpp:ping'/></iq>")
  await client.receive(/<iq [^>]*id="ping"[^>]*>/)
  client.destroy()
  logins += 1
}

const least = (values: readonly number[]) => Math.min(...values)

/** What was held in the last third of the legs, and before; in the first, caches fill and code is compiled. */
function thirds(readings: readonly Memory[], key: keyof Memory): [first: number[], second: number[], last: number[]] {
  const values = readings.map((reading) => reading[key])
  const third = values.length / 3
  return [values.slice(0, third), values.slice(third, 2 * third), values.slice(2 * third)]
}

describe.sequential(`${STREAMS} malformed streams, seed ${SEED}`, () => {
  const soak = new Soak()
  const readings: Memory[] = []

  it('come while others log in', async () => {
    const witness = await RawClient.online({ port: ports.starttls, credentials: issued('alice'), resource: 'witness' })
    logins += 1
    for (let leg = 0; leg < LEGS; leg += 1) {
      await goodLogin()
      await soak.go(Math.ceil(STREAMS / LEGS))
      witness.send(`<iq type='get' id='w${leg}'><ping xmlns='urn:xmpp:ping'/></iq>`)
      await witness.receive(new RegExp(`<iq [^>]*id="w${leg}"[^>]*>`))
      readings.push(await serve.memory())
    }
    await goodLogin()
    witness.destroy()
  })

  it('go wrong in every way', () => {
    expect([...soak.conditions]).toEqual(
      expect.arrayContaining([
        'bad-format',
        'host-unknown',
        'invalid-namespace',
        'not-well-formed',
        'policy-violation',
        'restricted-xml',
        'unsupported-encoding',
        'unsupported-stanza-type',
        'incorrect-encoding',
        'invalid-mechanism',
        'malformed-request',
        'not-authorized',
      ]),
    )
  })

  it('log nobody in, and are no error of the server', async () => {
    const accounts = () => serve.logLines.filter(({ msg }) => msg === 'logged in').map(({ account }) => account)
    const alices = () => accounts().filter((account) => account === 'alice@localhost').length
    // The log comes by another way than what clients see.
    await expect.poll(alices, { timeout: 30_000, interval: 500 }).toBe(logins)
    expect([...new Set(accounts())].sort()).toEqual(['alice@localhost', 'mallory@localhost'])
    expect(serve.logLines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
  })

  it('leave nothing behind', async () => {
    const [, heldBefore, held] = thirds(readings, 'held')
    expect(least(held) - least(heldBefore)).toBeLessThan((STREAMS / 3) * LEFT + UNSTEADY)
    // The allocator keeps what it likes, so more is only what is more than ever before.
    const [first, second, resident] = thirds(readings, 'resident')
    expect(least(resident) - Math.max(...first, ...second)).toBeLessThan((STREAMS / LEGS) * LEFT_RESIDENT)
    expect(await serve.stop()).toBe(0)
  })
})
