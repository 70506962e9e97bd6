import { constants } from 'node:crypto'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import {
  createSecureContext,
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls'
import { XmppkiError } from '../../errors.ts'
import { parseDomain } from '../../pki/x509/domain.ts'
import type { ServerLimits } from '../limits.ts'
import { acceptableAuthorities } from './acceptable-authorities.ts'
import type { ClientTrust } from './client-trust.ts'
import { Connection, type HandshakeDone } from './connection.ts'
import { ConnectionLimiter } from './connection-limiter.ts'
import { type FailedHandshake, failureOf } from './failed-handshake.ts'
import { Handshakes } from './handshakes.ts'
import { PeerCertificates } from './peer-certificates.ts'
import type { RefusedConnection } from './refusal-log.ts'
import { completeChain } from './server-chain.ts'

/** What somebody logs in with. */
export type LoginMethod = 'certificate' | 'password'

/** Key and certificate chain (PEM) that a domain answers with. */
export interface DomainCredentials {
  readonly domain: string
  readonly key: string
  readonly chain: string
}

/** How handshakes go, apart from the certificates. */
export interface TlsPolicy {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3'
  /** As OpenSSL lists them; undefined: what Node.js takes for good. */
  readonly ciphers: string | undefined
  /** Whether sessions can be resumed, with the certificate of the first handshake. */
  readonly sessionTickets: boolean
}

export const DEFAULT_TLS: TlsPolicy = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: undefined,
  sessionTickets: false,
}

export interface ListenerOptions {
  /** The same after an update; no other listener has it. */
  readonly name: string
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** `starttls` begins in the clear, `tls` with the handshake (XEP-0368). */
  readonly mode: 'starttls' | 'tls'
  /** The first one answers clients that name no server (RFC 6066 §3). */
  readonly credentials: readonly DomainCredentials[]
  /** Which client certificates are accepted. */
  readonly trust: ClientTrust
  /** Whether clients must use STARTTLS; direct TLS leaves no choice. */
  readonly startTls: 'required' | 'offered'
  readonly tls: TlsPolicy
  readonly limits: ServerLimits
  /** What one can log in with here; undefined: with everything. */
  readonly methods?: readonly LoginMethod[]
}

/** What becomes of connections. */
export interface Reception {
  /** Told of every connection, together with what holds for it. */
  accept(connection: Connection, options: ListenerOptions): void
  /** Told of those for which there is no place. */
  refused(refusal: RefusedConnection): void
  /** Told of handshakes that fail, but not of clients that hang up. */
  failed(handshake: FailedHandshake): void
}

export interface Listener {
  readonly port: number
  /**
   * Gets ready for other certificates, CAs or another mode on the same address. Nothing changes before the answer is
   * called; then they hold for every handshake that begins. @throws what is wrong with key or certificates
   */
  prepare(options: ListenerOptions): () => void
  /** Stops accepting, handshakes under way included; connections that are open stay open. */
  close(): void
}

/** Small packets go out at once, and a peer that is gone without a word is noticed. */
const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }

const SECURE_OPTIONS = constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_CIPHER_SERVER_PREFERENCE

/** What goes for every domain of a listener. */
function contextOptions({ tls, trust }: ListenerOptions): SecureContextOptions {
  const { minVersion, maxVersion, ciphers, sessionTickets } = tls
  return {
    ca: acceptableAuthorities(trust.anchors.pems),
    minVersion,
    maxVersion,
    ciphers,
    // A resumed session brings back a certificate that may have been revoked since: only for those who want it.
    secureOptions: sessionTickets ? SECURE_OPTIONS : SECURE_OPTIONS | constants.SSL_OP_NO_TICKET,
    // OpenSSL resumes no session with a client certificate where this is missing.
    sessionIdContext: 'xmpp-client',
  }
}

/** Address and port of the peer, for the log. */
function remoteOf({ remoteAddress = 'unknown', remotePort = 0 }: Socket): string {
  return `${remoteAddress}:${remotePort}`
}

