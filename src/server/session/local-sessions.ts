import type { Jid } from '../../xmpp/address/jid.ts'
import type { Stanza } from '../../xmpp/stanza.ts'
import type { Session } from './session.ts'
import type { Delivery, Resource, SessionRegistry } from './session-registry.ts'

/** The sessions of this process. */
export class LocalSessions implements SessionRegistry {
  readonly #accounts = new Map<string, Map<string, Session>>()
  readonly #full = new Map<string, Session>()

  get size(): number {
    return this.#full.size
  }

  add(session: Session): void {
    const account = session.account.toString()
    const sessions = this.#accounts.get(account) ?? new Map<string, Session>()
    sessions.set(session.jid.resource ?? '', session)
    this.#accounts.set(account, sessions)
    this.#full.set(session.jid.toString(), session)
  }

  /** Forgets a session; one that has taken over its resource stays. */
  remove(session: Session): void {
    const full = session.jid.toString()
    if (this.#full.get(full) !== session) return
    this.#full.delete(full)
    const account = session.account.toString()
    const sessions = this.#accounts.get(account)
    sessions?.delete(session.jid.resource ?? '')
    if (sessions?.size === 0) this.#accounts.delete(account)
  }

  resources(account: Jid): readonly Resource[] {
    return this.sessionsOf(account).map(({ resource }) => resource)
  }

  deliver(full: Jid, stanza: Stanza): Delivery {
    return this.session(full)?.deliver(stanza) ?? 'gone'
  }

  /** The session with exactly this full JID. */
  session(full: Jid): Session | undefined {
    return this.#full.get(full.toString())
  }

  sessionsOf(account: Jid): readonly Session[] {
    const sessions = this.#accounts.get(account.toString())
    return sessions === undefined ? [] : [...sessions.values()]
  }

  all(): readonly Session[] {
    return [...this.#full.values()]
  }
}
