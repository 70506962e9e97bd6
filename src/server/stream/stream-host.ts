import type { Jid } from '../../xmpp/address/jid.ts'
import type { SaslMechanism } from '../../xmpp/sasl/mechanism.ts'
import type { ChannelBindings } from '../../xmpp/sasl/scram.ts'
import type { StanzaError } from '../../xmpp/stanza.ts'
import type { StreamError } from '../../xmpp/stream/stream.ts'
import type { Registrar, ResourceRequest } from '../../xmpp/stream/stream-feature.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import type { ServerLimits } from '../limits.ts'
import type { Log } from '../log.ts'
import type { LoginProof } from '../login/certificate-watch.ts'
import type { OversizedCertificate, PresentedCertificate } from '../net/transport.ts'
import type { BoundSession } from '../session/session-registry.ts'

/** What a login may be judged by. */
export interface LoginConnection {
  readonly remote: string
  /** Name of the listener that it came by. */
  readonly listener: string
  /** As presented in the handshake; what it is worth is judged anew at every use. */
  readonly certificate: PresentedCertificate | OversizedCertificate | undefined
  readonly secured: boolean
  /** What a login can be tied to. */
  readonly channelBindings: () => ChannelBindings
  /** Told when the certificate has been accepted for a login. */
  readonly accept: (proof: LoginProof) => void
  /** Told when a password has been accepted, by this mechanism. */
  readonly acceptPassword: (mechanism: string) => void
}

/** The client end of a bound session: where its stanzas and its last error go. */
export interface ClientEnd {
  /** What it has logged in with; undefined for a login without certificate. */
  readonly proof: LoginProof | undefined
  /** The mechanism that it has logged in by; undefined before. */
  readonly mechanism: string | undefined
  /** The account that it has logged in to, before it binds a resource as well; undefined before the login. */
  readonly account: Jid | undefined
  readonly secured: boolean
  deliver(stanza: string): void
  close(error: StreamError): void
}

/** What a session needs of the server it belongs to. */
export interface SessionHost {
  /** Name of the listener. */
  readonly listener: string
  readonly startTls: 'required' | 'offered'
  /** Whether a client with a certificate that is not accepted is turned away. */
  readonly disconnectOnFailure: boolean
  /** Answers for streams that fail before they name a domain. */
  readonly defaultDomain: string
  readonly limits: ServerLimits
  readonly log: Log
  serves(domain: string): boolean
  /** Whether a mechanism is switched on, on whatever connection. */
  isEnabled(mechanism: string): boolean
  /** The mechanisms that can succeed on this connection now. */
  mechanisms(domain: string, connection: LoginConnection): readonly SaslMechanism[]
  /** Makes accounts; undefined while strangers may not. @param remote address and port */
  registrar(remote: string): Registrar | undefined
  /** Watches over what a session has logged in with, from the login on, and closes it when that does not hold any more. */
  guard(end: ClientEnd, proof: LoginProof): void
  /** Claims a resource and puts the session into the directory; a full `account` fixes the resource. */
  bind(account: Jid, request: ResourceRequest, end: ClientEnd): BoundSession | StanzaError
  /** One first-level element of a bound session; answers the error that ends its stream, if any. */
  route(stanza: Element, session: BoundSession): StreamError | undefined
  /** The client is gone, or as good as gone. */
  leave(session: BoundSession): void
  /** The connection is gone. */
  closed(end: ClientEnd): void
}
