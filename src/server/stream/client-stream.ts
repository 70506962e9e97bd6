import type { Jid } from '../../xmpp/address/jid.ts'
import type { SaslMechanism } from '../../xmpp/sasl/mechanism.ts'
import type { StanzaError } from '../../xmpp/stanza.ts'
import { negotiate, streamFeatures } from '../../xmpp/stream/negotiation.ts'
import { openedState } from '../../xmpp/stream/negotiation-state.ts'
import { isBlank } from '../../xmpp/stream/starttls.ts'
import {
  objectionTo,
  readStreamHeader,
  STREAM_END,
  type StreamError,
  type StreamRequest,
  streamErrorElement,
  streamOpening,
} from '../../xmpp/stream/stream.ts'
import type {
  NegotiationContext,
  NegotiationState,
  Reached,
  ResourceRequest,
  Step,
} from '../../xmpp/stream/stream-feature.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { serialize } from '../../xmpp/xml/element.ts'
import { type StreamHeader, StreamParser } from '../../xmpp/xml/stream-parser.ts'
import type { LoginProof } from '../login/certificate-watch.ts'
import type { Transport, TransportEvents } from '../net/transport.ts'
import type { BoundSession } from '../session/session-registry.ts'
import { randomText } from './random-text.ts'
import type { ClientEnd, LoginConnection, SessionHost } from './stream-host.ts'

const NOTHING = new Uint8Array()

/** One client stream, from the first byte to the last. */
export class Session implements TransportEvents, ClientEnd {
  proof: LoginProof | undefined
  mechanism: string | undefined
  readonly #host: SessionHost
  readonly #transport: Transport
  readonly #context: NegotiationContext
  readonly #deadline: NodeJS.Timeout
  #parser: StreamParser
  #state: NegotiationState | undefined
  #online: BoundSession | undefined
  #certificate: LoginConnection['certificate']
  #offered: readonly SaslMechanism[] | undefined
  /** Our stream header has been sent, and its end tag is owed. */
  #opened = false
  /** Nothing is read: TLS is being negotiated, or an answer is being waited for. */
  #waiting = false
  #closed = false
  #held: Uint8Array = NOTHING
  /** The element of the negotiation that the parser has stopped at. */
  #taken: Element | undefined

