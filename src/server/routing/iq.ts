import type { MaybePromise } from '../../maybe-promise.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import { errorReply, resultReply, Stanza, type StanzaError } from '../../xmpp/stanza.ts'
import { childElements, type Element, namespaceOf } from '../../xmpp/xml/element.ts'
import type { Session } from '../session/session.ts'

/** A payload by its element name and namespace. */
export interface QName {
  readonly name: string
  readonly namespace: string
}

/** Whom a query is for: the server, the account of whoever asks, or anybody's, and then the handler judges who may ask. */
export type IqTarget = 'server' | 'self' | 'account'

/** The answer to an IQ; one stanza is made of it. */
export type IqReply =
  | {
      readonly type: 'result'
      readonly payload?: Element
      /** What follows when it is on its way. */
      readonly after?: () => void
    }
  | { readonly type: 'error'; readonly error: StanzaError }

/** An IQ get or set that the server answers. */
export interface IqRequest {
  readonly iq: Stanza
  /** The one child that RFC 6120 §8.2.3 demands. */
  readonly payload: Element
  /** Who asks. */
  readonly session: Session
  /** The domain that it is for, or a bare JID. */
  readonly to: Jid
}

export type IqHandler = (request: IqRequest) => MaybePromise<IqReply>

const UNAVAILABLE: StanzaError = { condition: 'service-unavailable' }
const FAILED: IqReply = { type: 'error', error: { condition: 'internal-server-error' } }

function keyOf(type: string, at: IqTarget, name: string, namespace: string): string {
  return `${type} ${at} {${namespace}}${name}`
}

/** Answers what is asked of the server and of accounts: every get and set exactly once, whatever a handler does. */
export class IqHandlers {
  readonly #handlers = new Map<string, IqHandler>()
  readonly #onFailure: (error: unknown, jid: Jid) => void

  /** @param onFailure told of what handlers throw */
  constructor(onFailure: (error: unknown, jid: Jid) => void) {
    this.#onFailure = onFailure
  }

  /** @throws {Error} when there is a handler for this payload already: two features would each believe that it is theirs */
  on(type: 'get' | 'set', at: IqTarget, { name, namespace }: QName, handle: IqHandler): void {
    const key = keyOf(type, at, name, namespace)
    if (this.#handlers.has(key)) throw new Error(`two features answer ${key}`)
    this.#handlers.set(key, handle)
  }

  /**
   * @param to the domain, or a bare JID
   * @returns when a set has been answered: what the same client sends after it must find it done
   */
  answer(iq: Stanza, session: Session, to: Jid): MaybePromise<void> {
    const [payload] = childElements(iq.element)
    const handle = payload && this.#find(iq.type ?? '', payload, session, to)
    if (payload === undefined || handle === undefined) {
      // RFC 6120 §8.4: what is not understood is answered all the same; and nobody asks on another's behalf.
      session.answer(replyTo(iq, to, errorReply(iq.element, UNAVAILABLE)))
      return
    }
    const send = (reply: IqReply) => this.#send(iq, session, to, reply)
    const reply = this.#ask(handle, { iq, payload, session, to })
    if (!(reply instanceof Promise)) {
      send(reply)
      return
    }
    const answered = reply.catch((error: unknown) => this.#failed(error, session)).then(send)
    return iq.type === 'set' ? answered : undefined
  }

  #find(type: string, payload: Element, session: Session, to: Jid): IqHandler | undefined {
    const at = (target: IqTarget) => this.#handlers.get(keyOf(type, target, payload.name, namespaceOf(payload)))
    if (to.local === undefined) return at('server')
    return (to.equals(session.account) ? at('self') : undefined) ?? at('account')
  }

  #ask(handle: IqHandler, request: IqRequest): MaybePromise<IqReply> {
    try {
      return handle(request)
    } catch (error) {
      return this.#failed(error, request.session)
    }
  }

  #send(iq: Stanza, session: Session, to: Jid, reply: IqReply): void {
    if (reply.type === 'error') {
      session.answer(replyTo(iq, to, errorReply(iq.element, reply.error)))
      return
    }
    session.answer(replyTo(iq, to, resultReply(iq.element, reply.payload)))
    try {
      reply.after?.()
    } catch (error) {
      this.#onFailure(error, session.jid)
    }
  }

  #failed(error: unknown, session: Session): IqReply {
    this.#onFailure(error, session.jid)
    return FAILED
  }
}

function replyTo(iq: Stanza, from: Jid, element: Element): Stanza {
  return new Stanza(element, 'iq', from, iq.from)
}

/** RFC 6120 §8.2.3: what makes an IQ no IQ. */
export function iqProblem({ id, type, element }: Stanza): StanzaError | undefined {
  if (type === 'result' || type === 'error') return undefined
  if (type !== 'get' && type !== 'set') return { condition: 'bad-request', text: 'the type is none of an IQ' }
  if (id === undefined) return { condition: 'bad-request', text: 'an IQ needs an id' }
  if (childElements(element).length !== 1) {
    return { condition: 'bad-request', text: 'a get or set has exactly one child' }
  }
  return undefined
}
