import { AccountService } from '../../../src/server/accounts/account-service.ts'
import { EnrolmentService } from '../../../src/server/accounts/enrolment-service.ts'
import { allFeatures } from '../../../src/server/features/all.ts'
import type { Feature } from '../../../src/server/features/feature.ts'
import { InstalledFeatures } from '../../../src/server/features/installed-features.ts'
import { Router } from '../../../src/server/routing/router.ts'
import { LocalSessions } from '../../../src/server/session/local-sessions.ts'
import { Session, type SessionStream } from '../../../src/server/session/session.ts'
import { SessionEventEmitter } from '../../../src/server/session/session-events.ts'
import { SessionLifecycle } from '../../../src/server/session/session-lifecycle.ts'
import { MemoryLedger } from '../../../src/store/memory/ledger.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import type { Credential } from '../../../src/xmpp/sasl/mechanism.ts'
import { Stanza } from '../../../src/xmpp/stanza.ts'
import type { StreamError } from '../../../src/xmpp/stream/stream.ts'
import { xml } from '../../../src/xmpp/xml/element.ts'
import { parseElement } from '../streams/element.ts'
import { LogBook } from './server.ts'

/** A stream without a network: keeps what is sent to it. */
class Inbox implements SessionStream {
  readonly remote = '192.0.2.1:5222'
  readonly protocol = 'TLSv1.3'
  readonly secured = true
  readonly listener = 'here'
  isClogged = false
  error: StreamError | undefined
  #texts: string[] = []

  send(stanza: string): void {
    this.#texts.push(stanza)
  }

  close(error: StreamError): void {
    this.error = error
  }

  take(): string[] {
    const texts = this.#texts
    this.#texts = []
    return texts
  }
}

/** A client that has bound a resource, without a network. */
export class Resident {
  readonly session: Session
  readonly stream = new Inbox()

  constructor(jid: string, given: Partial<ConstructorParameters<typeof Session>[0]> = {}) {
    this.session = new Session({
      jid: parseJid(jid),
      credential: { mechanism: 'SCRAM-SHA-256' },
      agent: undefined,
      stream: this.stream,
      now: new Date(),
      leaving: [],
      outboundOctets: 1_000_000,
      onFailure: (error) => {
        throw error
      },
      ...given,
    })
  }

  get jid(): string {
    return this.session.jid.toString()
  }

  get priority(): number | undefined {
    return this.session.resource.presence?.priority
  }

  /** Available with this priority, and nobody has been told. */
  withPriority(priority: number | undefined): this {
    const { session } = this
    const stanza = new Stanza(xml('presence', { from: this.jid }), 'presence', session.jid, undefined)
    session.announce(priority === undefined ? undefined : { priority, stanza })
    return this
  }

  /** What has arrived since the last call. */
  take(): string[] {
    return this.stream.take()
  }
}

/** Every feature, of a server on which nobody has a password or enrols certificates. */
export function everyFeature(): readonly Feature[] {
  const common = { settings: () => undefined, now: () => new Date(), log: new LogBook() }
  const accounts = new AccountService({
    ...common,
    ledger: new MemoryLedger(),
    beforeRemoval: async () => undefined,
    endSessions: () => undefined,
  })
  return allFeatures({ accounts, enrolments: new EnrolmentService({ ...common, isIssued: () => false }) })
}

export interface RealmOptions {
  readonly domains?: readonly string[]
  /** Octets that may wait for a client that does not read. */
  readonly outboundOctets?: number
}

/** Sessions, router and features, in memory. */
export class Realm {
  readonly sessions = new LocalSessions()
  readonly log = new LogBook()
  readonly router: Router
  readonly lifecycle: SessionLifecycle
  readonly #installed: InstalledFeatures
  readonly #residents: Resident[] = []
  readonly #options: RealmOptions

  constructor(features: readonly Feature[], options: RealmOptions = {}) {
    const { sessions, log } = this
    this.#options = options
    this.router = new Router({ sessions, domains: options.domains ?? ['localhost'], log })
    const events = new SessionEventEmitter((error, { jid }) => this.router.report(error, jid))
    this.#installed = new InstalledFeatures(features, {
      router: this.router,
      events,
      sessions,
      now: () => new Date(),
      log,
    })
    this.lifecycle = new SessionLifecycle({
      sessions,
      events,
      undelivered: (stanza, { account }) => this.router.undelivered(stanza, account),
    })
    events.on('ended', ({ jid }) => this.router.requests.forget(jid))
  }

  /** A client; without priority it has sent no presence. */
  enter(jid: string, priority?: number, credential: Credential = { mechanism: 'SCRAM-SHA-256' }): Resident {
    const resident = new Resident(jid, {
      credential,
      leaving: this.#installed.leaving,
      ...(this.#options.outboundOctets === undefined ? {} : { outboundOctets: this.#options.outboundOctets }),
      onFailure: (error) => this.router.report(error, resident.session.jid),
    })
    this.lifecycle.opened(resident.withPriority(priority).session)
    this.#residents.push(resident)
    return resident
  }

  leave({ session, stream }: Resident): void {
    this.lifecycle.left(session, stream)
  }

  send({ session }: Resident, text: string): StreamError | undefined {
    return this.router.take(parseElement(text), session)
  }

  /** Who got what since the last call: `jid: stanza`, in the order of arrival of the clients. */
  arrivals(): string[] {
    return this.#residents.flatMap((resident) => resident.take().map((stanza) => `${resident.jid}: ${stanza}`))
  }
}

/** What alice@localhost is answered by a server with every feature: the content of the result, which is the only answer. */
export function resultOf(ask: string): string {
  const realm = new Realm(everyFeature())
  const alice = realm.enter('alice@localhost/a')
  realm.send(alice, ask)
  const [reply = '', ...more] = alice.take()
  if (more.length > 0 || !reply.startsWith('<iq type="result" id="1"')) throw new Error(`no result: ${reply}${more}`)
  return reply.replace(/^<iq [^>]*?\/?>|<\/iq>$/g, '')
}

/** `kind type condition` of an answer. */
export function describeAnswer(stanza: string): string {
  const kind = /^<(\w+)/.exec(stanza)?.[1]
  const type = / type="(\w+)"/.exec(stanza)?.[1]
  const condition = /<error type="\w+"><([\w-]+)/.exec(stanza)?.[1]
  return [kind, type, condition].filter((part) => part !== undefined).join(' ')
}

/** A feature that does this and nothing else. */
export function featureOf(install: Feature['install']): Feature {
  return { name: 'test', claims: [], install }
}
