import type { Stanza } from '../../xmpp/stanza.ts'
import type { StreamError } from '../../xmpp/stream/stream.ts'
import type { LocalSessions } from './local-sessions.ts'
import type { Session, SessionStream } from './session.ts'
import type { SessionEventEmitter } from './session-events.ts'

export interface SessionLifecycleOptions {
  readonly sessions: LocalSessions
  readonly events: SessionEventEmitter
  /** For what a client has been given and never got. */
  readonly undelivered: (stanza: Stanza, session: Session) => void
}

/** What becomes of sessions after they were bound: their streams come and go, and at last they end. */
export class SessionLifecycle {
  readonly #options: SessionLifecycleOptions
  /** Of those that wait for their clients to come back. */
  readonly #timers = new Map<Session, NodeJS.Timeout>()

  constructor(options: SessionLifecycleOptions) {
    this.#options = options
  }

  /** Its client has been told: others see it from here on. */
  opened(session: Session): void {
    this.#options.sessions.add(session)
    this.#options.events.tell('bound', session)
  }

  /** A stream is gone, or as good as gone. Its session goes with it, unless a feature wants to keep it. */
  left(session: Session, stream: SessionStream): void {
    if (!session.detach(stream)) return
    const keptMs = session.hasEnded ? 0 : this.#options.events.tellDetached(session)
    if (keptMs > 0) this.#timers.set(session, setTimeout(() => this.#end(session), keptMs).unref())
    else this.#end(session)
  }

  /** The client has come back. What was for it meanwhile is sent. @returns false when it comes too late */
  resume(session: Session, stream: SessionStream): boolean {
    if (session.hasEnded) return false
    clearTimeout(this.#timers.get(session))
    this.#timers.delete(session)
    session.attach(stream)
    this.#options.events.tell('resumed', session)
    return true
  }

  /** Ends it whether or not its client is there. */
  close(session: Session, error: StreamError): void {
    if (session.isDetached) this.#end(session)
    else session.close(error)
  }

  #end(session: Session): void {
    if (session.hasEnded) return
    clearTimeout(this.#timers.get(session))
    this.#timers.delete(session)
    this.#options.sessions.remove(session)
    const left = session.end()
    this.#options.events.tell('ended', session)
    for (const stanza of left) this.#options.undelivered(stanza, session)
  }
}
