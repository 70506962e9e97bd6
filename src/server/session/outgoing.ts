import type { Stanza } from '../../xmpp/stanza.ts'

/** What a handler makes of a stanza that is about to leave: on the wire with it and all before it, or it waits for the next. */
export type LeavingVerdict = 'send' | 'hold'

/** Where stanzas go. */
export interface Outlet {
  /** Whether what is sent now only waits in memory: the client does not read. */
  readonly isClogged: boolean
  send(stanza: string): void
}

/** A stanza that waits, and how many handlers have seen it. */
interface Waiting {
  readonly stanza: Stanza
  /** UTF-8 octets of its text. */
  readonly octets: number
  seen: number
}

type Handler = (stanza: Stanza) => LeavingVerdict

/**
 * What a session has been given and its client does not have yet, in the order of the wire. Every stanza passes every handler
 * once; one that lets a stanza go lets those go as well that wait before it.
 */
export class Outgoing {
  readonly #handlers: readonly Handler[]
  #waiting: Waiting[] = []
  #octets = 0

  /** @param handlers in order; more may be added until the first stanza comes */
  constructor(handlers: readonly Handler[]) {
    this.#handlers = handlers
  }

  /** Nothing waits, and there is no handler that would have to see what comes. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#handlers.length === 0
  }

  /** UTF-8 octets of what waits. */
  get octets(): number {
    return this.#octets
  }

  /** @param outlet undefined while there is no client */
  add(stanza: Stanza, outlet: Outlet | undefined): void {
    const octets = Buffer.byteLength(stanza.text)
    this.#waiting.push({ stanza, octets, seen: 0 })
    this.#octets += octets
    if (outlet !== undefined && !outlet.isClogged) this.flush(outlet)
  }

  /** Sends what may go. */
  flush(outlet: Outlet): void {
    let going = 0
    for (const [index, waiting] of this.#waiting.entries()) {
      if (waiting.seen === 0 && this.#isLetGo(waiting)) going = index + 1
    }
    for (const waiting of this.#waiting.splice(0, going)) {
      // Held by one handler, and let go with another stanza: the others have still to see it.
      while (waiting.seen < this.#handlers.length) this.#isLetGo(waiting)
      this.#octets -= waiting.octets
      outlet.send(waiting.stanza.text)
    }
  }

  /** Takes out what waits, for whoever can still do something with it. */
  takeAll(): readonly Stanza[] {
    const left = this.#waiting.map(({ stanza }) => stanza)
    this.#waiting = []
    this.#octets = 0
    return left
  }

  /** Shows it to the handlers that have not seen it, up to the one that holds it. */
  #isLetGo(waiting: Waiting): boolean {
    for (const handle of this.#handlers.slice(waiting.seen)) {
      waiting.seen++
      if (handle(waiting.stanza) === 'hold') return false
    }
    return true
  }
}
