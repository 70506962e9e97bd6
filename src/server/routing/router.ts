import { type Jid, tryParseJid } from '../../xmpp/address/jid.ts'
import { errorReply, isStanzaName, resultReply, type StanzaError } from '../../xmpp/stanza.ts'
import type { StreamError } from '../../xmpp/stream/stream.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { childElements, namespaceOf, serialize } from '../../xmpp/xml/element.ts'
import type { AccountService } from '../accounts/account-service.ts'
import type { EnrolmentService } from '../accounts/enrolment-service.ts'
import type {
  Feature,
  FeatureHost,
  IqHandler,
  IqReply,
  Phase,
  StanzaHandler,
  StanzaRequest,
  Verdict,
} from '../features/feature.ts'
import type { Log } from '../log.ts'
import type { BoundSession, Directory } from '../session/session-registry.ts'
import { destinationOf, messageType, recipients } from './delivery.ts'

interface Addressed extends StanzaRequest {
  readonly session: BoundSession
}

const UNAVAILABLE: StanzaError = { condition: 'service-unavailable' }

function iqKey(type: string, at: 'account' | 'domain', name: string, namespace: string): string {
  return `${type} ${at} {${namespace}}${name}`
}

/**
 * Takes every stanza of a bound client to where RFC 6121 §8 wants it. Handlers of features return what
 * they decide; only the router sends, so every IQ get or set has exactly one answer.
 */
export class Router {
  readonly #directory: Directory
  #served: ReadonlySet<string>
  readonly #log: Log
  readonly #iqHandlers = new Map<string, IqHandler>()
  readonly #stanzaHandlers = new Map<string, StanzaHandler[]>()
  readonly #endHandlers: ((session: BoundSession) => void)[] = []

  constructor(options: {
    directory: Directory
    domains: readonly string[]
    features: readonly Feature[]
    enrolments?: EnrolmentService | undefined
    accounts?: AccountService | undefined
    log: Log
  }) {
    this.#directory = options.directory
    this.#served = new Set(options.domains)
    this.#log = options.log
    const host = this.#host(options.features, options)
    for (const feature of options.features) feature.install(host)
  }

  /** Takes up other domains. */
  serve(domains: readonly string[]): void {
    this.#served = new Set(domains)
  }

  /** One first-level element of a bound client; answers the error that ends its stream, if any. */
  route(stanza: Element, session: BoundSession): StreamError | undefined {
    if (!isStanzaName(stanza.name) || stanza.attrs.xmlns !== undefined) return { condition: 'unsupported-stanza-type' }
    const { from, to } = stanza.attrs
    if (from !== undefined && !speaksFor(session, from)) return { condition: 'invalid-from' }
    // RFC 6120 §8.1.2.1: receivers can rely on the address because the server writes it.
    stanza.attrs.from = session.jid.toString()
    const target = to === undefined ? undefined : tryParseJid(to)
    if (to !== undefined && target === undefined) {
      // RFC 6120 §8.3.1: errors and results are never answered with an error.
      this.#bounce(stanza, session, { condition: 'jid-malformed' })
      return undefined
    }
    const request = { stanza, session, to: target }
    if (stanza.name === 'iq') this.#routeIq(request)
    else this.#routePhases(request)
    return undefined
  }

  /** Tells the features that a session has ended. */
  ended(session: BoundSession): void {
    for (const handle of this.#endHandlers) {
      try {
        handle(session)
      } catch (error) {
        this.#report(error, session)
      }
    }
  }

