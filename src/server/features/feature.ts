import type { MaybePromise } from '../../maybe-promise.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import type { Stanza, StanzaName } from '../../xmpp/stanza.ts'
import type { StreamFeature } from '../../xmpp/stream/stream-feature.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import type { Log } from '../log.ts'
import type { Entity } from '../routing/entity.ts'
import type { IqHandler, IqTarget, QName } from '../routing/iq.ts'
import type { NonzaHandler } from '../routing/router.ts'
import type { Stage, StanzaHandler } from '../routing/stages.ts'
import type { LeavingHandler, Session } from '../session/session.ts'
import type { SessionEvents } from '../session/session-events.ts'
import type { Availability, Resource } from '../session/session-registry.ts'

/** A specification that a feature implements, for service discovery and the manual. */
export interface SpecClaim {
  /** `RFC 6121` or `XEP-0199`. */
  readonly spec: string
  /** The sections that hold, or the version of the XEP. */
  readonly scope: string
}

/** XEP-0030 §3.1 */
export interface Identity {
  readonly category: string
  readonly type: string
  readonly name?: string
}

/** What service discovery says (XEP-0030), of the server and of accounts. */
export interface Discovery {
  /** Namespaces. */
  readonly server?: readonly string[]
  /** Namespaces. */
  readonly account?: readonly string[]
}

/** What a feature remembers of each session. */
export interface Slot<T> {
  get(session: Session): T
  set(session: Session, value: T): void
}

/** What a feature makes known of each session, wherever its resource is asked about. */
export interface SharedSlot<T> {
  get(resource: Resource): T
  set(session: Session, value: T): void
}

/** Switched on along with the binding of a resource (XEP-0386 §3.2). @returns the child of `<bound/>`, if there is one */
export type BindHandler = (request: Element, session: Session) => MaybePromise<Element | undefined>

/** All that a feature may use of the server. */
export interface FeatureHost {
  readonly log: Log
  readonly now: () => Date
  slot<T>(initial: T): Slot<T>
  sharedSlot<T>(initial: T): SharedSlot<T>
  /** Answers one payload. @throws {Error} when another feature does already */
  onIq(type: 'get' | 'set', to: IqTarget, payload: QName, handle: IqHandler): void
  onStanza(stage: Stage, name: StanzaName, handle: StanzaHandler): void
  /** Last before the wire; never waits. */
  onLeaving(handle: LeavingHandler): void
  /** Takes elements that are not stanzas. @throws {Error} when another feature does already */
  onNonza(element: QName, handle: NonzaHandler): void
  /** Announced with Bind 2, by the namespace of the request. */
  onBind(namespace: string, handle: BindHandler): void
  on<E extends keyof SessionEvents>(event: E, handle: SessionEvents[E]): void
  /** What is kept of an account goes with it; awaited before its name is free. */
  onAccountRemoved(handle: (account: Jid) => Promise<void>): void
  /**
   * Sends what the server has made, after all that is on its way to the same account; nobody waits.
   * @param to whom it is for, if that is not whom it is addressed to
   */
  route(stanza: Stanza, to?: Jid): void
  /** Asks a client. @returns the IQ that came back; undefined when none did in time */
  request(type: 'get' | 'set', to: Jid, payload: Element): Promise<Element | undefined>
  /** All of an account, available or not. */
  resources(account: Jid): readonly Resource[]
  /** Takes up what a client says of itself; undefined: it is not available any more. */
  announce(session: Session, presence: Availability | undefined): void
  /** What all features say of themselves now (XEP-0030), in their order. */
  discovery(of: keyof Discovery): readonly string[]
  /** Lets somebody answer for a domain. @throws {Error} when somebody does already */
  serve(entity: Entity): void
}

/** One capability of the server: short, on its own, and added by one line in `features/all.ts`. */
export interface Feature {
  readonly name: string
  readonly claims: readonly SpecClaim[]
  /** Asked at every query, because it may depend on what is turned on. */
  readonly disco?: Discovery
  /** What takes part in negotiation. */
  readonly stream?: readonly StreamFeature[]
  install(host: FeatureHost): void
}
