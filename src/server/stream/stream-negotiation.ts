import { chain, type MaybePromise } from '../../maybe-promise.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import type { SaslMechanism } from '../../xmpp/sasl/mechanism.ts'
import type { StanzaError } from '../../xmpp/stanza.ts'
import { openedState } from '../../xmpp/stream/negotiation-state.ts'
import type { StreamRequest } from '../../xmpp/stream/stream.ts'
import type {
  Bound,
  Login,
  NegotiationContext,
  NegotiationState,
  ResourceRequest,
  Step,
} from '../../xmpp/stream/stream-feature.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import type { Transport } from '../net/transport.ts'
import type { Session, SessionStream } from '../session/session.ts'
import type { LoginConnection, StreamHost } from './stream-host.ts'

/** What a stream remembers until its client has a resource, and nobody needs afterwards. */
export class StreamNegotiation {
  readonly #host: StreamHost
  readonly #transport: Transport
  readonly #stream: SessionStream
  readonly #context: NegotiationContext
  #state: NegotiationState | undefined
  #certificate: LoginConnection['certificate']
  #offered: MaybePromise<readonly SaslMechanism[]> | undefined
  #session: Session | undefined
  #isOver = false

  constructor(host: StreamHost, transport: Transport, stream: SessionStream) {
    this.#host = host
    this.#transport = transport
    this.#stream = stream
    this.#context = {
      startTls: host.startTls,
      bindInline: host.bindInline,
      isEnabled: (mechanism) => host.isEnabled(mechanism),
      mechanisms: ({ domain }) => this.#mechanisms(domain),
      registrar: () => host.registrar(transport.remote),
      bind: (login, request) => this.#bind(login, request),
    }
  }

  /** The account that has been logged in to, with the resource if the credential allows one only. */
  get account(): Jid | undefined {
    return this.#state?.account
  }

  get domain(): string | undefined {
    return this.#state?.domain
  }

  /** The session that has been bound, when the client is to be told. */
  get session(): Session | undefined {
    return this.#session
  }

  /** A header has come: mechanisms are offered anew. */
  reopen(): void {
    this.#offered = undefined
  }

  /** @returns `<stream:features/>` of a stream whose header has been found good */
  open(request: StreamRequest): MaybePromise<string> {
    this.#state = openedState(request, this.#transport.secured, this.#state)
    return this.#host.negotiation.streamFeatures(this.#state, this.#context)
  }

  negotiate(element: Element): MaybePromise<Step> {
    if (this.#state === undefined) throw new Error('an element before the stream was opened')
    return this.#host.negotiation.negotiate(element, this.#state, this.#context)
  }

  advance(state: NegotiationState): void {
    this.#state = state
  }

  /** TLS has no say any more: Node.js sends no alert for a certificate, but would cut the connection without a word. */
  isTurnedAway(domain: string): MaybePromise<boolean> {
    if (!this.#host.disconnectOnFailure || !this.#transport.secured) return false
    return chain(this.#mechanisms(domain), (offered) => {
      const isOffered = offered.some(({ name }) => name === 'EXTERNAL')
      return this.#certificate !== undefined && !isOffered
    })
  }

  /** Nobody is there any more who could be told of a resource. */
  abandon(): void {
    this.#isOver = true
    if (this.#session !== undefined) this.#host.abandoned(this.#session)
  }

  /** As offered on this stream; whether one may still be used is its own question, when it is used. */
  #mechanisms(domain: string): MaybePromise<readonly SaslMechanism[]> {
    if (this.#offered !== undefined) return this.#offered
    this.#certificate ??= this.#transport.peerCertificate()
    const { remote, secured } = this.#transport
    this.#offered = this.#host.mechanisms(domain, {
      remote,
      secured,
      listener: this.#host.listener,
      certificate: this.#certificate,
      channelBindings: () => this.#transport.channelBindings(),
    })
    return this.#offered
  }

  #bind(login: Login, request: ResourceRequest): MaybePromise<Bound | StanzaError> {
    // A mechanism that takes its time may succeed when the client has gone; nobody would ever sign it off.
    if (this.#isOver) return { condition: 'service-unavailable' }
    return chain(this.#host.bind(login, request, this.#stream), (binding) => {
      if ('condition' in binding) return binding
      this.#session = binding.session
      if (this.#isOver) this.#host.abandoned(binding.session)
      return { jid: binding.session.jid, results: binding.results }
    })
  }
}
