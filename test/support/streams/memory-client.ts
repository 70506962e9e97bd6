import { X509Certificate } from 'node:crypto'
import type { PresentedCertificate, TransportEvents } from '../../../src/server/net/transport.ts'
import type { AttachableTransport } from '../../../src/server/stream/open-streams.ts'
import type { Credentials } from '../certificates/certificates.ts'

/** The server's end of a connection without a network: what it writes is in the client's hands at once. */
class MemoryTransport implements AttachableTransport {
  readonly remote: string
  readonly age = 0
  isClogged = false
  secured: boolean
  events: TransportEvents | undefined
  isPaused = false
  /** What has come while nothing was read. */
  #unread: Uint8Array[] = []
  readonly #client: { heard(text: string): void; left(): void }
  readonly #certificate: PresentedCertificate | undefined

  constructor(
    client: { heard(text: string): void; left(): void },
    given: { remote: string; secured: boolean; certificate: PresentedCertificate | undefined },
  ) {
    this.#client = client
    this.remote = given.remote
    this.secured = given.secured
    this.#certificate = given.certificate
  }

  get protocol(): string | undefined {
    return this.secured ? 'TLSv1.3' : undefined
  }

  attach(events: TransportEvents): void {
    this.events = events
  }

  write(text: string): void {
    this.#client.heard(text)
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    // In another turn, as it comes from a socket.
    queueMicrotask(() => this.#read())
  }

  startTls(): void {
    this.isPaused = true
  }

  /** The handshake is over. */
  upgraded(): void {
    this.secured = true
    this.isPaused = false
    this.events?.upgraded()
    this.#read()
  }

  /** Octets from the client. */
  arrive(octets: Uint8Array): void {
    this.#unread.push(octets)
    this.#read()
  }

  peerCertificate(): PresentedCertificate | undefined {
    return this.secured ? this.#certificate : undefined
  }

  channelBindings(): ReadonlyMap<string, () => Uint8Array> {
    return this.secured ? new Map([['tls-exporter', () => Buffer.alloc(32, 'exporter')]]) : new Map()
  }

  end(): void {
    this.#client.left()
    this.closed()
  }

  closed(): void {
    const { events } = this
    this.events = undefined
    events?.closed()
  }

  #read(): void {
    while (!this.isPaused && this.#unread.length > 0) {
      const [octets] = this.#unread.splice(0, 1)
      if (octets !== undefined) this.events?.data(octets)
    }
  }
}

/** A client with which a test talks, whatever lies in between. */
export interface TestClient {
  /** What has arrived and has not been asked for. */
  readonly pending: string
  send(text: string): void
  /** TLS on the connection as it is. */
  handshake(): Promise<void>
  /** Waits for text that matches and takes everything up to its end; the match is the answer. */
  receive(pattern: RegExp): Promise<string>
  /** Waits for the end of the connection; answers what had not been asked for. */
  ended(): Promise<string>
  destroy(): void
}

let clients = 0

/** A client without a network: a conversation takes milliseconds, and none of it waits for anything but promises. */
export class MemoryClient implements TestClient {
  readonly transport: MemoryTransport
  #received = ''
  #hasLeft = false
  #wake: (() => void) | undefined

  constructor({ secured, credentials }: { secured: boolean; credentials?: Credentials }) {
    const leaf = credentials && new X509Certificate(credentials.cert).raw
    const certificate = leaf && { leaf, sent: () => [] }
    this.transport = new MemoryTransport(
      {
        heard: (text) => {
          this.#received += text
          this.#wake?.()
        },
        left: () => {
          this.#hasLeft = true
          this.#wake?.()
        },
      },
      { remote: `192.0.2.1:${++clients}`, secured, certificate },
    )
  }

  get pending(): string {
    return this.#received
  }

  send(text: string): void {
    this.transport.arrive(Buffer.from(text))
  }

  async handshake(): Promise<void> {
    this.transport.upgraded()
  }

  async receive(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#received)
      if (match !== null) {
        this.#received = this.#received.slice(match.index + match[0].length)
        return match[0]
      }
      if (this.#hasLeft) throw new Error(`closed before ${pattern}; received: ${this.#received}`)
      if (!(await this.#change())) throw new Error(`no ${pattern}; received: ${this.#received}`)
    }
  }

  async ended(): Promise<string> {
    while (!this.#hasLeft) if (!(await this.#change())) throw new Error(`not closed; received: ${this.#received}`)
    return this.#received
  }

  destroy(): void {
    this.#hasLeft = true
    this.transport.closed()
  }

  /** @returns whether anything has come in a time in which everything comes that is not lost */
  #change(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), 30_000)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve(true)
      }
    })
  }
}
