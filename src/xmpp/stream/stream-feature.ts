import type { MaybePromise } from '../../maybe-promise.ts'
import type { Jid } from '../address/jid.ts'
import type {
  Credential,
  SaslCondition,
  SaslExchange,
  SaslFailure,
  SaslMechanism,
  SaslSuccess,
} from '../sasl/mechanism.ts'
import type { StanzaError } from '../stanza.ts'
import type { Element } from '../xml/element.ts'
import type { StreamError } from './stream.ts'

/** What negotiation can reach; each is reached once and in this order. */
export type Milestone = 'secured' | 'authenticated' | 'bound'

/** All that negotiation remembers of a client. Values are replaced, never changed. */
export interface NegotiationState {
  readonly reached: ReadonlySet<Milestone>
  /** The domain of this stream, as the client addressed it (RFC 6120 §4.7.2). */
  readonly domain: string
  /** `from` of this stream's header, when the client sent one. */
  readonly from: Jid | undefined
  /** The account after SASL; a full JID when the credentials fix the resource (XEP-0257 §4). */
  readonly account?: Jid | undefined
  /** What the account has been opened with. */
  readonly credential?: Credential | undefined
  /** The full JID after resource binding. */
  readonly bound?: Jid | undefined
  /** Failed SASL attempts on this stream (RFC 6120 §6.4.5). */
  readonly failures: number
  /** Whether an account has been made on this stream. */
  readonly registered?: true | undefined
  /** A SASL exchange that waits for the client's next response. */
  readonly exchange?: PendingExchange | undefined
}

/** How one of the two SASL profiles of XMPP, RFC 6120 §6 and XEP-0388, puts what a mechanism decides. */
export interface SaslProfile {
  /** The name of the stream feature that speaks it. */
  readonly name: 'sasl' | 'sasl2'
  challenge(data: Uint8Array): Element
  failure(condition: SaslCondition): Element
  /** What follows a login; it may still fail by what the mechanism does not know of. */
  succeed(state: NegotiationState, success: SaslSuccess, context: NegotiationContext): MaybePromise<Step | SaslFailure>
}

/** An exchange goes on in the profile in which it began. */
interface PendingExchange {
  readonly profile: SaslProfile
  readonly exchange: SaslExchange
}

/** What a client wants of the resource that it binds. */
export interface ResourceRequest {
  /** The resourcepart; `undefined` asks for one made by the server (RFC 6120 §7.6). */
  readonly resource: string | undefined
  /** Starts the resourcepart that the server makes, if it can (XEP-0386 §3.2.1). */
  readonly tag?: string | undefined
  /** UUID of the installation of the client, whose earlier sessions end (XEP-0386 §3.2). Nobody else may learn it. */
  readonly agent?: string | undefined
  /** What is to be switched on along with the binding (XEP-0386 §3.2). */
  readonly inline?: readonly Element[]
}

/** A resource that is the client's now. */
export interface Bound {
  /** Full JID. */
  readonly jid: Jid
  /** What came of the inline requests, of those that were understood (XEP-0386 §3.2). */
  readonly results: readonly Element[]
}

/** Makes accounts for whoever asks (XEP-0077). */
export interface Registrar {
  /** @returns why there is no new account */
  register(domain: string, registration: { username: string; password: string }): Promise<StanzaError | undefined>
}

/** Who has logged in, and with what. */
export interface Login {
  /** A full JID when the credential allows no other resource (XEP-0257 §4). */
  readonly account: Jid
  readonly credential: Credential
}

/** What negotiation may ask of the world outside it. */
export interface NegotiationContext {
  /** Whether TLS must come before anything else (RFC 6120 §5.3.1). */
  readonly startTls: 'required' | 'offered'
  /** Whether a mechanism is switched on, be it offered on this connection or not. */
  isEnabled(mechanism: string): boolean
  /** Mechanisms that can succeed on this connection now, in order of preference (RFC 6120 §6.3.4). */
  mechanisms(state: NegotiationState): MaybePromise<readonly SaslMechanism[]>
  /** Namespaces of what can be switched on along with Bind 2 (XEP-0386 §3.1). */
  readonly bindInline: readonly string[]
  /** Undefined while strangers may not make accounts. */
  registrar(): Registrar | undefined
  /** Claims a resource; nobody else sees it before the client has been told. */
  bind(login: Login, request: ResourceRequest): MaybePromise<Bound | StanzaError>
}

interface Progress {
  readonly state: NegotiationState
  readonly send: readonly Element[]
}

/** The client's element was taken; negotiation goes on where it was. */
interface Continue extends Progress {
  readonly kind: 'continue'
  /** A failed login, for the log. */
  readonly refused?: SaslFailure
}

/** The client has come further. */
export interface Reached extends Progress {
  readonly kind: 'reached'
  /** In order; Bind 2 reaches two at once. */
  readonly milestones: readonly Milestone[]
  /** A new stream of the client (RFC 6120 §4.3.3), our features on this one (XEP-0388 §2.6.1), or stanzas. */
  readonly next: 'new-stream' | 'features' | 'stanzas'
}

/** The stream ends; `send` goes out before the error. */
interface Close {
  readonly kind: 'close'
  readonly error: StreamError
  readonly send: readonly Element[]
  readonly refused?: SaslFailure
}

/** The outcome of one element: what to send and where negotiation stands. */
export type Step = Continue | Reached | Close

/** All that advertisements depend on, so that equal offers are advertised in equal words. */
export interface Offer {
  readonly startTls: 'required' | 'offered'
  readonly secured: boolean
  /** Those that can succeed on this connection now; none where it is not the time for them. */
  readonly mechanisms: readonly Pick<SaslMechanism, 'name' | 'bindings'>[]
  /** Whether strangers may make accounts. */
  readonly registers: boolean
  /** Namespaces of what can be switched on along with Bind 2. */
  readonly bindInline: readonly string[]
}

/** What is done within a login, in the place of binding a resource (XEP-0388 §2.6). */
export interface InlineFeature {
  /** What `<inline/>` says of it. */
  offer(): Element
  /** Whether a child of `<authenticate/>` asks for it. */
  handles(request: Element): boolean
  /** @returns the child of `<success/>`, and the resource that the client has now, if it has one */
  perform(
    request: Element,
    login: Login,
    context: NegotiationContext,
  ): MaybePromise<{ readonly reply: Element; readonly bound?: Jid }>
}

/**
 * One stream feature as a value (RFC 6120 §4.3.2): what it needs, what excludes it, how it is
 * advertised and what it does with the elements it handles.
 */
export interface StreamFeature {
  readonly name: string
  readonly needs: readonly Milestone[]
  readonly excludedBy: readonly Milestone[]
  /** The child of `<stream:features/>`, or undefined when there is nothing to say yet. */
  advertise(offer: Offer): Element | undefined
  /** Whether this element belongs to the feature, by its name and namespace. */
  handles(element: Element): boolean
  negotiate(element: Element, state: NegotiationState, context: NegotiationContext): MaybePromise<Step>
  readonly inline?: InlineFeature
}
