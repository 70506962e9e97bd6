import type { Stanza } from '../../xmpp/stanza.ts'
import type { Session } from './session.ts'

/** What becomes of sessions, as features are told of it. */
export interface SessionEvents {
  /** It has a resource, and its client knows. */
  bound(session: Session): void
  /** Its client has said that it is there, or says so again (RFC 6121 §4.2, §4.4). */
  available(session: Session, presence: Stanza): void
  /** It was available and is not any more (RFC 6121 §4.5), because its client says so or is gone. */
  unavailable(session: Session): void
  /** Its stream is gone. @returns milliseconds for which it is kept for its client to come back; undefined: not at all */
  detached(session: Session): number | undefined
  /** Its client has come back, on another stream. */
  resumed(session: Session): void
  /** It is over, and nobody finds it any more. */
  ended(session: Session): void
}

type Handlers = { readonly [E in keyof SessionEvents]: SessionEvents[E][] }

/** Tells features of sessions, in the order of the features; what one of them throws keeps no other from being told. */
export class SessionEventEmitter {
  readonly #handlers: Handlers = {
    bound: [],
    available: [],
    unavailable: [],
    detached: [],
    resumed: [],
    ended: [],
  }
  readonly #onFailure: (error: unknown, session: Session) => void

  constructor(onFailure: (error: unknown, session: Session) => void) {
    this.#onFailure = onFailure
  }

  on<E extends keyof SessionEvents>(event: E, handle: SessionEvents[E]): void {
    this.#handlers[event].push(handle)
  }

  tell(event: 'bound' | 'unavailable' | 'resumed' | 'ended', session: Session): void {
    for (const handle of this.#handlers[event]) this.#attempt(session, () => handle(session))
  }

  tellAvailable(session: Session, presence: Stanza): void {
    for (const handle of this.#handlers.available) this.#attempt(session, () => handle(session, presence))
  }

  /** @returns the longest time for which anybody wants it to be kept; 0: nobody does */
  tellDetached(session: Session): number {
    const wishes = this.#handlers.detached.map((handle) => this.#attempt(session, () => handle(session)) ?? 0)
    return Math.max(0, ...wishes)
  }

  #attempt<T>(session: Session, work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      this.#onFailure(error, session)
      return undefined
    }
  }
}
