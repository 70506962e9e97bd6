import { chain, type MaybePromise } from '../../maybe-promise.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import { Stanza, type StanzaError } from '../../xmpp/stanza.ts'
import type { Session } from '../session/session.ts'
import type { Delivery, SessionRegistry } from '../session/session-registry.ts'
import { destinationOf, messageType, recipients } from './delivery.ts'
import type { Outcome, Stages } from './stages.ts'

const UNAVAILABLE: StanzaError = { condition: 'service-unavailable' }
const NOT_READING: StanzaError = { condition: 'resource-constraint', text: 'the recipient takes no more at the moment' }

/** What there is to know of a stanza that is for an account of this server. */
interface Incoming {
  readonly stanza: Stanza
  readonly to: Jid
  readonly session: Session | undefined
}

/** Takes what is for the accounts of this server to their clients, as RFC 6121 §8 wants it. */
export class LocalAccounts {
  readonly #sessions: SessionRegistry
  readonly #stages: Stages

  constructor(sessions: SessionRegistry, stages: Stages) {
    this.#sessions = sessions
    this.#stages = stages
  }

  /** @returns what goes back to the sender, if anything does */
  receive(stanza: Stanza, to: Jid, session: Session | undefined): MaybePromise<StanzaError | undefined> {
    // A message to the server itself has no reader, and a presence asks for nothing.
    if (to.local === undefined) return stanza.name === 'message' ? UNAVAILABLE : undefined
    const outcome = this.#stages.run('received', stanza, to.bare(), session)
    if (outcome instanceof Promise) return outcome.then((received) => this.#received(received, to, session))
    return this.#received(outcome, to, session)
  }

  #received(outcome: Outcome, to: Jid, session: Session | undefined): MaybePromise<StanzaError | undefined> {
    if (outcome === 'done') return undefined
    return outcome instanceof Stanza ? this.#deliver({ stanza: outcome, to, session }) : outcome
  }

  /** For what a client has been given and never got: as if it had been gone when it came. */
  undelivered(stanza: Stanza, account: Jid): MaybePromise<StanzaError | undefined> {
    const { name, type } = stanza
    if (name === 'iq') return UNAVAILABLE
    if (name === 'presence' || messageType(type) === 'error' || messageType(type) === 'headline') return undefined
    return this.#keep({ stanza, to: account, session: undefined }, UNAVAILABLE)
  }

  #deliver(incoming: Incoming): MaybePromise<StanzaError | undefined> {
    const { stanza, to } = incoming
    if (stanza.name === 'presence') return this.#deliverPresence(stanza, to)
    const delivery = to.isBare ? 'gone' : this.#sessions.deliver(to, stanza)
    if (delivery === 'taken') return undefined
    if (stanza.name === 'iq') return delivery === 'full' ? NOT_READING : UNAVAILABLE
    return delivery === 'full' ? this.#keep(incoming, NOT_READING) : this.#deliverMessage(incoming)
  }

  #deliverMessage(incoming: Incoming): MaybePromise<StanzaError | undefined> {
    const { stanza, to } = incoming
    const destination = destinationOf(messageType(stanza.type), !to.isBare)
    const resources = recipients(destination, this.#sessions.resources(to.bare()))
    const deliveries = resources.map(({ jid }): Delivery => this.#sessions.deliver(jid, stanza))
    if (deliveries.includes('taken')) return undefined
    // RFC 6121 §8.5.2.2.1: a headline that nobody can take is not kept and not answered.
    if (destination === 'drop' || destination === 'all-available') return undefined
    if (destination === 'bounce') return UNAVAILABLE
    return this.#keep(incoming, deliveries.includes('full') ? NOT_READING : UNAVAILABLE)
  }

  /** @param otherwise what its sender hears when nobody keeps it */
  #keep({ stanza, to, session }: Incoming, otherwise: StanzaError): MaybePromise<StanzaError | undefined> {
    return chain(this.#stages.run('offline', stanza, to.bare(), session), (outcome) => {
      if (outcome === 'done') return undefined
      return outcome instanceof Stanza ? otherwise : outcome
    })
  }

  #deliverPresence(stanza: Stanza, to: Jid): undefined {
    const { type } = stanza
    if (!to.isBare) {
      // RFC 6121 §8.5.3.2.2: a full JID that is gone gets nothing; subscriptions and probes are the server's business.
      if (type === undefined || type === 'unavailable' || type === 'error') this.#sessions.deliver(to, stanza)
      return
    }
    if (type !== undefined && type !== 'unavailable') return
    for (const { jid, presence } of this.#sessions.resources(to)) {
      if (presence !== undefined) this.#sessions.deliver(jid, stanza)
    }
  }
}
