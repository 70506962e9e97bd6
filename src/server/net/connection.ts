import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ChannelBindings } from '../../xmpp/sasl/scram.ts'
import { channelBindingsOf } from './channel-bindings.ts'
import type { Transport, TransportEvents } from './transport.ts'

/** How long a closed stream may take to flush and to be closed by the peer. */
const LINGER_MS = 2_000

export interface ConnectionOptions {
  /** When it was accepted, as `performance.now()` has it: TLS may have come before. */
  readonly acceptedAt: number
  /** Runs the server side of a TLS handshake on a plain socket. */
  readonly upgrade: (socket: Socket, done: HandshakeDone) => void
}

/** Answers what the client has presented in its handshake. */
type CertificateReader = Transport['peerCertificate']

/** Told of the end of a handshake, and how to find out what the client has presented. */
export type HandshakeDone = (secure: TLSSocket, certificate: CertificateReader) => void

/** One client connection over node:net or node:tls. */
export class Connection implements Transport {
  readonly remote: string
  #socket: Socket | TLSSocket
  #queued = ''
  #flushing = false
  #ended = false
  /** Between <proceed/> and the end of the handshake: nothing can be said, and nothing may be in the clear. */
  #handshaking = false
  #paused = false
  readonly #options: ConnectionOptions
  #events: TransportEvents | undefined
  #unlisten: () => unknown = () => undefined
  #certificate: CertificateReader | undefined

  /** @param certificate undefined before the handshake */
  constructor(socket: Socket | TLSSocket, options: ConnectionOptions, certificate?: CertificateReader) {
    this.#socket = socket
    this.#options = options
    this.#certificate = certificate
    this.remote = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`
  }

  /** Starts to deliver events; called once. */
  attach(events: TransportEvents): void {
    this.#events = events
    this.#listen(this.#socket)
  }

  get age(): number {
    return performance.now() - this.#options.acceptedAt
  }

  get secured(): boolean {
    return 'encrypted' in this.#socket
  }

  /** `TLSv1.3`; undefined without TLS. */
  get protocol(): string | undefined {
    return ('encrypted' in this.#socket && this.#socket.getProtocol()) || undefined
  }

  get isClogged(): boolean {
    return this.#socket.writableNeedDrain
  }

  write(text: string): void {
    if (this.#ended || this.#handshaking) return
    this.#queued += text
    if (this.#flushing) return
    this.#flushing = true
    // One write for a whole burst: a TLS record and a system call for each stanza would cost more than routing it.
    process.nextTick(() => this.#flush())
  }

  pause(): void {
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    if (!this.#socket.writableNeedDrain) this.#socket.resume()
  }

  startTls(): void {
    this.#flush()
    this.#handshaking = true
    const plain = this.#socket
    // Those that are our own: the listener counts its connections by theirs.
    this.#unlisten()
    // Until the handshake is over the plain socket is still the one that can fail.
    plain.on('error', () => plain.destroy())
    const gone = () => this.#closed(plain)
    plain.once('close', gone)
    this.#options.upgrade(plain, (secure, certificate) => {
      plain.off('close', gone)
      this.#handshaking = false
      this.#socket = secure
      this.#certificate = certificate
      this.#listen(secure)
      this.#events?.upgraded()
    })
  }

  peerCertificate(): ReturnType<CertificateReader> {
    return this.#certificate?.()
  }

  channelBindings(): ChannelBindings {
    return 'encrypted' in this.#socket ? channelBindingsOf(this.#socket) : new Map()
  }

  end(): void {
    if (this.#ended) return
    this.#flush()
    this.#ended = true
    const socket = this.#socket
    if (this.#handshaking) {
      socket.destroy()
      return
    }
    socket.end()
    // Unread input would turn the close into a reset, which may overtake the stream error on its way.
    if (!socket.readableEnded) {
      socket.removeAllListeners('data')
      socket.on('data', () => undefined)
      socket.resume()
    }
    const cut = setTimeout(() => socket.destroy(), LINGER_MS)
    cut.unref()
    socket.once('close', () => clearTimeout(cut))
  }

  #listen(socket: Socket | TLSSocket): void {
    const data = (chunk: Uint8Array) => this.#events?.data(chunk)
    const drain = () => {
      if (!this.#paused) socket.resume()
      this.#events?.drained()
    }
    const end = () => this.end()
    // The 'close' event follows every error and is where the session learns of it.
    const error = () => socket.destroy()
    const close = () => this.#closed(socket)
    socket.on('data', data).on('drain', drain).on('end', end).on('error', error).on('close', close)
    this.#unlisten = () =>
      socket.off('data', data).off('drain', drain).off('end', end).off('error', error).off('close', close)
  }

  #closed(socket: Socket): void {
    if (socket !== this.#socket) return
    this.#ended = true
    this.#events?.closed()
    this.#events = undefined
  }

  #flush(): void {
    this.#flushing = false
    if (this.#queued === '' || this.#ended) return
    const text = this.#queued
    this.#queued = ''
    // A client that does not read is not read either, so its own requests cannot fill our memory.
    if (!this.#socket.write(text)) this.#socket.pause()
  }
}
