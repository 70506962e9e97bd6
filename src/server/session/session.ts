import type { Jid } from '../../xmpp/address/jid.ts'
import type { Credential } from '../../xmpp/sasl/mechanism.ts'
import type { Stanza } from '../../xmpp/stanza.ts'
import type { StreamError } from '../../xmpp/stream/stream.ts'
import { certificateOf } from '../login/credential.ts'
import { Lane } from '../routing/lane.ts'
import { type LeavingVerdict, Outgoing, type Outlet } from './outgoing.ts'
import type { SessionInfo } from './session-info.ts'
import type { Availability, Delivery, Resource } from './session-registry.ts'

/** The stream of a session, while it has one. */
export interface SessionStream extends Outlet {
  /** Address and port. */
  readonly remote: string
  /** `TLSv1.3`; undefined when the connection is not encrypted. */
  readonly protocol: string | undefined
  readonly secured: boolean
  /** Name of the listener that it came by. */
  readonly listener: string
  /** Ends it with an error. */
  close(error: StreamError): void
}

/** Last before the wire; never waits (XEP-0198 counts, XEP-0352 holds). */
export type LeavingHandler = (stanza: Stanza, session: Session) => LeavingVerdict

/** What a session is made of. */
export interface SessionOptions {
  /** Full JID. */
  readonly jid: Jid
  readonly credential: Credential
  /** UUID of the client's installation, if it told one (XEP-0388 §2.3); never told to anybody. */
  readonly agent: string | undefined
  readonly stream: SessionStream
  readonly now: Date
  readonly leaving: readonly LeavingHandler[]
  /** Octets that may wait for a client that does not read. */
  readonly outboundOctets: number
  /** Told of what goes wrong in processing what the client sends. */
  readonly onFailure: (error: unknown) => void
}

/**
 * A client that has bound a resource: from then on until it is unavailable for good. Its stream may end before it does, and
 * another one take its place.
 */
export class Session {
  readonly jid: Jid
  /** The account: `jid` without the resource. */
  readonly account: Jid
  readonly credential: Credential
  readonly agent: string | undefined
  /** Whether it came over TLS. */
  readonly secured: boolean
  /** Name of the listener that it came by. */
  readonly listener: string
  /** What the client sends is processed in it. */
  readonly lane: Lane
  /** What features remember of it and nobody else knows, each in its slot. */
  readonly slots: unknown[] = []
  readonly #since: Date
  readonly #remote: string
  readonly #tls: string | undefined
  readonly #outgoing: Outgoing
  readonly #outboundOctets: number
  #resource: Resource
  #stream: SessionStream | undefined
  #hasEnded = false

  constructor(options: SessionOptions) {
    const { jid, credential, agent, stream, now, leaving, outboundOctets, onFailure } = options
    this.jid = jid
    this.account = jid.bare()
    this.credential = credential
    this.agent = agent
    this.secured = stream.secured
    this.listener = stream.listener
    this.lane = new Lane(onFailure)
    this.#since = now
    this.#remote = stream.remote
    this.#tls = stream.protocol
    this.#outgoing = new Outgoing(leaving.map((handle) => (stanza: Stanza) => handle(stanza, this)))
    this.#outboundOctets = outboundOctets
    const certificate = certificateOf(credential)
    const enrolled = certificate?.enrolment === undefined ? undefined : certificate.fingerprint
    this.#resource = { jid, presence: undefined, enrolled, shared: [] }
    this.#stream = stream
  }

  /** What may be known of it elsewhere. */
  get resource(): Resource {
    return this.#resource
  }

  get info(): SessionInfo {
    const serial = certificateOf(this.credential)?.serial
    const { mechanism } = this.credential
    return { jid: this.jid.toString(), since: this.#since, remote: this.#remote, tls: this.#tls, mechanism, serial }
  }

  /** Nobody is there at the moment who could be sent anything. */
  get isDetached(): boolean {
    return this.#stream === undefined
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Takes up what the client says of itself; undefined: it is not available any more. */
  announce(presence: Availability | undefined): void {
    this.#resource = { ...this.#resource, presence }
  }

  /** Makes something known of it wherever it is known. */
  share(slot: number, value: unknown): void {
    // Not spread: that would fill the slots in which nothing has been put yet.
    const shared = this.#resource.shared.slice()
    shared[slot] = value
    this.#resource = { ...this.#resource, shared }
  }

  /** For what others send: there is an end to what waits for a client that does not read. */
  deliver(stanza: Stanza): Delivery {
    if (this.#hasEnded) return 'gone'
    if (this.#outgoing.octets > this.#outboundOctets) return 'full'
    this.#send(stanza)
    return 'taken'
  }

  /** For what the client has asked for itself: it always gets its answer. */
  answer(stanza: Stanza): void {
    if (!this.#hasEnded) this.#send(stanza)
  }

  /** Sends what has waited, as far as the client reads. */
  flush(): void {
    if (this.#stream !== undefined && !this.#stream.isClogged) this.#outgoing.flush(this.#stream)
  }

  /** Goes on with another stream. */
  attach(stream: SessionStream): void {
    this.#stream = stream
    this.flush()
  }

  /** The stream is gone; one that has been taken the place of does not matter. @returns whether it was this one's */
  detach(stream: SessionStream): boolean {
    if (this.#stream !== stream) return false
    this.#stream = undefined
    return true
  }

  /** Ends its stream with an error; what follows from that is told by the stream. */
  close(error: StreamError): void {
    this.#stream?.close(error)
  }

  /** Mostly nothing waits, and nobody wants to hold anything. */
  #send(stanza: Stanza): void {
    const stream = this.#stream
    if (stream !== undefined && this.#outgoing.isIdle && !stream.isClogged) stream.send(stanza.text)
    else this.#outgoing.add(stanza, stream)
  }

  /** Takes nothing from here on. @returns what its client never got */
  end(): readonly Stanza[] {
    this.#hasEnded = true
    return this.#outgoing.takeAll()
  }
}
