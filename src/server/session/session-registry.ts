import type { Jid } from '../../xmpp/address/jid.ts'
import type { StreamError } from '../../xmpp/stream/stream.ts'
import type { LoginProof } from '../login/certificate-watch.ts'

/** A client that has bound a resource, as the router and the features see it. */
export interface BoundSession {
  readonly jid: Jid
  /** The account: `jid` without the resource. */
  readonly account: Jid
  /** The priority of its last available presence; undefined while unavailable (RFC 6121 §4.7.2.3). */
  priority: number | undefined
  /** UUID of the client's installation, if it told one (XEP-0388 §2.3); never told to anybody. */
  readonly agent?: string | undefined
  /** What it has logged in with; undefined for a login without certificate. */
  readonly proof?: LoginProof | undefined
  /** Name of the listener that it came by. */
  readonly listener?: string
  /** Whether it came over TLS. */
  readonly secured?: boolean
  /** Sends a serialized stanza. */
  deliver(stanza: string): void
  /** Ends the stream with an error. */
  close(error: StreamError): void
}

/** What happens when a client asks for a resource that is in use (RFC 6120 §7.7.2.2). */
export type ConflictPolicy = 'replace' | 'refuse' | 'rename'

/** Who is online. */
export class Directory {
  readonly #accounts = new Map<string, Map<string, BoundSession>>()
  readonly #full = new Map<string, BoundSession>()

  get size(): number {
    return this.#full.size
  }

  add(session: BoundSession): void {
    const account = session.account.toString()
    const sessions = this.#accounts.get(account) ?? new Map<string, BoundSession>()
    sessions.set(session.jid.resource ?? '', session)
    this.#accounts.set(account, sessions)
    this.#full.set(session.jid.toString(), session)
  }

  /** Forgets a session; one that has taken over its resource stays. */
  remove(session: BoundSession): void {
    const full = session.jid.toString()
    if (this.#full.get(full) !== session) return
    this.#full.delete(full)
    const account = session.account.toString()
    const sessions = this.#accounts.get(account)
    sessions?.delete(session.jid.resource ?? '')
    if (sessions?.size === 0) this.#accounts.delete(account)
  }

  /** The session with exactly this full JID. */
  find(full: Jid): BoundSession | undefined {
    return this.#full.get(full.toString())
  }

  /** Every session of an account, available or not. */
  sessionsOf(account: Jid): readonly BoundSession[] {
    const sessions = this.#accounts.get(account.toString())
    return sessions === undefined ? [] : [...sessions.values()]
  }

  /** The sessions of an account that have sent available presence (RFC 6121 §4.2). */
  availableOf(account: Jid): readonly BoundSession[] {
    return this.sessionsOf(account).filter((session) => session.priority !== undefined)
  }

  all(): readonly BoundSession[] {
    return [...this.#full.values()]
  }
}
