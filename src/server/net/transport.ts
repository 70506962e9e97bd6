import type { ChannelBindings } from '../../xmpp/sasl/scram.ts'

/** What a client presented in the TLS handshake. Nothing is judged yet. */
export interface PresentedCertificate {
  /** DER. */
  readonly leaf: Uint8Array
  /**
   * DER of the certificates that were sent along and lead up from the leaf, in that order and within the limits of the
   * listener; read when first asked for, then remembered.
   */
  readonly sent: () => readonly Uint8Array[]
}

/** Sent, but not read: it, or all of it together, is larger than the limits of the listener. */
export interface OversizedCertificate {
  /** Completes a log line. */
  readonly tooLarge: string
}

/** What a session does with its connection; only the listener knows sockets. */
export interface Transport {
  /** Address and port of the peer, for the log. */
  readonly remote: string
  readonly secured: boolean
  /** `TLSv1.3`; undefined without TLS. */
  readonly protocol: string | undefined
  /** Milliseconds since the peer has connected. */
  readonly age: number
  /** The peer does not read: what is written now waits in memory. */
  readonly isClogged: boolean
  /** Queues text; everything queued in one turn of the event loop leaves in one write. */
  write(text: string): void
  /** Stops reading until {@link resume}. */
  pause(): void
  resume(): void
  /** Sends what is queued, then begins the TLS handshake on this connection. */
  startTls(): void
  /** Undefined without TLS, and for a client that has sent none. */
  peerCertificate(): PresentedCertificate | OversizedCertificate | undefined
  /** What a login can be tied to; nothing without TLS. */
  channelBindings(): ChannelBindings
  /** Sends what is queued and closes; the connection is cut when the peer does not follow in time. */
  end(): void
}

/** What a connection tells its session. */
export interface TransportEvents {
  data(chunk: Uint8Array): void
  /** The handshake that `startTls` began is complete. */
  upgraded(): void
  /** The peer reads again, after {@link Transport.isClogged}. */
  drained(): void
  /** The connection is gone, for whatever reason; nothing comes after it. */
  closed(): void
}
