import { type Jid, parseJid } from '../../xmpp/address/jid.ts'
import { Stanza } from '../../xmpp/stanza.ts'
import { type Element, xml } from '../../xmpp/xml/element.ts'
import { randomText } from '../random-text.ts'

/** How long a client may take for its answer. */
const PATIENCE_MS = 30_000

interface Pending {
  /** Who is asked. */
  readonly to: Jid
  readonly settle: (answer: Element | undefined) => void
}

/** What the server asks of clients, until they answer (RFC 6120 §8.2.3). */
export class Requests {
  readonly #pending = new Map<string, Pending>()
  readonly #patienceMs: number

  constructor(patienceMs = PATIENCE_MS) {
    this.#patienceMs = patienceMs
  }

  /**
   * @param to full JID
   * @param send told of the stanza; false when there is nobody to send it to
   * @returns the IQ of type `result` or `error` that came back; undefined when none did in time
   */
  ask(
    type: 'get' | 'set',
    to: Jid,
    payload: Element,
    send: (request: Stanza) => boolean,
  ): Promise<Element | undefined> {
    const id = randomText()
    const iq = xml('iq', { type, id, from: to.domain, to: to.toString() }, payload)
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(id, undefined), this.#patienceMs).unref()
      const settle = (answer: Element | undefined) => {
        clearTimeout(timer)
        resolve(answer)
      }
      this.#pending.set(id, { to, settle })
      if (!send(new Stanza(iq, 'iq', parseJid(to.domain), to))) this.#settle(id, undefined)
    })
  }

  /** @returns whether the stanza answers something that was asked of its sender */
  take({ id = '', from, type, element }: Stanza): boolean {
    const isAnswer = type === 'result' || type === 'error'
    if (!isAnswer || this.#pending.get(id)?.to.equals(from) !== true) return false
    this.#settle(id, element)
    return true
  }

  /** Whoever is gone answers no more. */
  forget(full: Jid): void {
    for (const [id, { to }] of this.#pending) if (to.equals(full)) this.#settle(id, undefined)
  }

  #settle(id: string, answer: Element | undefined): void {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    pending?.settle(answer)
  }
}
