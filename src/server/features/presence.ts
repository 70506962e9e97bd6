import type { Jid } from '../../xmpp/address/jid.ts'
import { NS } from '../../xmpp/namespaces.ts'
import { Stanza } from '../../xmpp/stanza.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { childNamed, textOf, xml } from '../../xmpp/xml/element.ts'
import type { Verdict } from '../routing/stages.ts'
import type { Session } from '../session/session.ts'
import type { Feature, FeatureHost, Slot } from './feature.ts'

/** RFC 6121 §4.7.2.3: an integer from -128 to 127, 0 when there is none. */
function priorityOf(presence: Element): number | undefined {
  const element = childNamed(presence, 'priority', NS.client)
  const text = element === undefined ? '0' : textOf(element).trim()
  const priority = /^[+-]?\d{1,3}$/.test(text) ? Number(text) : Number.NaN
  return priority >= -128 && priority <= 127 ? priority : undefined
}

/** Full JIDs by their text. */
type Addresses = Map<string, Jid>

const NOBODY: ReadonlyMap<string, Jid> = new Map()

/** Who must hear of the end, having been told of the beginning by directed presence (RFC 6121 §4.6.3). */
class DirectedPresence {
  readonly #told: Slot<Addresses | undefined>
  /** Who has told them, so that whoever goes is forgotten without asking everybody. */
  readonly #tellers = new Map<string, Set<Session>>()

  constructor(host: FeatureHost) {
    this.#told = host.slot<Addresses | undefined>(undefined)
  }

  toldBy(session: Session): ReadonlyMap<string, Jid> {
    return this.#told.get(session) ?? NOBODY
  }

  add(teller: Session, jid: Jid): void {
    const name = jid.toString()
    const told = this.#told.get(teller) ?? new Map<string, Jid>()
    this.#told.set(teller, told.set(name, jid))
    this.#tellers.set(name, (this.#tellers.get(name) ?? new Set()).add(teller))
  }

  remove(teller: Session, name: string): void {
    this.#told.get(teller)?.delete(name)
    const tellers = this.#tellers.get(name)
    tellers?.delete(teller)
    if (tellers?.size === 0) this.#tellers.delete(name)
  }

  /** A session that has told others. */
  clear(teller: Session): void {
    for (const name of this.toldBy(teller).keys()) this.remove(teller, name)
  }

  /** One that was told. */
  forget({ jid }: Session): void {
    const name = jid.toString()
    for (const teller of this.#tellers.get(name) ?? []) this.remove(teller, name)
  }
}

/** Presence for accounts without contacts: to the account's own resources, and to those whom it was directed to. */
class PresenceBook {
  readonly #host: FeatureHost
  readonly #directed: DirectedPresence

  constructor(host: FeatureHost) {
    this.#host = host
    this.#directed = new DirectedPresence(host)
  }

  available(session: Session, stanza: Stanza): Verdict {
    const priority = priorityOf(stanza.element)
    if (priority === undefined)
      return { condition: 'bad-request', text: 'the priority is not an integer from -128 to 127' }
    const isFirst = session.resource.presence === undefined
    this.#host.announce(session, { priority, stanza })
    for (const { jid, presence } of this.#availableOf(session.account)) {
      const isOther = !jid.equals(session.jid)
      // RFC 6121 §4.2.2: who comes later learns who was there before.
      if (isFirst && isOther) this.#host.route(presence.stanza, session.jid)
      this.#host.route(stanza, jid)
    }
    return 'done'
  }

  unavailable(session: Session, stanza: Stanza): Verdict {
    const wasAvailable = session.resource.presence !== undefined
    this.#host.announce(session, undefined)
    const own = wasAvailable ? this.#availableOf(session.account).map(({ jid }) => [jid.toString(), jid] as const) : []
    for (const jid of new Map([...own, ...this.#directed.toldBy(session)]).values()) this.#host.route(stanza, jid)
    this.#directed.clear(session)
    return 'done'
  }

  /** Only those who were told of the beginning may hear of the end: no other type says that somebody is there. */
  direct(session: Session, { type }: Stanza, to: Jid): void {
    if (type !== undefined && type !== 'unavailable') return
    const all = this.#host.resources(to.bare())
    const reached = all.filter(({ jid, presence }) => (to.isBare ? presence !== undefined : jid.equals(to)))
    for (const { jid } of reached) {
      if (type === 'unavailable') this.#directed.remove(session, jid.toString())
      else if (!jid.bare().equals(session.account)) this.#directed.add(session, jid)
    }
  }

  end(session: Session): void {
    // RFC 6121 §4.5.2: the server speaks for a client that went without a word.
    if (session.resource.presence !== undefined || this.#directed.toldBy(session).size > 0) {
      const element = xml('presence', { from: session.jid.toString(), type: 'unavailable' })
      this.unavailable(session, new Stanza(element, 'presence', session.jid, undefined))
    }
    this.#directed.forget(session)
  }

  #availableOf(account: Jid) {
    return this.#host
      .resources(account)
      .flatMap(({ jid, presence }) => (presence === undefined ? [] : [{ jid, presence }]))
  }
}

/** RFC 6121 §4. */
export const presence: Feature = {
  name: 'presence',
  claims: [{ spec: 'RFC 6121', scope: '§4 (own resources and directed presence)' }],
  install(host) {
    const book = new PresenceBook(host)
    host.onStanza('sent', 'presence', (stanza, _, session) => {
      if (session === undefined) return 'pass'
      if (stanza.to !== undefined) {
        book.direct(session, stanza, stanza.to)
        return 'pass'
      }
      if (stanza.type === undefined) return book.available(session, stanza)
      // The other types ask something of a contact, and nobody is named (RFC 6121 §3.1.1).
      return stanza.type === 'unavailable' ? book.unavailable(session, stanza) : 'done'
    })
    host.on('ended', (session) => book.end(session))
  },
}
