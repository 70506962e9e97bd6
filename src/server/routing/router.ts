import { chain, type MaybePromise } from '../../maybe-promise.ts'
import { type Jid, tryParseJid } from '../../xmpp/address/jid.ts'
import { errorReply, isStanzaName, Stanza, type StanzaError } from '../../xmpp/stanza.ts'
import type { StreamError } from '../../xmpp/stream/stream.ts'
import { type Element, namespaceOf } from '../../xmpp/xml/element.ts'
import type { Log } from '../log.ts'
import type { Session } from '../session/session.ts'
import type { SessionRegistry } from '../session/session-registry.ts'
import type { Entity } from './entity.ts'
import { IqHandlers, iqProblem, type QName } from './iq.ts'
import { Lanes } from './lane.ts'
import { LocalAccounts } from './local-accounts.ts'
import { Requests } from './requests.ts'
import { type Outcome, Stages } from './stages.ts'

/** An element of a stream that is not a stanza, from a client that is bound. @returns the error that ends its stream, if any */
export type NonzaHandler = (element: Element, session: Session) => StreamError | undefined

export interface RouterOptions {
  readonly sessions: SessionRegistry
  /** Whose accounts are here. */
  readonly domains: readonly string[]
  readonly log: Log
}

/**
 * Takes every stanza to whom it is for. Handlers of features decide, and only the router and what it asks send: so every IQ
 * get or set has exactly one answer.
 */
export class Router {
  readonly stages: Stages
  readonly iq: IqHandlers
  readonly requests = new Requests()
  readonly #sessions: SessionRegistry
  readonly #accounts: LocalAccounts
  readonly #lanes: Lanes
  readonly #entities = new Map<string, Entity>()
  readonly #nonzas = new Map<string, NonzaHandler>()
  readonly #log: Log
  #served: ReadonlySet<string>

  constructor({ sessions, domains, log }: RouterOptions) {
    const onFailure = (error: unknown, account?: Jid) => this.report(error, account)
    this.#sessions = sessions
    this.#served = new Set(domains)
    this.#log = log
    this.stages = new Stages(onFailure)
    this.iq = new IqHandlers(onFailure)
    this.#accounts = new LocalAccounts(sessions, this.stages)
    this.#lanes = new Lanes(onFailure)
  }

  /** Takes up other domains of accounts. */
  serve(domains: readonly string[]): void {
    this.#served = new Set(domains)
  }

