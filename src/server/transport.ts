import type { X509Certificate } from 'node:crypto'
import type { TrustAnchors } from '../trust/chain.ts'
import type { ChannelBindings } from '../xmpp/sasl/scram.ts'

/** The certificate a client presented in the TLS handshake. */
export interface PresentedCertificate {
  readonly leaf: X509Certificate
  /** Certificates the client sent along to reach a trust anchor. */
  readonly intermediates: readonly X509Certificate[]
  /** Why OpenSSL would not trust it, as a code such as `CERT_HAS_EXPIRED`; undefined when it does. */
  readonly distrust: string | undefined
  /**
   * The anchors that OpenSSL has found a path to in this very handshake, signatures included; undefined when it has not,
   * and for a resumed session, which only remembers what an earlier handshake found.
   */
  readonly verifiedBy: TrustAnchors | undefined
}

/** What a session does with its connection; only the listener knows sockets. */
export interface Transport {
  /** Address and port of the peer, for the log. */
  readonly remote: string
  readonly secured: boolean
  /** Milliseconds since the peer has connected. */
  readonly age: number
  /** Queues text; everything queued in one turn of the event loop leaves in one write. */
  write(text: string): void
  /** Stops reading until {@link resume}. */
  pause(): void
  resume(): void
  /** Sends what is queued, then begins the TLS handshake on this connection. */
  startTls(): void
  peerCertificate(): PresentedCertificate | undefined
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
  /** The peer reads more slowly than others send to it, and the buffer for it is full. */
  overflow(): void
  /** The connection is gone, for whatever reason; nothing comes after it. */
  closed(): void
}
