import { constants } from 'node:crypto'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import {
  createSecureContext,
  createServer as createTlsServer,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls'
import { XmppkiError } from '../errors.ts'
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
  /** Stops accepting; connections that are open stay open. */
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
    server.addContext(domain, createSecureContext({ ...common, key, cert: chain }))
  }
  server.on('tlsClientError', (_, socket) => socket.destroy())
  return server
}

/**
 * STARTTLS through a TLS server that never listens: a bare TLSSocket does not report whether the
 * client certificate was verified (nodejs/node#31305).
 */
function upgrader(server: TlsServer): (socket: Socket, done: (secure: TLSSocket) => void) => void {
  const waiting = new Map<string, (secure: TLSSocket) => void>()
  const name = (socket: Socket) => `${socket.remoteAddress}|${socket.remotePort}`
  server.on('secureConnection', (secure) => {
    waiting.get(name(secure))?.(secure)
  })
  return (socket, done) => {
    const key = name(socket)
    waiting.set(key, done)
    socket.once('close', () => waiting.delete(key))
    server.emit('connection', socket)
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
  const connectionOptions = { outboundBytes: options.outboundBytes, upgrade: upgrader(secure) }
  const server: NetServer = options.mode === 'tls' ? secure : createServer()
  server.maxConnections = options.maxConnections
  const event = options.mode === 'tls' ? 'secureConnection' : 'connection'
  server.on(event, (socket: Socket) => accept(new Connection(socket, connectionOptions)))
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(bindError(error, options)))
    server.listen(options.port, options.host, () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : options.port
      resolve({ port, close: () => server.close() })
    })
  })
}
