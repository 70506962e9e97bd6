import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import type { Credentials } from '../certificates/certificates.ts'

/** Longer than any answer takes on a busy machine, shorter than the time limit of a test. */
const WAIT_MS = 30_000

export interface ClientOptions {
  readonly port: number
  readonly domain?: string
  readonly credentials?: Credentials
  /** `from` of the stream headers. */
  readonly from?: string
  readonly tls?: ConnectionOptions
  /** Address to connect to instead of 127.0.0.1. */
  readonly host?: string
  /** Address and port to connect from. */
  readonly localAddress?: string
  readonly localPort?: number
}

/** A client that sends exactly what a test says and sees exactly what arrives, with a parser of nobody's. */
export class RawClient {
  #socket: Socket | TLSSocket
  #received = ''
  #closed = false
  #wake: (() => void)[] = []
  readonly #options: ClientOptions

  private constructor(socket: Socket | TLSSocket, options: ClientOptions) {
    this.#socket = socket
    this.#options = options
    this.#listen()
  }

  /** A connection in the clear, nothing sent. */
  static async plain(options: ClientOptions): Promise<RawClient> {
    const { port, host = '127.0.0.1', localAddress, localPort } = options
    const from = { ...(localAddress && { localAddress }), ...(localPort && { localPort }) }
    const socket = connect({ port, host, ...from })
    await once(socket, 'connect')
    return new RawClient(socket, options)
  }

  /** A connection with direct TLS (XEP-0368), nothing sent. */
  static async direct(options: ClientOptions): Promise<RawClient> {
    const socket = connectTls(tlsOptions(options, { port: options.port, host: '127.0.0.1' }))
    await once(socket, 'secureConnect')
    return new RawClient(socket, options)
  }

  /** STARTTLS done, the second stream opened and its features received. */
  static async secured(options: ClientOptions): Promise<RawClient> {
    const client = await RawClient.plain(options)
    await client.open()
    await client.startTls()
    await client.open()
    return client
  }

  /** Logged in with EXTERNAL, and bound. */
  static async online(options: ClientOptions & { resource?: string; authzid?: string }): Promise<RawClient> {
    const client = await RawClient.secured(options)
    client.send(external(options.authzid))
    await client.receive(/<success/)
    await client.open()
    await client.bind(options.resource)
    return client
  }

  /** What has arrived and has not been asked for. */
  get pending(): string {
    return this.#received
  }

  get socket(): Socket | TLSSocket {
    return this.#socket
  }

  get isClosed(): boolean {
    return this.#closed
  }

  send(text: string | Uint8Array): void {
    this.#socket.write(text)
  }

  /** Opens a stream and answers its features. */
  async open(): Promise<string> {
    this.send(
      streamHeader({
        to: this.#options.domain ?? 'localhost',
        from: this.#options.from,
      }),
    )
    return this.receive(/<stream:features(?:\/>|>.*?<\/stream:features>)/s)
  }

  async startTls(): Promise<void> {
    this.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    await this.receive(/<proceed[^>]*\/>/)
    await this.handshake()
  }

  /** TLS on the connection as it is. */
  async handshake(): Promise<void> {
    this.#socket.removeAllListeners('data')
    const secure = connectTls(tlsOptions(this.#options, { socket: this.#socket }))
    await once(secure, 'secureConnect')
    this.#socket.removeAllListeners('close')
    this.#socket = secure
    this.#listen()
  }

  async bind(resource?: string): Promise<string> {
    const wish = resource === undefined ? '' : `<resource>${resource}</resource>`
    this.send(`<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>${wish}</bind></iq>`)
    const answer = await this.receive(/<jid>[^<]*<\/jid>.*?<\/iq>/s)
    return answer.replace(/.*<jid>|<\/jid>.*/gs, '')
  }

  /** Waits for text that matches and takes everything up to its end; the match is the answer. */
  async receive(pattern: RegExp): Promise<string> {
    const deadline = Date.now() + WAIT_MS
    for (;;) {
      const match = pattern.exec(this.#received)
      if (match) {
        this.#received = this.#received.slice(match.index + match[0].length)
        return match[0]
      }
      if (this.#closed) throw new Error(`closed before ${pattern}; received: ${this.#received}`)
      if (!(await this.#change(deadline))) throw new Error(`no ${pattern}; received: ${this.#received}`)
    }
  }

  /** Waits for the end of the connection; answers what had not been asked for. */
  async ended(): Promise<string> {
    const deadline = Date.now() + WAIT_MS
    while (!this.#closed) {
      if (!(await this.#change(deadline))) throw new Error(`not closed; received: ${this.#received}`)
    }
    return this.#received
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #change(deadline: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), Math.max(0, deadline - Date.now()))
      this.#wake.push(() => {
        clearTimeout(timer)
        resolve(true)
      })
    })
  }

  #listen(): void {
    const socket = this.#socket
    const wake = () => {
      const waiting = this.#wake
      this.#wake = []
      for (const go of waiting) go()
    }
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      this.#received += text
      wake()
    })
    socket.on('error', () => undefined)
    socket.once('close', () => {
      this.#closed = true
      wake()
    })
  }
}

function tlsOptions({ credentials, domain, tls }: ClientOptions, more: ConnectionOptions): ConnectionOptions {
  return {
    servername: domain ?? 'localhost',
    rejectUnauthorized: false,
    ...(credentials === undefined ? {} : { key: credentials.key, cert: credentials.cert }),
    ...more,
    ...tls,
  }
}

export function streamHeader({ to, from }: { to: string; from?: string | undefined }): string {
  const sender = from === undefined ? '' : ` from='${from}'`
  return `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='${to}'${sender} version='1.0'>`
}

/** `<authenticate/>` of SASL2 for EXTERNAL (XEP-0388 §2.3), with what is asked for along with it. */
export function external2(inline = '', authzid = ''): string {
  const response = `<initial-response>${Buffer.from(authzid).toString('base64')}</initial-response>`
  return `<authenticate xmlns='urn:xmpp:sasl:2' mechanism='EXTERNAL'>${response}${inline}</authenticate>`
}

/** `<auth/>` for EXTERNAL; no authzid is the lone `=` of RFC 6120 §6.4.2. */
export function external(authzid?: string): string {
  const body = authzid === undefined ? '=' : Buffer.from(authzid).toString('base64')
  return `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>${body}</auth>`
}
