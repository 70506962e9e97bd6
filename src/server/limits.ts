import type { StreamLimits } from '../xmpp/xml/stream-parser.ts'
import type { InboundLimits } from './stream/reading-gate.ts'

/** How much of what a client presents in the TLS handshake is read at all. */
export interface CertificateLimits {
  /** Bytes of its certificate. */
  readonly bytes: number
  /** Bytes of its certificate and of what it sends along, together. */
  readonly chainBytes: number
  /** Certificates that it sends along; more are not looked at. */
  readonly chainLength: number
}

/** Bounds that keep one client from using up what belongs to all. */
export interface ServerLimits {
  /** Before authentication a peer is a stranger: RFC 6120 §13.12 allows no less than 10,000 bytes. */
  readonly beforeLogin: StreamLimits
  readonly afterLogin: StreamLimits
  /** Milliseconds from the connection to a bound resource, TLS included. */
  readonly negotiationMs: number
  /** What a client may send, once it has bound a resource. */
  readonly inbound: InboundLimits
  /** Bytes that may wait for a slow reader; what comes beyond is kept elsewhere, or goes back to its sender. */
  readonly outboundBytes: number
  /** Connections per listener. */
  readonly maxConnections: number
  /** Connections per listener from one address, or one /64 of IPv6. */
  readonly maxConnectionsPerAddress: number
  readonly certificates: CertificateLimits
}

export const DEFAULT_LIMITS: ServerLimits = {
  beforeLogin: { stanzaBytes: 10_000, depth: 16, attributes: 32 },
  afterLogin: { stanzaBytes: 262_144, depth: 128, attributes: 128 },
  negotiationMs: 60_000,
  // Joining thirty rooms, with all that a client asks about them, is some hundred stanzas.
  inbound: { octetsPerSecond: 131_072, stanzasPerSecond: 200, burstSeconds: 10 },
  outboundBytes: 4 * 1024 * 1024,
  maxConnections: 100_000,
  // Offices, mobile carriers and TCP proxies have many clients behind one address; none should take every place.
  maxConnectionsPerAddress: 10_000,
  certificates: { bytes: 16 * 1024, chainBytes: 64 * 1024, chainLength: 8 },
}
