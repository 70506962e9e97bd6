import type { MaybePromise } from '../../maybe-promise.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import { Stanza, type StanzaError, type StanzaName } from '../../xmpp/stanza.ts'
import type { Session } from '../session/session.ts'

/**
 * When a handler sees a stanza. `sent`: a client of `account` has sent it. `received`: it is for `account`, before it is known
 * which of its clients gets it. `offline`: it is for `account`, and nobody could take it.
 */
export type Stage = 'sent' | 'received' | 'offline'

/**
 * What a handler decides: `pass` lets the next one see the stanza, `done` means that it has been dealt with, an error goes
 * back to its sender, and another stanza goes on in its place.
 */
export type Verdict = 'pass' | 'done' | StanzaError | Stanza

/**
 * @param account bare
 * @param session that has sent it; undefined when it was not one of this server
 */
export type StanzaHandler = (stanza: Stanza, account: Jid, session: Session | undefined) => MaybePromise<Verdict>

/** What has become of a stanza behind all handlers of a stage: it goes on as it is now, or it does not. */
export type Outcome = Stanza | 'done' | StanzaError

/** What features do with stanzas on their way. */
export class Stages {
  readonly #handlers: Readonly<Record<Stage, Record<StanzaName, readonly StanzaHandler[]>>> = {
    sent: { iq: [], message: [], presence: [] },
    received: { iq: [], message: [], presence: [] },
    offline: { iq: [], message: [], presence: [] },
  }
  readonly #onFailure: (error: unknown, jid: Jid) => void

  /** @param onFailure told of what handlers throw: a defect in a feature costs the stanza and nothing else */
  constructor(onFailure: (error: unknown, jid: Jid) => void) {
    this.#onFailure = onFailure
  }

  /** Handlers run in the order in which they are added. */
  on(stage: Stage, name: StanzaName, handle: StanzaHandler): void {
    this.#handlers[stage][name] = [...this.#handlers[stage][name], handle]
  }

  run(stage: Stage, stanza: Stanza, account: Jid, session: Session | undefined): MaybePromise<Outcome> {
    const handlers = this.#handlers[stage][stanza.name]
    let current = stanza
    let asked = 0
    for (const handle of handlers) {
      const verdict = this.#ask(handle, current, account, session)
      asked++
      if (verdict instanceof Promise) return this.#goOn(verdict, current, handlers.slice(asked), account, session)
      if (verdict instanceof Stanza) current = verdict
      else if (verdict !== 'pass') return verdict
    }
    return current
  }

  async #goOn(
    first: Promise<Verdict>,
    stanza: Stanza,
    others: readonly StanzaHandler[],
    account: Jid,
    session: Session | undefined,
  ): Promise<Outcome> {
    let current = stanza
    let pending: MaybePromise<Verdict> = first
    for (const next of [...others, undefined]) {
      const verdict = await this.#settled(pending, session?.jid ?? account)
      if (verdict instanceof Stanza) current = verdict
      else if (verdict !== 'pass') return verdict
      if (next !== undefined) pending = this.#ask(next, current, account, session)
    }
    return current
  }

  #ask(handle: StanzaHandler, stanza: Stanza, account: Jid, session: Session | undefined): MaybePromise<Verdict> {
    try {
      return handle(stanza, account, session)
    } catch (error) {
      return this.#failed(error, session?.jid ?? account)
    }
  }

  async #settled(verdict: MaybePromise<Verdict>, jid: Jid): Promise<Verdict> {
    try {
      return await verdict
    } catch (error) {
      return this.#failed(error, jid)
    }
  }

  #failed(error: unknown, jid: Jid): StanzaError {
    this.#onFailure(error, jid)
    return { condition: 'internal-server-error' }
  }
}