  #host(features: readonly Feature[], services: Partial<Pick<FeatureHost, 'enrolments' | 'accounts'>>): FeatureHost {
    const isThere = ({ needs }: Feature) => needs === undefined || services[needs]?.isOpen === true
    return {
      directory: this.#directory,
      get advertised() {
        return features.filter(isThere).flatMap(({ advertises }) => advertises)
      },
      enrolments: services.enrolments,
      accounts: services.accounts,
      onIq: (type, at, { name, namespace }, handle) => {
        this.#iqHandlers.set(iqKey(type, at, name, namespace), handle)
      },
      onStanza: (phase, name, handle) => {
        const key = `${phase} ${name}`
        this.#stanzaHandlers.set(key, [...(this.#stanzaHandlers.get(key) ?? []), handle])
      },
      onEnd: (handle) => this.#endHandlers.push(handle),
    }
  }

  #routePhases(request: Addressed): void {
    const screened = this.#run('screen', request)
    if (screened === 'done') return
    const error = screened === 'pass' ? this.#deliver(request) : screened
    if (error !== undefined) this.#bounce(request.stanza, request.session, error)
    if (screened === 'pass') this.#run('observe', request)
  }

  #run(phase: Phase, request: Addressed): Verdict {
    for (const handle of this.#stanzaHandlers.get(`${phase} ${request.stanza.name}`) ?? []) {
      const verdict = this.#attempt(handle, request)
      // What has been routed cannot be stopped any more: every observer sees it.
      if (verdict !== 'pass' && phase !== 'observe') return verdict
    }
    return 'pass'
  }

  /** A defect in a feature costs the stanza and not the session. */
  #attempt(handle: StanzaHandler, request: Addressed): Verdict {
    try {
      return handle(request)
    } catch (error) {
      this.#report(error, request.session)
      return { condition: 'internal-server-error' }
    }
  }

  #report(error: unknown, session: BoundSession): void {
    this.#log.error({ err: error, jid: session.jid.toString() }, 'a feature failed')
  }

  #deliver(request: Addressed): StanzaError | undefined {
    const { stanza, session } = request
    // RFC 6120 §10.3.1: a message without an address is for the sender's own account.
    const to = request.to ?? session.account
    if (!this.#served.has(to.domain)) return { condition: 'remote-server-not-found' }
    // A message to the server itself has no reader, and a presence asks for nothing.
    if (to.local === undefined) return stanza.name === 'message' ? UNAVAILABLE : undefined
    const exact = to.isBare ? undefined : this.#directory.find(to)
    if (stanza.name === 'presence') return this.#deliverPresence(to, exact, stanza)
    if (exact === undefined) return this.#deliverMessage({ ...request, to })
    exact.deliver(serialize(stanza))
    return undefined
  }

  #deliverMessage(request: Addressed & { to: Jid }): StanzaError | undefined {
    const { stanza, to } = request
    const destination = destinationOf(messageType(stanza.attrs.type), !to.isBare)
    const sessions = recipients(destination, this.#directory.availableOf(to.bare()))
    if (sessions.length > 0) {
      const text = serialize(stanza)
      for (const session of sessions) session.deliver(text)
      return undefined
    }
    // RFC 6121 §8.5.2.2.1: a headline that nobody can take is not kept and not answered.
    if (destination === 'drop' || destination === 'all-available') return undefined
    const verdict = destination === 'bounce' ? 'pass' : this.#run('deliver', request)
    if (verdict === 'done') return undefined
    return verdict === 'pass' ? UNAVAILABLE : verdict
  }

  #deliverPresence(to: Jid, exact: BoundSession | undefined, stanza: Element): undefined {
    const { type } = stanza.attrs
    if (!to.isBare) {
      // RFC 6121 §8.5.3.2.2: a full JID that is gone gets nothing; subscriptions and probes are the server's business.
      if (type === undefined || type === 'unavailable' || type === 'error') exact?.deliver(serialize(stanza))
      return
    }
    if (type !== undefined && type !== 'unavailable') return
    const text = serialize(stanza)
    for (const session of this.#directory.availableOf(to)) session.deliver(text)
  }

  #routeIq(request: Addressed): void {
    const { stanza: iq, session } = request
    const to = request.to ?? session.account
    const problem = iqProblem(iq)
    if (problem !== undefined) this.#answer(session, errorReply(iq, problem))
    else if (!this.#served.has(to.domain)) this.#bounce(iq, session, { condition: 'remote-server-not-found' })
    else if (to.resource !== undefined && to.local !== undefined) this.#forwardIq(iq, session, to)
    else if (isAnswerable(iq)) this.#answerIq(iq, session, to)
  }

  #forwardIq(iq: Element, session: BoundSession, to: Jid): void {
    const target = this.#directory.find(to)
    if (target === undefined) this.#bounce(iq, session, UNAVAILABLE)
    else target.deliver(serialize(iq))
  }

  #bounce(stanza: Element, session: BoundSession, error: StanzaError): void {
    if (isAnswerable(stanza)) this.#answer(session, errorReply(stanza, error))
  }

  #answerIq(iq: Element, session: BoundSession, to: Jid): void {
    const [payload] = childElements(iq)
    const at = to.local === undefined ? 'domain' : 'account'
    const handler = payload && this.#iqHandlers.get(iqKey(iq.attrs.type ?? '', at, payload.name, namespaceOf(payload)))
    // RFC 6120 §8.4: what is not understood is answered all the same; and nobody asks on another's behalf.
    if (!payload || !handler || (at === 'account' && !to.equals(session.account))) {
      this.#answer(session, errorReply(iq, UNAVAILABLE))
      return
    }
    const send = (reply: IqReply) => {
      if (reply.type === 'error') return this.#answer(session, errorReply(iq, reply.error))
      this.#answer(session, resultReply(iq, reply.payload))
      reply.after?.()
    }
    const fail = (error: unknown) => {
      this.#report(error, session)
      send({ type: 'error', error: { condition: 'internal-server-error' } })
    }
    try {
      const reply = handler({ iq, payload, session, to })
      if (reply instanceof Promise) reply.then(send).catch(fail)
      else send(reply)
    } catch (error) {
      fail(error)
    }
  }

  #answer(session: BoundSession, reply: Element): void {
    session.deliver(serialize(reply))
  }
}

/** RFC 6120 §8.1.2.1: a client may write its full or its bare JID, and no other. */
function speaksFor(session: BoundSession, from: string): boolean {
  const jid = tryParseJid(from)
  return jid !== undefined && (jid.equals(session.jid) || jid.equals(session.account))
}

/** Whether an error may go back: never in answer to an error, and never for a result (RFC 6120 §8.3.1). */
function isAnswerable({ attrs: { type } }: Element): boolean {
  return type !== 'error' && type !== 'result'
}

/** RFC 6120 §8.2.3: what makes an IQ no IQ. */
function iqProblem(iq: Element): StanzaError | undefined {
  const { id, type } = iq.attrs
  if (type === 'result' || type === 'error') return undefined
  if (type !== 'get' && type !== 'set') return { condition: 'bad-request', text: 'the type is none of an IQ' }
  if (id === undefined) return { condition: 'bad-request', text: 'an IQ needs an id' }
  if (childElements(iq).length !== 1) return { condition: 'bad-request', text: 'a get or set has exactly one child' }
  return undefined
}
