import { chain, type MaybePromise } from '../../maybe-promise.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import type { StanzaError } from '../../xmpp/stanza.ts'
import type { StreamError } from '../../xmpp/stream/stream.ts'
import type { Login, ResourceRequest } from '../../xmpp/stream/stream-feature.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { generatedJid, wantedJid } from './generated-jid.ts'
import type { LocalSessions } from './local-sessions.ts'
import { type LeavingHandler, Session, type SessionOptions, type SessionStream } from './session.ts'

/** What happens when a client asks for a resource that is in use (RFC 6120 §7.7.2.2). */
export type ConflictPolicy = 'replace' | 'refuse' | 'rename'

/** A session that its client does not know of yet, and nobody else either. */
export interface Binding {
  readonly session: Session
  /** What came of the requests along with the binding (XEP-0386 §3.2). */
  readonly results: readonly Element[]
}

export interface SessionBindingOptions {
  readonly sessions: LocalSessions
  readonly conflict: () => ConflictPolicy
  readonly serves: (domain: string) => boolean
  /** Ends a session that another one takes the place of. */
  readonly close: (session: Session, error: StreamError) => void
  /** Switches on what is asked for along with the binding. */
  readonly inline: (requests: readonly Element[], session: Session) => Promise<readonly Element[]>
  readonly leaving: readonly LeavingHandler[]
  readonly now: () => Date
  readonly onFailure: (error: unknown, jid: Jid) => void
}

/** Gives out resources (RFC 6120 §7). One that has been given out is taken at once, and seen when its client knows of it. */
export class SessionBinding {
  readonly #options: SessionBindingOptions
  /** Given out, and not yet seen, by full JID. */
  readonly #claimed = new Map<string, Session>()

  constructor(options: SessionBindingOptions) {
    this.#options = options
  }

  /** @param outboundOctets octets that may wait for the client while it does not read */
  bind(
    login: Login,
    request: ResourceRequest,
    stream: SessionStream,
    outboundOctets: number,
  ): MaybePromise<Binding | StanzaError> {
    const claimed = this.#claim(login, request, { stream, outboundOctets })
    if ('condition' in claimed) return claimed
    const { inline = [] } = request
    if (inline.length === 0) return { session: claimed, results: [] }
    return chain(this.#options.inline(inline, claimed), (results) => ({ session: claimed, results }))
  }

  /** It is seen from here on, or nothing comes of it because the client has gone. */
  release(session: Session): void {
    const name = session.jid.toString()
    if (this.#claimed.get(name) === session) this.#claimed.delete(name)
  }

  #claim(
    { account, credential }: Login,
    request: ResourceRequest,
    outlet: Pick<SessionOptions, 'stream' | 'outboundOctets'>,
  ): Session | StanzaError {
    const { serves, conflict, close, now, leaving, onFailure } = this.#options
    if (!serves(account.domain)) return { condition: 'not-allowed', text: 'the domain is not served any more' }
    const wanted = wantedJid(account, request)
    if ('condition' in wanted) return wanted
    const holder = this.#holderOf(wanted)
    // XEP-0257 §4: who may bind one resource only must get it.
    const policy = account.resource === undefined ? conflict() : 'replace'
    if (holder !== undefined && policy === 'refuse') return { condition: 'conflict' }
    if (holder !== undefined && policy === 'replace') close(holder, { condition: 'conflict' })
    const jid = holder !== undefined && policy === 'rename' ? generatedJid(account) : wanted
    const session = new Session({
      jid,
      credential,
      agent: request.agent,
      ...outlet,
      now: now(),
      leaving,
      onFailure: (error) => onFailure(error, jid),
    })
    this.#endLostSessions(session)
    this.#claimed.set(jid.toString(), session)
    return session
  }

  #holderOf(full: Jid): Session | undefined {
    return this.#options.sessions.session(full) ?? this.#claimed.get(full.toString())
  }

  /** XEP-0386 §3.2: a client that comes back has no use for the connections that it has lost. */
  #endLostSessions({ account, agent }: Session): void {
    if (agent === undefined) return
    const { sessions, close } = this.#options
    for (const earlier of sessions.sessionsOf(account)) {
      if (earlier.agent === agent) close(earlier, { condition: 'conflict', text: 'the client has connected again' })
    }
  }
}
