import { connect, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { XmppkiError } from '../errors.ts'
import { NS } from '../xmpp/namespaces.ts'
import type { Element } from '../xmpp/xml/element.ts'
import { localNameOf, serialize, xml } from '../xmpp/xml/element.ts'
import { type StreamHeader, StreamParser } from '../xmpp/xml/stream-parser.ts'

/** How long the other side may take for one answer. */
const ANSWER_MS = 10_000

const LIMITS = { stanzaBytes: 262_144, depth: 64, attributes: 64 }

/** Which server, and how its streams begin. */
export interface StreamTarget {
  readonly host: string
  readonly port: number
  readonly mode: 'starttls' | 'tls'
  /** Whom the stream is for: `to` and SNI. */
  readonly domain: string
}

/** What a probe throws: what went wrong on the way, in words. */
export function failed(what: string, cause?: unknown): XmppkiError {
  return new XmppkiError('PROOF_FAILED', what, { cause })
}

type Arrival = Element | XmppkiError

/** A client stream as a queue of elements. Errors: `PROOF_FAILED`, naming the step. */
export class ClientStream {
  readonly #target: StreamTarget
  readonly #arrived: Arrival[] = []
  #socket: Socket | TLSSocket
  #parser = this.#newParser()
  #waiting: ((arrival: Arrival) => void) | undefined
  /** Whether a stream of ours is there to be closed. */
  #isOpen = false

  private constructor(socket: Socket, target: StreamTarget) {
    this.#socket = socket
    this.#target = target
    this.#listen()
  }

  /** A connection in the clear on which nothing has been said. */
  static async connect(target: StreamTarget): Promise<ClientStream> {
    const { host, port } = target
    const socket = connect(port, host)
    await settled(socket, 'connect', `cannot connect to ${host}:${port}`)
    return new ClientStream(socket, target)
  }

  /**
   * Goes over to TLS, after `<proceed/>` or, for direct TLS (XEP-0368), as the first thing.
   * @param through puts something between TLS and the connection
   */
  async secure(options: ConnectionOptions, through?: (socket: Socket) => Duplex): Promise<TLSSocket> {
    const plain = this.#socket
    for (const event of ['data', 'error', 'close']) plain.removeAllListeners(event)
    // Whatever happens to it happens to the TLS socket as well.
    plain.on('error', () => undefined)
    const { domain, mode } = this.#target
    const alpn = mode === 'tls' ? { ALPNProtocols: ['xmpp-client'] } : {}
    // RFC 6066 §3: SNI carries names and no addresses.
    const servername = isIP(domain) === 0 ? domain : ''
    const socket = connectTls({ servername, ...alpn, socket: through?.(plain) ?? plain, ...options })
    await settled(socket, 'secureConnect', 'the TLS handshake failed')
    this.#socket = socket
    this.#listen()
    return socket
  }

  get protocol(): string {
    return ('encrypted' in this.#socket && this.#socket.getProtocol()) || 'no TLS'
  }

  /** Opens a stream; answers its features. */
  async open(): Promise<Element> {
    this.#parser = this.#newParser()
    const attributes = { xmlns: NS.client, 'xmlns:stream': NS.stream, to: this.#target.domain, version: '1.0' }
    const header = serialize(xml('stream:stream', attributes)).slice(0, -'/>'.length)
    this.#socket.write(`<?xml version="1.0"?>${header}>`)
    this.#isOpen = true
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
    if (replacesStream(arrival)) this.#isOpen = false
    return arrival
  }

  close(): void {
    this.#socket.end(this.#isOpen ? '</stream:stream>' : '')
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

/** What a new stream follows: nobody closes the one before (RFC 6120 §5.4.3.3 and §6.4.6). */
function replacesStream({ name, attrs }: Element): boolean {
  return (name === 'proceed' && attrs.xmlns === NS.tls) || (name === 'success' && attrs.xmlns === NS.sasl)
}

function settled(socket: Socket | TLSSocket, event: string, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      clearTimeout(timer)
      reject(failed(`${what}: ${error.message}`, error))
    }
    const timer = setTimeout(() => socket.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS)
    socket.once('error', fail)
    socket.once(event, () => {
      clearTimeout(timer)
      socket.off('error', fail)
      resolve()
    })
  })
}
