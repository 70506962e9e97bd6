import type { MaybePromise } from '../../maybe-promise.ts'
import type { Framing } from '../../xmpp/framing/framing.ts'
import type { SaslMechanism } from '../../xmpp/sasl/mechanism.ts'
import type { ChannelBindings } from '../../xmpp/sasl/scram.ts'
import type { StanzaError } from '../../xmpp/stanza.ts'
import type { Negotiation } from '../../xmpp/stream/negotiation.ts'
import type { Login, Registrar, ResourceRequest } from '../../xmpp/stream/stream-feature.ts'
import type { StreamEvents, StreamLimits } from '../../xmpp/xml/stream-parser.ts'
import type { ServerLimits } from '../limits.ts'
import type { Log } from '../log.ts'
import type { OversizedCertificate, PresentedCertificate } from '../net/transport.ts'
import type { Router } from '../routing/router.ts'
import type { Session, SessionStream } from '../session/session.ts'
import type { Binding } from '../session/session-binding.ts'

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
}

/** What a stream needs of the server that it belongs to. */
export interface StreamHost {
  /** Name of the listener. */
  readonly listener: string
  readonly startTls: 'required' | 'offered'
  /** Whether a client with a certificate that is not accepted is turned away. */
  readonly disconnectOnFailure: boolean
  /** Answers for streams that fail before they name a domain. */
  readonly defaultDomain: string
  readonly limits: ServerLimits
  readonly negotiation: Negotiation
  /** Namespaces of what can be switched on along with Bind 2. */
  readonly bindInline: readonly string[]
  /** Takes what a bound client sends. */
  readonly router: Pick<Router, 'take'>
  readonly log: Log
  framing(events: StreamEvents, limits: StreamLimits): Framing
  serves(domain: string): boolean
  /** Whether a mechanism is switched on, on whatever connection. */
  isEnabled(mechanism: string): boolean
  /** The mechanisms that can succeed on this connection now. */
  mechanisms(domain: string, connection: LoginConnection): MaybePromise<readonly SaslMechanism[]>
  /** Makes accounts; undefined while strangers may not. @param remote address and port */
  registrar(remote: string): Registrar | undefined
  /**
   * Watches over what a stream has logged in with, from the login on, and closes it when that does not hold any more.
   * @param isLate time has passed since it was judged
   */
  loggedIn(stream: SessionStream, login: Login, isLate: boolean): void
  /** Claims a resource. */
  bind(login: Login, request: ResourceRequest, stream: SessionStream): MaybePromise<Binding | StanzaError>
  /** Its client has been told: others see it from now on. */
  opened(session: Session): void
  /** Its client has gone before it was told. */
  abandoned(session: Session): void
  /** The stream of a session is gone, or as good as gone. */
  left(session: Session, stream: SessionStream): void
  /** The connection is gone. */
  closed(stream: SessionStream): void
}
