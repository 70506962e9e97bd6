import type { SecureVersion } from 'node:tls'
import { listenerOptions } from '../../../src/server/net/endpoint.ts'
import type { Credentials } from '../certificates/certificates.ts'
import type { TestServer } from '../servers/server.ts'
import { MemoryClient, type TestClient } from './memory-client.ts'
import { RawClient, streamHeader } from './xmpp-client.ts'

const SECURE_VERSIONS: Readonly<Record<string, SecureVersion>> = { '1.2': 'TLSv1.2', '1.3': 'TLSv1.3' }

interface Line {
  readonly number: number
  readonly actor: string
  readonly action: string
}

/** Lines without comments; an indented line goes on with the one before it. */
function readLines(text: string): Line[] {
  const lines: { number: number; text: string }[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const last = lines.at(-1)
    if (/^\s/.test(line) && last !== undefined) last.text += line.trim()
    else lines.push({ number: index + 1, text: line.trimEnd() })
  }
  return lines.map(({ number, text: words }) => {
    const [, actor = '', action = ''] = /^(\w+) (.*)$/.exec(words) ?? []
    return { number, actor, action }
  })
}

/** Connects a client. @param how as the transcript says: `by TLS`, a version of TLS */
type Connect = (actor: string, how: string) => Promise<TestClient>

/** Over sockets and TLS. */
export function overTheNetwork(server: TestServer, credentialsOf: (actor: string) => Credentials): Connect {
  return (actor, how) => {
    const version = SECURE_VERSIONS[/1\.[23]/.exec(how)?.[0] ?? '1.3'] ?? 'TLSv1.3'
    const tls = { minVersion: version, maxVersion: version }
    const options = { credentials: credentialsOf(actor), tls }
    return how.startsWith('by TLS')
      ? RawClient.direct({ ...options, port: server.tlsPort })
      : RawClient.plain({ ...options, port: server.port })
  }
}

/** The same server, and the same streams in it, without sockets. */
export function inMemory(
  { server, options }: TestServer,
  credentialsOf: (actor: string) => Credentials,
): (actor: string, how: string) => Promise<MemoryClient> {
  return async (actor, how) => {
    const isSecured = how.startsWith('by TLS')
    const client = new MemoryClient({ secured: isSecured, credentials: credentialsOf(actor) })
    const doors = listenerOptions(options)
    const door = doors.find(({ mode }) => (mode === 'tls') === isSecured)
    if (door === undefined) throw new Error('the server has no such listener')
    server.accept(client.transport, door)
    return client
  }
}

/**
 * Plays a conversation between clients and a real server, word for word.
 *
 *     alice connects [by TLS] [1.2]      a connection in the clear, or direct TLS
 *     alice handshakes                   TLS on it, with the certificate of alice@localhost
 *     alice opens a stream [from JID]    stream header, and the answer to it
 *     alice > <presence/>                alice sends; lines that follow one another leave in one write
 *     alice < <presence from="{me}"/>    the next thing that alice receives is exactly this
 *     alice leaves                       the connection goes without a word
 *     alice is disconnected              the server has closed, and had nothing more to say
 *
 * `{me}` stands for whatever is there the first time, and for the same again later; `{base64 text}` is encoded;
 * `…` stands for anything. What a client has received and no line has said is an error in the end.
 */
export class Transcript {
  readonly #connect: Connect
  readonly #clients = new Map<string, TestClient>()
  readonly #names = new Map<string, string>()
  /** What an actor is about to send. */
  #outgoing: { actor: string; text: string } | undefined

  constructor(connect: Connect) {
    this.#connect = connect
  }

  async play(text: string): Promise<void> {
    try {
      for (const line of readLines(text)) await this.#playLine(line)
      this.#flush()
      for (const [actor, { pending }] of this.#clients) {
        if (pending !== '') throw new Error(`${actor} also received: ${pending}`)
      }
    } finally {
      for (const client of this.#clients.values()) client.destroy()
    }
  }

  async #playLine({ number, actor, action }: Line): Promise<void> {
    try {
      if (!action.startsWith('> ') || this.#outgoing?.actor !== actor) this.#flush()
      await this.#act(actor, action)
    } catch (error) {
      throw new Error(`line ${number}, ${actor} ${action}: ${(error as Error).message}`, { cause: error })
    }
  }

  async #act(actor: string, action: string): Promise<void> {
    const [verb = '', rest = ''] = [action.split(' ', 1)[0], action.slice(action.indexOf(' ') + 1)]
    switch (verb) {
      case 'connects':
        this.#clients.set(actor, await this.#connect(actor, rest))
        return
      case 'handshakes':
        return this.#client(actor).handshake()
      case 'opens':
        return this.#open(actor, /from (\S+)/.exec(rest)?.[1])
      case '>':
        this.#outgoing = { actor, text: (this.#outgoing?.text ?? '') + this.#fill(rest) }
        return
      case '<':
        return this.#expect(actor, rest)
      case 'leaves':
        this.#client(actor).destroy()
        return
      case 'is': {
        const left = await this.#client(actor).ended()
        if (left !== '') throw new Error(`received: ${left}`)
        return
      }
      default:
        throw new Error('what is that?')
    }
  }

  #client(actor: string): TestClient {
    const client = this.#clients.get(actor)
    if (client === undefined) throw new Error('is not connected')
    return client
  }

  async #open(actor: string, from: string | undefined): Promise<void> {
    const client = this.#client(actor)
    client.send(streamHeader({ to: 'localhost', from }))
    await client.receive(/^<\?xml version="1.0"\?><stream:stream [^>]*from="localhost"[^>]*>/)
  }

  #flush(): void {
    const outgoing = this.#outgoing
    this.#outgoing = undefined
    if (outgoing !== undefined) this.#client(outgoing.actor).send(outgoing.text)
  }

  /** Names that are known and functions, in a text to send. */
  #fill(text: string): string {
    return text.replace(/\{(?:(base64) )?([^}]+)\}/g, (_, base64: string | undefined, name: string) => {
      if (base64 !== undefined) return Buffer.from(name).toString('base64')
      const value = this.#names.get(name)
      if (value === undefined) throw new Error(`nothing is known of {${name}}`)
      return value
    })
  }

  async #expect(actor: string, text: string): Promise<void> {
    const found: string[] = []
    const pattern = text.split(/(\{\w+\}|…)/).map((part) => {
      const [, name] = /^\{(\w+)\}$/.exec(part) ?? []
      const known = name === undefined ? undefined : this.#names.get(name)
      if (part === '…') return '.*?'
      if (name === undefined || known !== undefined) return escapeRegExp(known ?? part)
      if (found.includes(name)) return `\\k<${name}>`
      found.push(name)
      return `(?<${name}>[^"<>]*)`
    })
    const expected = new RegExp(`^${pattern.join('')}`, 's')
    const groups = expected.exec(await this.#client(actor).receive(expected))?.groups
    for (const name of found) this.#names.set(name, groups?.[name] ?? '')
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
