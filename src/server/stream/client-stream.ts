import { chain, type MaybePromise } from '../../maybe-promise.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import type { Framing } from '../../xmpp/framing/framing.ts'
import { isBlank } from '../../xmpp/stream/starttls.ts'
import {
  objectionTo,
  readStreamHeader,
  type StreamError,
  type StreamRequest,
  streamErrorElement,
} from '../../xmpp/stream/stream.ts'
import type { Reached, Step } from '../../xmpp/stream/stream-feature.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import type { StreamHeader } from '../../xmpp/xml/stream-parser.ts'
import type { Transport, TransportEvents } from '../net/transport.ts'
import { randomText } from '../random-text.ts'
import type { Session, SessionStream } from '../session/session.ts'
import { ReadingGate } from './reading-gate.ts'
import type { StreamHost } from './stream-host.ts'
import { StreamNegotiation } from './stream-negotiation.ts'

const NOTHING = new Uint8Array()

/** One client stream, from the first byte to the last. */
export class ClientStream implements TransportEvents, SessionStream {
  readonly #host: StreamHost
  readonly #transport: Transport
  readonly #framing: Framing
  readonly #gate: ReadingGate
  #deadline: NodeJS.Timeout | undefined
  /** Until a resource is bound. */
  #negotiation: StreamNegotiation | undefined
  /** From then on. */
  #session: Session | undefined
  /** Our stream header has been sent, and its end tag is owed. */
  #opened = false
  /** Nothing is read: TLS is being negotiated, or an answer is being waited for. */
  #waiting = false
  #closed = false
  #held: Uint8Array = NOTHING
  /** The element of the negotiation that the framing has stopped at. */
  #taken: Element | undefined

