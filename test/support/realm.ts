import type { Feature } from '../../src/server/features/feature.ts'
import { Router } from '../../src/server/routing/router.ts'
import { type BoundSession, Directory } from '../../src/server/session/session-registry.ts'
import { type Jid, parseJid } from '../../src/xmpp/address/jid.ts'
import type { StreamError } from '../../src/xmpp/stream/stream.ts'
import { parseElement } from './element.ts'
import { LogBook } from './server.ts'

/** A bound client without a network: keeps what is delivered to it. */
export class Resident implements BoundSession {
  readonly jid: Jid
  readonly account: Jid
  priority: number | undefined
  #inbox: string[] = []

  constructor(jid: string, priority: number | undefined) {
    this.jid = parseJid(jid)
    this.account = this.jid.bare()
    this.priority = priority
  }

  deliver(stanza: string): void {
    this.#inbox.push(stanza)
  }

  close(): void {
    throw new Error('closed by the router')
  }

  /** What has arrived since the last call. */
  take(): string[] {
    const arrived = this.#inbox
    this.#inbox = []
    return arrived
  }
}

/** Directory, router and features, in memory. */
export class Realm {
  readonly directory = new Directory()
  readonly log = new LogBook()
  readonly #router: Router
  readonly #residents: Resident[] = []

  constructor(features: readonly Feature[], domains: readonly string[] = ['localhost']) {
    this.#router = new Router({ directory: this.directory, domains, features, log: this.log })
  }

  /** A client; without priority it has sent no presence. */
  enter(jid: string, priority?: number): Resident {
    const resident = new Resident(jid, priority)
    this.directory.add(resident)
    this.#residents.push(resident)
    return resident
  }

  leave(resident: Resident): void {
    this.directory.remove(resident)
    this.#router.ended(resident)
  }

  send(from: BoundSession, text: string): StreamError | undefined {
    return this.#router.route(parseElement(text), from)
  }

  /** Who got what since the last call: `jid: stanza`, in the order of arrival of the clients. */
  arrivals(): string[] {
    return this.#residents.flatMap((resident) => resident.take().map((stanza) => `${resident.jid}: ${stanza}`))
  }
}
