import { constants } from 'node:crypto'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import {
  createSecureContext,
  createServer as createTlsServer,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls'
import { XmppkiError } from '../errors.ts'
import { parseDomain } from '../pki/domain.ts'
import { Connection } from './connection.ts'

/** Key and certificate chain (PEM) that a domain answers with. */
export interface DomainCredentials {
  readonly domain: string
  readonly key: string
  readonly chain: string
}

export interface ListenerOptions {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** `starttls` begins in the clear, `tls` with the handshake (XEP-0368). */
  readonly mode: 'starttls' | 'tls'
  /** The first one answers clients that name no server (RFC 6066 §3). */
  readonly credentials: readonly DomainCredentials[]
  /** PEM certificates that client certificates must chain to. */
  readonly clientCas: readonly string[]
  readonly handshakeMs: number
  readonly outboundBytes: number
  readonly maxConnections: number
}

export interface Listener {
  readonly port: number
  /** Stops accepting, handshakes under way included; connections that are open stay open. */
  close(): void
}

const SECURE_OPTIONS =
  // A resumed session would bring back a certificate that has been revoked since: no tickets, no renegotiation.
  constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_CIPHER_SERVER_PREFERENCE

function tlsServer(options: ListenerOptions): TlsServer {
  const [first] = options.credentials
  if (first === undefined) throw new XmppkiError('NOT_FOUND', 'no server certificate')
  const common = { ca: [...options.clientCas], minVersion: 'TLSv1.2' as const, secureOptions: SECURE_OPTIONS }
  const server = createTlsServer({
    ...common,
    key: first.key,
    cert: first.chain,
    requestCert: true,
    // Node would cut the connection without a TLS alert; SASL is where a certificate is refused.
    rejectUnauthorized: false,
    handshakeTimeout: options.handshakeMs,
    ...(options.mode === 'tls' ? { ALPNProtocols: ['xmpp-client'] } : {}),
  })
  for (const { domain, key, chain } of options.credentials) {
    // SNI carries A-labels (RFC 6066 §3).
    server.addContext(parseDomain(domain).ascii, createSecureContext({ ...common, key, cert: chain }))
  }
  server.on('tlsClientError', (_, socket) => socket.destroy())
  return server
}

/** Both ends of a connection: over one listener a client may come twice from the same port, to two of our addresses. */
function nameOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress}|${remotePort}|${localAddress}|${localPort}`
}

type Done = (secure: TLSSocket) => void

/** Handshakes under way: the TLS server tells of their end by the secure socket only. */
class Handshakes {
  readonly #pending = new Map<string, { readonly socket: Socket; readonly done: Done }>()

  constructor(server: TlsServer) {
    server.on('secureConnection', (secure) => this.#finish(secure))
  }

  begin(socket: Socket, done: Done): void {
    const name = nameOf(socket)
    this.#pending.set(name, { socket, done })
    socket.once('close', () => {
      if (this.#pending.get(name)?.socket === socket) this.#pending.delete(name)
    })
  }

  /** Cuts off whoever has not finished. */
  abandon(): void {
    for (const { socket } of this.#pending.values()) socket.destroy()
  }

  #finish(secure: TLSSocket): void {
    const name = nameOf(secure)
    const handshake = this.#pending.get(name)
    this.#pending.delete(name)
    if (handshake === undefined) secure.destroy()
    else handshake.done(secure)
  }
}

function bindError(error: NodeJS.ErrnoException, { host, port }: ListenerOptions): XmppkiError {
  const place = `${host}:${port}`
  if (error.code === 'EADDRINUSE') {
    return new XmppkiError('IO', `${place} is already in use`, {
      hint: 'stop the other server, or choose another port with --port and --tls-port (0 lets the system choose)',
      cause: error,
    })
  }
  if (error.code === 'EACCES') {
    return new XmppkiError('IO', `no permission to listen on ${place}`, {
      hint: 'choose a port above 1023',
      cause: error,
    })
  }
  return new XmppkiError('IO', `cannot listen on ${place}: ${error.message}`, { cause: error })
}

/** Opens one listener; resolves when it accepts connections. Errors: `IO` when the address cannot be had. */
export function listen(options: ListenerOptions, accept: (connection: Connection) => void): Promise<Listener> {
  const secure = tlsServer(options)
  const handshakes = new Handshakes(secure)
  const upgrade = (socket: Socket, done: Done) => {
    handshakes.begin(socket, done)
    // Through a TLS server, though it never listens: a bare TLSSocket does not report whether the client
    // certificate was verified (nodejs/node#31305).
    secure.emit('connection', socket)
  }
  const attend = (socket: Socket) => accept(new Connection(socket, { outboundBytes: options.outboundBytes, upgrade }))
  const server: NetServer = options.mode === 'tls' ? secure : createServer()
  server.maxConnections = options.maxConnections
  server.on('connection', options.mode === 'tls' ? (socket: Socket) => handshakes.begin(socket, attend) : attend)
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(bindError(error, options)))
    server.listen(options.port, options.host, () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : options.port
      resolve({
        port,
        close: () => {
          server.close()
          handshakes.abandon()
        },
      })
    })
  })
}
