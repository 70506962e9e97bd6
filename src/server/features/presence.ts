import { NS } from '../../xmpp/namespaces.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { childNamed, serialize, textOf, xml } from '../../xmpp/xml/element.ts'
import type { BoundSession, Directory } from '../session/session-registry.ts'
import type { Feature, Verdict } from './feature.ts'

/** RFC 6121 §4.7.2.3: an integer from -128 to 127, 0 when there is none. */
function priorityOf(presence: Element): number | undefined {
  const element = childNamed(presence, 'priority', NS.client)
  const text = element === undefined ? '0' : textOf(element).trim()
  const priority = /^[+-]?\d{1,3}$/.test(text) ? Number(text) : Number.NaN
  return priority >= -128 && priority <= 127 ? priority : undefined
}

/**
 * RFC 6121 §4 for accounts without contacts: presence goes to the account's own resources, and to
 * those whom it was directed to.
 */
class PresenceBook {
  readonly #directory: Directory
  /** Full presence stanzas, for resources that come later (RFC 6121 §4.2.2). */
  readonly #last = new Map<BoundSession, string>()
  /** Who must hear of the end, having been told of the beginning (RFC 6121 §4.6.3). */
  readonly #directed = new Map<BoundSession, Set<BoundSession>>()

  constructor(directory: Directory) {
    this.#directory = directory
  }

  available(session: BoundSession, presence: Element): Verdict {
    const priority = priorityOf(presence)
    if (priority === undefined) return { condition: 'bad-request', text: 'the priority is no integer from -128 to 127' }
    const first = session.priority === undefined
    session.priority = priority
    const stanza = serialize(presence)
    for (const own of this.#directory.availableOf(session.account)) {
      own.deliver(stanza)
      const known = this.#last.get(own)
      if (first && own !== session && known !== undefined) session.deliver(known)
    }
    this.#last.set(session, stanza)
    return 'done'
  }

  unavailable(session: BoundSession, presence: Element): Verdict {
    const wasAvailable = session.priority !== undefined
    session.priority = undefined
    const own = wasAvailable ? this.#directory.availableOf(session.account) : []
    const stanza = serialize(presence)
    for (const other of new Set([...own, ...(this.#directed.get(session) ?? [])])) other.deliver(stanza)
    this.#last.delete(session)
    this.#directed.delete(session)
    return 'done'
  }

  /** Only those who were told of the beginning may hear of the end: no other type says that somebody is there. */
  direct(from: BoundSession, to: readonly BoundSession[], type: string | undefined): void {
    if (type !== undefined && type !== 'unavailable') return
    const told = this.#directed.get(from) ?? new Set()
    for (const session of to) {
      if (type === 'unavailable') told.delete(session)
      else if (!session.account.equals(from.account)) told.add(session)
    }
    if (told.size > 0) this.#directed.set(from, told)
  }

  end(session: BoundSession): void {
    // RFC 6121 §4.5.2: the server speaks for a client that went without a word.
    if (session.priority !== undefined || this.#directed.has(session)) {
      this.unavailable(session, xml('presence', { from: session.jid.toString(), type: 'unavailable' }))
    }
    for (const told of this.#directed.values()) told.delete(session)
  }
}

export const presence: Feature = {
  name: 'presence',
  claims: [{ spec: 'RFC 6121', scope: '§4 (own resources and directed presence)' }],
  advertises: [],
  install(host) {
    const book = new PresenceBook(host.directory)
    host.onStanza('screen', 'presence', ({ stanza, session, to }) => {
      if (to !== undefined) return 'pass'
      if (stanza.attrs.type === undefined) return book.available(session, stanza)
      // The other types ask something of a contact, and nobody is named (RFC 6121 §3.1.1).
      return stanza.attrs.type === 'unavailable' ? book.unavailable(session, stanza) : 'done'
    })
    host.onStanza('observe', 'presence', ({ stanza, session, to }) => {
      if (to === undefined) return 'pass'
      const reached = to.isBare ? host.directory.availableOf(to) : [host.directory.find(to)]
      book.direct(
        session,
        reached.filter((found) => found !== undefined),
        stanza.attrs.type,
      )
      return 'pass'
    })
    host.onEnd((session) => book.end(session))
  },
}