  constructor(host: StreamHost, transport: Transport) {
    this.#host = host
    this.#transport = transport
    this.#gate = new ReadingGate(transport, host.limits.inbound)
    this.#framing = host.framing(
      {
        open: (header) => this.#start(header),
        element: (element) => this.#element(element),
        close: () => this.#finish(),
        fault: (condition, text) => this.close({ condition, text }),
      },
      host.limits.beforeLogin,
    )
    this.#negotiation = new StreamNegotiation(host, transport, this)
    const error: StreamError = { condition: 'connection-timeout', text: 'the negotiation took too long' }
    this.#deadline = setTimeout(() => this.close(error), Math.max(0, host.limits.negotiationMs - transport.age))
  }

  data(chunk: Uint8Array): void {
    this.#guarded(() => this.#feed(chunk))
  }

  upgraded(): void {
    this.#waiting = false
  }

  drained(): void {
    this.#session?.flush()
  }

  closed(): void {
    this.#leave()
    this.#closed = true
    this.#host.closed(this)
  }

  /** The account that has been logged in to, bare; undefined before. */
  get account(): Jid | undefined {
    return this.#session?.account ?? this.#negotiation?.account?.bare()
  }

  get remote(): string {
    return this.#transport.remote
  }

  get protocol(): string | undefined {
    return this.#transport.protocol
  }

  get secured(): boolean {
    return this.#transport.secured
  }

  get listener(): string {
    return this.#host.listener
  }

  get isClogged(): boolean {
    return this.#transport.isClogged
  }

  send(stanza: string): void {
    this.#transport.write(this.#framing.stanza(stanza))
  }

  close(error: StreamError): void {
    if (this.#closed) return
    if (!this.#opened) this.#open(undefined)
    const { condition, text } = error
    const jid = (this.#session?.jid ?? this.#negotiation?.account)?.toString()
    this.#host.log.info({ remote: this.remote, jid, condition, text }, 'stream closed with an error')
    this.#transport.write(this.#framing.element(streamErrorElement(error)))
    this.#finish()
  }

  /** A defect in one stream must not take the server with it. */
  #guarded(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#host.log.error({ err: error, remote: this.remote }, 'a session failed')
      this.close({ condition: 'internal-server-error' })
    }
  }

  #feed(chunk: Uint8Array): void {
    let rest = chunk
    while (rest.length > 0 && !this.#waiting && !this.#closed) {
      rest = this.#framing.read(rest) ?? NOTHING
      const element = this.#taken
      this.#taken = undefined
      if (element !== undefined && !this.#closed) this.#negotiate(element, rest)
    }
    if (this.#waiting) this.#held = Buffer.concat([this.#held, rest])
    else if (this.#session !== undefined) this.#gate.passed(chunk.length, this.#session.lane)
  }

  /** Goes on when it is there. Until then nothing is read, because what follows depends on it. */
  #when<T>(value: MaybePromise<T>, goOn: (value: T, isLate: boolean) => void): void {
    if (!(value instanceof Promise)) {
      goOn(value, false)
      return
    }
    this.#framing.stop()
    this.#waiting = true
    this.#transport.pause()
    const resume = (settle: () => void) => {
      this.#waiting = false
      this.#guarded(() => {
        settle()
        const held = this.#held
        this.#held = NOTHING
        this.#transport.resume()
        this.#feed(held)
      })
    }
    value.then(
      (settled) => resume(() => goOn(settled, true)),
      (error: unknown) =>
        resume(() => {
          throw error
        }),
    )
  }

  #element(element: Element): void {
    if (this.#closed) return
    if (this.#session === undefined) {
      // What follows this element may be for another parser, or for none: it depends on the outcome.
      this.#taken = element
      this.#framing.stop()
      return
    }
    this.#gate.count()
    const error = this.#host.router.take(element, this.#session)
    if (error !== undefined) this.close(error)
  }

  #open(request: StreamRequest | undefined): void {
    this.#opened = true
    this.#negotiation?.reopen()
    const from = request?.domain ?? this.#negotiation?.domain ?? this.#host.defaultDomain
    // RFC 6120 §4.7.3: unpredictable and never the same twice.
    this.#transport.write(this.#framing.opening({ from, id: randomText(), to: request?.from?.toString() }))
  }

  #start(header: StreamHeader): void {
    const negotiation = this.#negotiation
    const request = readStreamHeader(header, (domain) => this.#host.serves(domain))
    if (negotiation === undefined || 'condition' in request) {
      this.close('condition' in request ? request : { condition: 'invalid-xml' })
      return
    }
    this.#open(request)
    const objection = objectionTo(request, negotiation.account)
    if (objection !== undefined) {
      this.close(objection)
      return
    }
    const isTurnedAway = negotiation.account === undefined && negotiation.isTurnedAway(request.domain)
    this.#when(
      chain(isTurnedAway, (isStranger) => (isStranger ? undefined : negotiation.open(request))),
      (features) => {
        if (this.#closed) return
        if (features !== undefined) this.#transport.write(features)
        // RFC 6120 §4.9.3.12: not authorized to go on with the negotiation.
        else this.close({ condition: 'not-authorized', text: 'the client certificate is not accepted' })
      },
    )
  }

  #negotiate(element: Element, rest: Uint8Array): void {
    const step = this.#negotiation?.negotiate(element)
    if (step === undefined) return
    this.#when(step, (settled, isLate) => this.#apply(settled, isLate ? NOTHING : rest, isLate))
  }

  #apply(step: Step, rest: Uint8Array, isLate: boolean): void {
    if (this.#closed) return
    if (step.kind !== 'reached' && step.refused !== undefined) {
      this.#host.log.warn({ remote: this.remote, ...step.refused }, 'login refused')
    }
    if (step.kind === 'reached' && step.milestones.includes('secured') && !isBlank(rest)) {
      this.close({ condition: 'policy-violation', text: 'data after <starttls/> and before TLS' })
      return
    }
    for (const element of step.send) this.#transport.write(this.#framing.element(element))
    if (step.kind === 'close') {
      this.close(step.error)
      return
    }
    this.#negotiation?.advance(step.state)
    if (step.kind === 'reached') this.#reached(step, isLate)
  }

  #reached({ milestones, state, next }: Reached, isLate: boolean): void {
    const { limits, log } = this.#host
    if (next === 'new-stream') {
      this.#opened = false
      this.#framing.restart(state.account === undefined ? limits.beforeLogin : limits.afterLogin)
    }
    if (milestones.includes('secured')) {
      this.#waiting = true
      this.#transport.startTls()
    }
    const { account, credential } = state
    if (milestones.includes('authenticated') && account !== undefined && credential !== undefined) {
      this.#negotiation?.reopen()
      this.#framing.setLimits(limits.afterLogin)
      log.info({ remote: this.remote, account: account.toString() }, 'logged in')
      this.#host.loggedIn(this, { account, credential }, isLate)
    }
    if (milestones.includes('bound') && !this.#closed) this.#bound()
  }

  /** What was needed to get here is forgotten: most streams do nothing for hours. */
  #bound(): void {
    const session = this.#negotiation?.session
    if (session === undefined) throw new Error('bound without a session')
    clearTimeout(this.#deadline)
    this.#deadline = undefined
    this.#session = session
    this.#negotiation = undefined
    this.#host.opened(session)
  }

  #leave(): void {
    clearTimeout(this.#deadline)
    this.#negotiation?.abandon()
    if (this.#session === undefined) return
    const session = this.#session
    this.#session = undefined
    this.#host.left(session, this)
  }

  #finish(): void {
    if (this.#closed) return
    this.#closed = true
    this.#leave()
    this.#transport.write(this.#framing.closing())
    this.#transport.end()
  }
}