function tlsServer(options: ListenerOptions, reception: Reception): TlsServer {
  const [first] = options.credentials
  if (first === undefined) throw new XmppkiError('NOT_FOUND', 'no server certificate')
  const { pems } = options.trust.anchors
  const common = contextOptions(options)
  const server = createTlsServer({
    ...common,
    key: first.key,
    cert: completeChain(first.chain, pems),
    requestCert: options.trust.verifyMode !== 'none',
    // Node would cut the connection without a TLS alert; SASL is where a certificate is refused.
    rejectUnauthorized: false,
    handshakeTimeout: options.limits.negotiationMs,
    ...(options.mode === 'tls' ? { ALPNProtocols: ['xmpp-client'] } : {}),
  })
  // The first one answers whatever name is asked for, its own too; without others no name is looked up at all.
  for (const { domain, key, chain } of options.credentials.slice(1)) {
    // SNI carries A-labels (RFC 6066 §3).
    server.addContext(
      parseDomain(domain).ascii,
      createSecureContext({ ...common, key, cert: completeChain(chain, pems) }),
    )
  }
  server.on('tlsClientError', (error, socket) => {
    const failure = failureOf(error)
    if (failure !== undefined) reception.failed({ listener: options.name, remote: remoteOf(socket), ...failure })
    socket.destroy()
  })
  return server
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

/** @returns the port */
function opened(server: NetServer, options: ListenerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(bindError(error, options)))
    server.listen(options.port, options.host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : options.port)
    })
  })
}

/**
 * Cuts a connection off that has not finished its handshake in time. That of the TLS server begins with the first octets
 * of the client, which may not come at all.
 */
function deadlineOf(socket: Socket, { name, limits }: ListenerOptions, reception: Reception): NodeJS.Timeout {
  return setTimeout(() => {
    // As Node.js tells of its own.
    const failure = { code: 'ERR_TLS_HANDSHAKE_TIMEOUT', reason: 'TLS handshake timeout' }
    reception.failed({ listener: name, remote: remoteOf(socket), ...failure })
    socket.destroy()
  }, limits.negotiationMs)
}

/** What a listener meets connections with for as long as these options hold. */
function equipmentFor(options: ListenerOptions, handshakes: Handshakes, reception: Reception) {
  return {
    options,
    secure: handshakes.attach(tlsServer(options, reception)),
    certificates: new PeerCertificates(options.limits.certificates, options.tls.sessionTickets),
  }
}

/** Opens one listener; resolves when it accepts connections. Errors: `IO` when the address cannot be had. */
export async function listen(options: ListenerOptions, reception: Reception): Promise<Listener> {
  const handshakes = new Handshakes()
  const places = new ConnectionLimiter()
  let current = equipmentFor(options, handshakes, reception)
  const upgrade = (socket: Socket, done: HandshakeDone, deadline?: NodeJS.Timeout) => {
    const start = () => {
      const { secure, certificates } = current
      // Through a TLS server, though it never listens: one that listens cannot be replaced.
      secure.emit('connection', socket)
      return (ready: TLSSocket, received: number) => done(ready, () => certificates.of(ready, received))
    }
    handshakes.begin(socket, start, deadline)
  }
  const server: NetServer = createServer(SOCKET_OPTIONS, (socket) => {
    const { options } = current
    const { name, mode, limits } = options
    const { maxConnectionsPerAddress } = limits
    // Without an address the peer has gone again.
    const { remoteAddress: address } = socket
    const leave = address === undefined ? undefined : places.take(address, maxConnectionsPerAddress)
    if (address !== undefined && leave === undefined) {
      reception.refused({ listener: name, limit: 'max_connections_per_address', address })
    }
    if (leave === undefined) {
      socket.destroy()
      return
    }
    socket.once('close', leave)
    const arrival = { acceptedAt: performance.now(), upgrade }
    const attend = (ready: Socket, certificate?: Parameters<HandshakeDone>[1]) =>
      reception.accept(new Connection(ready, arrival, certificate), options)
    if (mode === 'tls') upgrade(socket, attend, deadlineOf(socket, options, reception))
    else attend(socket)
  })
  server.on('drop', (dropped) => {
    const address = dropped?.remoteAddress ?? 'unknown'
    reception.refused({ listener: current.options.name, limit: 'max_connections', address })
  })
  server.maxConnections = options.limits.maxConnections
  const prepare = (next: ListenerOptions) => {
    const ready = equipmentFor(next, handshakes, reception)
    return () => {
      current = ready
      server.maxConnections = next.limits.maxConnections
    }
  }
  const close = () => {
    server.close()
    handshakes.abandon()
  }
  return { port: await opened(server, options), prepare, close }
}