  constructor(host: SessionHost, transport: Transport) {
    this.#host = host
    this.#transport = transport
    this.#parser = this.#newParser()
    this.#context = {
      startTls: host.startTls,
      isEnabled: (mechanism) => host.isEnabled(mechanism),
      mechanisms: ({ domain }) => this.#mechanisms(domain),
      registrar: () => host.registrar(transport.remote),
      bind: (account, request) => this.#bind(account, request),
    }
    const error: StreamError = { condition: 'connection-timeout', text: 'the negotiation took too long' }
    this.#deadline = setTimeout(() => this.close(error), Math.max(0, host.limits.negotiationMs - transport.age))
  }

  data(chunk: Uint8Array): void {
    this.#guarded(() => this.#feed(chunk))
  }

  upgraded(): void {
    this.#waiting = false
  }

  overflow(): void {
    this.close({ condition: 'resource-constraint', text: 'the client does not read' })
  }

  closed(): void {
    this.#leave()
    this.#closed = true
    this.#host.closed(this)
  }

  get account(): Jid | undefined {
    return this.#state?.account?.bare()
  }

  get secured(): boolean {
    return this.#transport.secured
  }

  deliver(stanza: string): void {
    this.#transport.write(stanza)
  }

  close(error: StreamError): void {
    if (this.#closed) return
    if (!this.#opened) this.#open(undefined)
    const { condition, text } = error
    const jid = (this.#online?.jid ?? this.#state?.account)?.toString()
    this.#host.log.info({ remote: this.#transport.remote, jid, condition, text }, 'stream closed with an error')
    this.#transport.write(serialize(streamErrorElement(error)))
    this.#finish()
  }

  /** As offered on this stream; whether one may still be used is its own question, when it is used. */
  #mechanisms(domain: string): readonly SaslMechanism[] {
    if (this.#offered !== undefined) return this.#offered
    this.#certificate ??= this.#transport.peerCertificate()
    this.#offered = this.#host.mechanisms(domain, this.#connection(this.#certificate))
    return this.#offered
  }

  #connection(certificate: LoginConnection['certificate']): LoginConnection {
    return {
      remote: this.#transport.remote,
      secured: this.secured,
      listener: this.#host.listener,
      certificate,
      channelBindings: () => this.#transport.channelBindings(),
      accept: (proof) => {
        this.proof = proof
        this.mechanism = 'EXTERNAL'
        this.#host.guard(this, proof)
      },
      acceptPassword: (mechanism) => {
        this.mechanism = mechanism
      },
    }
  }

  /** TLS has no say any more: Node.js sends no alert for a certificate, but would cut the connection without a word. */
  #isTurnedAway(domain: string): boolean {
    if (!this.#host.disconnectOnFailure || !this.#transport.secured) return false
    const isOffered = this.#mechanisms(domain).some(({ name }) => name === 'EXTERNAL')
    return this.#certificate !== undefined && !isOffered
  }

  /** A defect in one session must not take the server with it. */
  #guarded(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#host.log.error({ err: error, remote: this.#transport.remote }, 'a session failed')
      this.close({ condition: 'internal-server-error' })
    }
  }

  #newParser(): StreamParser {
    const { beforeLogin, afterLogin } = this.#host.limits
    return new StreamParser(
      {
        open: (header) => this.#start(header),
        element: (element) => this.#element(element),
        close: () => this.#finish(),
        fault: (condition, text) => this.close({ condition, text }),
      },
      this.#state?.account === undefined ? beforeLogin : afterLogin,
    )
  }

  #feed(chunk: Uint8Array): void {
    let rest = chunk
    while (rest.length > 0 && !this.#waiting && !this.#closed) {
      rest = this.#parser.write(rest) ?? NOTHING
      const element = this.#taken
      this.#taken = undefined
      if (element !== undefined && !this.#closed) this.#negotiate(element, rest)
    }
    if (this.#waiting) this.#held = Buffer.concat([this.#held, rest])
  }

  #element(element: Element): void {
    if (this.#closed) return
    if (this.#online !== undefined) {
      const error = this.#host.route(element, this.#online)
      if (error !== undefined) this.close(error)
      return
    }
    // What follows this element may be for another parser, or for none: it depends on the outcome.
    this.#taken = element
    this.#parser.stop()
  }

  #open(request: StreamRequest | undefined): void {
    this.#opened = true
    this.#offered = undefined
    const from = request?.domain ?? this.#state?.domain ?? this.#host.defaultDomain
    // RFC 6120 §4.7.3: unpredictable and never the same twice.
    const id = randomText()
    this.#transport.write(streamOpening({ from, id, to: request?.from?.toString() }))
  }

  #start(header: StreamHeader): void {
    const request = readStreamHeader(header, (domain) => this.#host.serves(domain))
    if ('condition' in request) {
      this.close(request)
      return
    }
    this.#open(request)
    const { account } = this.#state ?? {}
    const objection = objectionTo(request, account)
    if (objection !== undefined) {
      this.close(objection)
    } else if (account === undefined && this.#isTurnedAway(request.domain)) {
      // RFC 6120 §4.9.3.12: not authorized to go on with the negotiation.
      this.close({ condition: 'not-authorized', text: 'the client certificate is not accepted' })
    } else {
      this.#state = openedState(request, this.#transport.secured, this.#state)
      this.#transport.write(streamFeatures(this.#state, this.#context))
    }
  }

  #negotiate(element: Element, rest: Uint8Array): void {
    if (this.#state === undefined) throw new Error('an element before the stream was opened')
    const step = negotiate(element, this.#state, this.#context)
    if (!(step instanceof Promise)) {
      this.#apply(step, rest)
      return
    }
    this.#waiting = true
    this.#transport.pause()
    const goOn = (settle: () => void) => {
      this.#waiting = false
      this.#guarded(() => {
        settle()
        const held = this.#held
        this.#held = NOTHING
        this.#transport.resume()
        this.#feed(held)
      })
    }
    step.then(
      (settled) => goOn(() => this.#apply(settled, NOTHING)),
      (error: unknown) =>
        goOn(() => {
          throw error
        }),
    )
  }

  #apply(step: Step, rest: Uint8Array): void {
    if (this.#closed) return
    if (step.kind !== 'reached' && step.refused !== undefined) {
      this.#host.log.warn({ remote: this.#transport.remote, ...step.refused }, 'login refused')
    }
    if (step.kind === 'reached' && step.milestones.includes('secured') && !isBlank(rest)) {
      this.close({ condition: 'policy-violation', text: 'data after <starttls/> and before TLS' })
      return
    }
    for (const element of step.send) this.#transport.write(serialize(element))
    if (step.kind === 'close') {
      this.close(step.error)
      return
    }
    this.#state = step.state
    if (step.kind === 'reached') this.#reached(step)
  }

  #reached({ milestones, state, next }: Reached): void {
    if (next === 'new-stream') {
      this.#opened = false
      this.#parser = this.#newParser()
    }
    if (milestones.includes('secured')) {
      this.#waiting = true
      this.#transport.startTls()
    }
    if (milestones.includes('authenticated')) {
      this.#offered = undefined
      this.#parser.setLimits(this.#host.limits.afterLogin)
      this.#host.log.info({ remote: this.#transport.remote, account: state.account?.toString() }, 'logged in')
    }
    if (milestones.includes('bound')) clearTimeout(this.#deadline)
  }

  #bind(account: Jid, request: ResourceRequest): Jid | StanzaError {
    // A mechanism that takes its time may succeed when the client has gone; nobody would ever sign it off.
    if (this.#closed) return { condition: 'service-unavailable' }
    const bound = this.#host.bind(account, request, this)
    if ('condition' in bound) return bound
    this.#online = bound
    return bound.jid
  }

  #leave(): void {
    clearTimeout(this.#deadline)
    if (this.#online === undefined) return
    this.#host.leave(this.#online)
    this.#online = undefined
  }

  #finish(): void {
    if (this.#closed) return
    this.#closed = true
    this.#leave()
    this.#transport.write(STREAM_END)
    this.#transport.end()
  }
}