  /** @throws {Error} when somebody answers for its domain already */
  addEntity(entity: Entity): void {
    if (this.#entities.has(entity.domain)) throw new Error(`two features answer for ${entity.domain}`)
    this.#entities.set(entity.domain, entity)
  }

  /** @throws {Error} when there is a handler for this element already */
  onNonza({ name, namespace }: QName, handle: NonzaHandler): void {
    const key = `{${namespace}}${name}`
    if (this.#nonzas.has(key)) throw new Error(`two features take ${key}`)
    this.#nonzas.set(key, handle)
  }

  /** One first-level element of a bound client; answers the error that ends its stream, if any. */
  take(element: Element, session: Session): StreamError | undefined {
    const { name, attrs } = element
    if (!isStanzaName(name) || attrs.xmlns !== undefined) return this.#takeNonza(element, session)
    if (attrs.from !== undefined && !speaksFor(session, attrs.from)) return { condition: 'invalid-from' }
    // RFC 6120 §8.1.2.1: receivers can rely on the address because the server writes it.
    attrs.from = session.jid.toString()
    const to = attrs.to === undefined ? undefined : tryParseJid(attrs.to)
    const stanza = new Stanza(element, name, session.jid, to)
    session.lane.run(() => {
      if (attrs.to === undefined || to !== undefined) return this.#send(stanza, session)
      return this.#bounce(stanza, session, { condition: 'jid-malformed' })
    })
    return undefined
  }

  /**
   * For what the server sends by itself; nobody waits for it.
   * @param to whom it is for, if that is not whom it is addressed to
   */
  route(stanza: Stanza, to = stanza.to): void {
    if (to !== undefined) this.#receive(stanza, to, undefined)
  }

  /** For what the client of an account has been given and never got. */
  undelivered(stanza: Stanza, account: Jid): void {
    this.#lanes.run(account.toString(), () =>
      chain(this.#accounts.undelivered(stanza, account), (error) => this.#refuse(stanza, account, error)),
    )
  }

  /** As {@link Requests.ask}, of a client of this server. */
  request(type: 'get' | 'set', to: Jid, payload: Element): Promise<Element | undefined> {
    return this.requests.ask(type, to, payload, (iq) => this.#sessions.deliver(to, iq) === 'taken')
  }

  /** Of what has gone wrong in a feature. */
  report(error: unknown, account: Jid | undefined): void {
    this.#log.error({ err: error, jid: account?.toString() }, 'a feature failed')
  }

  #takeNonza(element: Element, session: Session): StreamError | undefined {
    const handle = this.#nonzas.get(`{${namespaceOf(element)}}${element.name}`)
    return handle === undefined ? { condition: 'unsupported-stanza-type' } : handle(element, session)
  }

  #send(stanza: Stanza, session: Session): MaybePromise<void> {
    const outcome = this.stages.run('sent', stanza, session.account, session)
    if (outcome instanceof Promise) return outcome.then((settled) => this.#sent(stanza, settled, session))
    return this.#sent(stanza, outcome, session)
  }

  #sent(stanza: Stanza, outcome: Outcome, session: Session): MaybePromise<void> {
    if (outcome instanceof Stanza) return this.#dispatch(outcome, session)
    if (outcome !== 'done') this.#bounce(stanza, session, outcome)
  }

  #dispatch(stanza: Stanza, session: Session): MaybePromise<void> {
    // RFC 6120 §10.3.1: what has no address is for the sender's own account.
    const to = stanza.to ?? session.account
    const isIq = stanza.name === 'iq'
    const problem = isIq ? iqProblem(stanza) : undefined
    if (problem !== undefined) return session.answer(errorOf(stanza, to, problem))
    const entity = this.#entities.get(to.domain)
    if (entity === undefined && !this.#served.has(to.domain)) {
      return this.#bounce(stanza, session, { condition: 'remote-server-not-found' })
    }
    if (!isIq || entity !== undefined || (to.resource !== undefined && to.local !== undefined)) {
      return this.#receive(stanza, to, session)
    }
    // Nobody is answered for an answer.
    return isAnswerable(stanza) ? this.iq.answer(stanza, session, to) : void this.requests.take(stanza)
  }

  #receive(stanza: Stanza, to: Jid, session: Session | undefined): void {
    const receiver = this.#entities.get(to.domain) ?? this.#accounts
    this.#lanes.run(to.bare().toString(), () => {
      const refusal = this.#received(receiver, stanza, to, session)
      if (refusal === undefined) return undefined
      return chain(refusal, (error) => {
        if (error !== undefined && session !== undefined) this.#bounce(stanza, session, error)
      })
    })
  }

  /** A defect costs the stanza, and its sender hears of it. */
  #received(
    receiver: Pick<Entity, 'receive'>,
    stanza: Stanza,
    to: Jid,
    session: Session | undefined,
  ): MaybePromise<StanzaError | undefined> {
    const failed = (error: unknown): StanzaError => {
      this.report(error, session?.jid)
      return { condition: 'internal-server-error' }
    }
    try {
      const outcome = receiver.receive(stanza, to, session)
      return outcome instanceof Promise ? outcome.catch(failed) : outcome
    } catch (error) {
      return failed(error)
    }
  }

  #bounce(stanza: Stanza, session: Session, error: StanzaError): void {
    if (isAnswerable(stanza)) session.answer(errorOf(stanza, stanza.to ?? session.account, error))
  }

  #refuse(stanza: Stanza, account: Jid, error: StanzaError | undefined): void {
    if (error === undefined || !isAnswerable(stanza)) return
    this.#sessions.deliver(stanza.from, errorOf(stanza, stanza.to ?? account, error))
  }
}

function errorOf(stanza: Stanza, from: Jid, error: StanzaError): Stanza {
  return new Stanza(errorReply(stanza.element, error), stanza.name, from, stanza.from)
}

/** RFC 6120 §8.1.2.1: a client may write its full or its bare JID, and no other. */
function speaksFor(session: Session, from: string): boolean {
  const jid = tryParseJid(from)
  return jid !== undefined && (jid.equals(session.jid) || jid.equals(session.account))
}

/** Whether an error may go back: never in answer to an error, and never for a result (RFC 6120 §8.3.1). */
function isAnswerable({ type }: Stanza): boolean {
  return type !== 'error' && type !== 'result'
}
