import { connect, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { XmppkiError } from '../errors.ts'
import type { Element } from '../xmpp/element.ts'
import { childNamed, localNameOf, serialize, textOf, xml } from '../xmpp/element.ts'
import { NS } from '../xmpp/namespaces.ts'
import { type StreamHeader, StreamParser } from '../xmpp/stream-parser.ts'

/** How long the other side may take for one answer. */
const ANSWER_MS = 10_000

const LIMITS = { stanzaBytes: 262_144, depth: 64, attributes: 64 }

/** Where and as whom to log in, with the files that a user would be given. */
export interface LoginRequest {
  readonly host: string
  readonly port: number
  readonly mode: 'starttls' | 'tls'
  /** Also what the server certificate must be for. */
  readonly domain: string
  /** PKCS#12 and its password. */
  readonly bundle: { readonly data: Uint8Array; readonly password: string }
  /** PEM of the CA that the server certificate must come from. */
  readonly ca: string
}

/** What a login looked like from the client's side. */
export interface LoginReport {
  readonly jid: string
  /** `TLSv1.3` */
  readonly tls: string
  readonly milliseconds: number
}

function failed(what: string, cause?: unknown): XmppkiError {
  return new XmppkiError('PROOF_FAILED', what, { cause })
}

/**
 * A small XMPP client: logs in with a certificate, sends and receives messages. It verifies the server's
 * certificate as a user's client would. Errors: `PROOF_FAILED`, naming the step.
 */
export class LoginProbe {
  readonly report: LoginReport
  readonly #stream: ClientStream

  private constructor(stream: ClientStream, report: LoginReport) {
    this.#stream = stream
    this.report = report
  }

  static async login(request: LoginRequest): Promise<LoginProbe> {
    const began = process.hrtime.bigint()
    const stream = await ClientStream.connect(request)
    try {
      const offered = await stream.open()
      const sasl = childNamed(offered, 'mechanisms', NS.sasl)
      const names = (sasl?.children ?? []).filter((child) => typeof child !== 'string').map(textOf)
      if (!names.includes('EXTERNAL')) throw failed(`the server does not offer EXTERNAL, only [${names.join(', ')}]`)
      // RFC 6120 §6.4.2: a lone "=" leaves the choice of the account to the certificate.
      const answer = await stream.ask(xml('auth', { xmlns: NS.sasl, mechanism: 'EXTERNAL' }, '='))
      if (answer.name !== 'success') throw failed(`the server refused the certificate: ${serialize(answer)}`)
      await stream.open()
      const bound = await stream.ask(xml('iq', { type: 'set', id: 'bind' }, xml('bind', { xmlns: NS.bind })))
      const bind = childNamed(bound, 'bind', NS.bind)
      const jid = bind && childNamed(bind, 'jid', NS.bind)
      if (jid === undefined) throw failed(`the server did not bind a resource: ${serialize(bound)}`)
      const milliseconds = Number(process.hrtime.bigint() - began) / 1e6
      return new LoginProbe(stream, { jid: textOf(jid), tls: stream.protocol, milliseconds })
    } catch (error) {
      stream.close()
      throw error
    }
  }

  /** Sends available presence and waits until the server has it. */
  async announce(): Promise<void> {
    await this.#stream.ask(xml('presence'))
  }

  send(to: string, body: string): void {
    this.#stream.send(xml('message', { to, type: 'chat' }, xml('body', {}, body)))
  }

  /** The next message: its sender and its text. */
  async receive(): Promise<{ from: string; body: string }> {
    for (;;) {
      const stanza = await this.#stream.next()
      const body = stanza.name === 'message' ? childNamed(stanza, 'body', NS.client) : undefined
      if (body !== undefined) return { from: stanza.attrs.from ?? '', body: textOf(body) }
    }
  }

  close(): void {
    this.#stream.close()
  }
}

type Arrival = Element | XmppkiError

/** A client stream as a queue of elements. */
class ClientStream {
  readonly #request: LoginRequest
  readonly #arrived: Arrival[] = []
  #socket: Socket | TLSSocket
  #parser = this.#newParser()
  #waiting: ((arrival: Arrival) => void) | undefined

  private constructor(socket: Socket | TLSSocket, request: LoginRequest) {
    this.#socket = socket
    this.#request = request
    this.#listen()
  }

  /** A secured connection on which no stream has been opened. */
  static async connect(request: LoginRequest): Promise<ClientStream> {
    const { host, port, mode } = request
    if (mode === 'tls') return new ClientStream(await secure(request, { host, port }), request)
    const socket = connect(port, host)
    await settled(socket, 'connect', `cannot connect to ${host}:${port}`)
    const stream = new ClientStream(socket, request)
    await stream.open()
    const answer = await stream.ask(xml('starttls', { xmlns: NS.tls }))
    if (answer.name !== 'proceed') throw failed(`the server refused STARTTLS: ${serialize(answer)}`)
    for (const event of ['data', 'error', 'close']) socket.removeAllListeners(event)
    stream.#socket = await secure(request, { socket })
    stream.#listen()
    return stream
  }

  get protocol(): string {
    return ('encrypted' in this.#socket && this.#socket.getProtocol()) || 'no TLS'
  }

  /** Opens a stream; answers its features. */
  async open(): Promise<Element> {
    this.#parser = this.#newParser()
    const attributes = { xmlns: NS.client, 'xmlns:stream': NS.stream, to: this.#request.domain, version: '1.0' }
    const header = serialize(xml('stream:stream', attributes)).slice(0, -'/>'.length)
    this.#socket.write(`<?xml version="1.0"?>${header}>`)
    const features = await this.next()
    if (localNameOf(features) !== 'features') throw failed(`the server closed the stream: ${serialize(features)}`)
    return features
  }

  send(element: Element): void {
    this.#socket.write(serialize(element))
  }

  ask(element: Element): Promise<Element> {
    this.send(element)
    return this.next()
  }

  async next(): Promise<Element> {
    const arrival = this.#arrived.shift() ?? (await this.#wait())
    if (arrival instanceof XmppkiError) throw arrival
    return arrival
  }

  close(): void {
    this.#socket.end('</stream:stream>')
    this.#socket.unref()
  }

  #wait(): Promise<Arrival> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(failed(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS)
      this.#waiting = (arrival) => {
        clearTimeout(timer)
        resolve(arrival)
      }
    })
  }

  #arrive(arrival: Arrival): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting === undefined) this.#arrived.push(arrival)
    else waiting(arrival)
  }

  #newParser(): StreamParser {
    return new StreamParser(
      {
        open: (_header: StreamHeader) => undefined,
        element: (element) => this.#arrive(element),
        close: () => this.#arrive(failed('the server closed the stream')),
        fault: (condition, text) => this.#arrive(failed(`the server sent bad XML: ${condition}, ${text}`)),
      },
      LIMITS,
    )
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Uint8Array) => this.#parser.write(chunk))
    this.#socket.on('error', (error) => this.#arrive(failed(`the connection broke: ${error.message}`, error)))
    this.#socket.on('close', () => this.#arrive(failed('the server closed the connection')))
  }
}

function openBundle({ data, password }: LoginRequest['bundle'], ca: string): SecureContext {
  try {
    return createSecureContext({ pfx: Buffer.from(data), passphrase: password, ca })
  } catch (error) {
    throw failed('the PKCS#12 bundle cannot be opened with its password', error)
  }
}

async function secure(
  { domain, bundle, ca }: LoginRequest,
  transport: { socket: Socket } | { host: string; port: number },
): Promise<TLSSocket> {
  const socket = connectTls({
    ...transport,
    servername: domain,
    secureContext: openBundle(bundle, ca),
    ...('port' in transport ? { ALPNProtocols: ['xmpp-client'] } : {}),
  })
  await settled(socket, 'secureConnect', 'the TLS handshake failed')
  return socket
}

function settled(socket: Socket | TLSSocket, event: string, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(failed(`${what}: ${error.message}`, error))
    socket.once('error', fail)
    socket.once(event, () => {
      socket.off('error', fail)
      resolve()
    })
  })
}
