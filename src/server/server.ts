import type { Jid } from '../xmpp/address/jid.ts'
import { Negotiation } from '../xmpp/stream/negotiation.ts'
import type { StreamError } from '../xmpp/stream/stream.ts'
import type { Registrar } from '../xmpp/stream/stream-feature.ts'
import { AccountService } from './accounts/account-service.ts'
import { EnrolmentService, isOpen } from './accounts/enrolment-service.ts'
import { allFeatures } from './features/all.ts'
import { InstalledFeatures } from './features/installed-features.ts'
import { Authentication } from './login/authentication.ts'
import { certificateOf } from './login/credential.ts'
import { listenerOptions } from './net/endpoint.ts'
import { Listeners } from './net/listeners.ts'
import { RefusalLog } from './net/refusal-log.ts'
import { Router } from './routing/router.ts'
import { domainsOf, type ServerOptions } from './server-options.ts'
import { LocalSessions } from './session/local-sessions.ts'
import { SessionBinding } from './session/session-binding.ts'
import { SessionEventEmitter } from './session/session-events.ts'
import type { SessionInfo } from './session/session-info.ts'
import { SessionLifecycle } from './session/session-lifecycle.ts'
import { type AttachableTransport, OpenStreams } from './stream/open-streams.ts'
import { type StreamDoor, StreamHosts } from './stream/stream-hosts.ts'

/** How long shutdown waits for clients to take their leave. */
const SHUTDOWN_MS = 3_000

/** The c2s server: listeners, streams, sessions and router under one roof. */
export class XmppServer {
  readonly #sessions = new LocalSessions()
  readonly #streams = new OpenStreams()
  readonly #authentication: Authentication
  readonly #accounts: AccountService
  readonly #router: Router
  readonly #lifecycle: SessionLifecycle
  readonly #hosts: StreamHosts
  readonly #listeners: Listeners
  #options: ServerOptions
  #served: ReadonlySet<string>

  private constructor(options: ServerOptions) {
    const { login, log } = options
    this.#options = options
    this.#served = new Set(domainsOf(options))
    this.#authentication = new Authentication(options, () => {
      const { enrolments } = this.#options
      return isOpen(enrolments) ? enrolments.ledger : undefined
    })
    const enrolments = this.#enrolmentService()
    this.#router = new Router({ sessions: this.#sessions, domains: domainsOf(options), log })
    const events = new SessionEventEmitter((error, { jid }) => this.#router.report(error, jid))
    this.#lifecycle = this.#sessionLifecycle(events)
    this.#accounts = this.#accountService(enrolments, (account) => installed.accountRemoved(account))
    const { features: make = allFeatures } = options
    const features = make({ accounts: this.#accounts, enrolments })
    const parts = { router: this.#router, events, sessions: this.#sessions, now: login.now, log }
    const installed = new InstalledFeatures(features, parts)
    events.on('bound', ({ account, credential }) => {
      if (certificateOf(credential) !== undefined) this.#accounts.holders.note(account)
    })
    events.on('ended', ({ jid }) => this.#router.requests.forget(jid))
    this.#hosts = new StreamHosts({
      authentication: this.#authentication,
      negotiation: new Negotiation(features.flatMap(({ stream = [] }) => stream)),
      binding: this.#sessionBinding(installed),
      lifecycle: this.#lifecycle,
      router: this.#router,
      streams: this.#streams,
      domains: () => this.#served,
      bindInline: installed.bindInline,
      registrar: (remote) => this.#registrar(remote),
      log,
    })
    const refusals = new RefusalLog(log, login.now)
    this.#listeners = new Listeners({
      accept: (connection, door) => this.accept(connection, door),
      refused: (refusal) => refusals.note(refusal),
      failed: (handshake) => refusals.noteHandshake(handshake),
    })
  }

  /** Starts all listeners, or none. Errors: `IO` when an address cannot be had. */
  static async start(options: ServerOptions): Promise<XmppServer> {
    const server = new XmppServer(options)
    await server.#listeners.become(listenerOptions(options), () => undefined)
    return server
  }

  /**
   * Takes up other certificates, CAs, listeners and rules, all of them, or none when it throws; log and ledger stay.
   * They hold for every handshake and login from then on. Sessions that they do not allow are ended, the others stay.
   * @throws {XmppkiError} IO when an address cannot be had; what is wrong with keys and certificates
   */
  async update(options: ServerOptions): Promise<void> {
    await this.#listeners.become(listenerOptions(options), () => {
      const domains = domainsOf(options)
      this.#options = options
      this.#served = new Set(domains)
      this.#router.serve(domains)
      this.#authentication.update(options)
    })
    for (const session of this.#sessions.all()) {
      if (!this.#served.has(session.jid.domain)) this.#lifecycle.close(session, { condition: 'host-gone' })
    }
    for await (const session of this.#authentication.rejected(() => this.#sessions.all())) {
      // RFC 6120 §4.9.3.16: the client may come back with what is accepted now.
      const text = 'what it has logged in with is not accepted any more'
      this.#lifecycle.close(session, { condition: 'reset', text })
    }
  }

  /** Begins with a client on a connection that has come in somewhere. */
  accept(transport: AttachableTransport, door: StreamDoor): void {
    this.#streams.accept(transport, this.#hosts.of(door))
  }

  /** The ports in the order of the endpoints. */
  get ports(): readonly number[] {
    return this.#listeners.ports
  }

  /** Clients that are online. */
  get online(): number {
    return this.#sessions.size
  }

  /** Who is online, for operators. */
  sessions(): SessionInfo[] {
    return this.#sessions.all().map(({ info }) => info)
  }

  /** Ends the session with this full JID, or all of a bare one. @returns their full JIDs, of those that have one */
  closeSessions(jid: Jid, error: StreamError): string[] {
    const sessions = jid.isBare ? this.#sessions.sessionsOf(jid) : [this.#sessions.session(jid)]
    const found = sessions.filter((session) => session !== undefined)
    for (const session of found) this.#lifecycle.close(session, error)
    // Those as well that have logged in and not bound a resource yet.
    if (jid.isBare) this.#streams.close(error, jid)
    return found.map((session) => session.jid.toString())
  }

  /** Tells every client (RFC 6120 §4.9.3.19) and resolves when they are gone, or after so many milliseconds. */
  async stop(patienceMs = SHUTDOWN_MS): Promise<void> {
    this.#listeners.close()
    this.#authentication.stop()
    this.#streams.close({ condition: 'system-shutdown' })
    await this.#accounts.holders.write()
    await this.#streams.empty(patienceMs)
  }

  #enrolmentService(): EnrolmentService {
    const { login, log } = this.#options
    return new EnrolmentService({
      settings: () => this.#options.enrolments,
      isIssued: (der, sent) => this.#authentication.enrolmentTrust.isIssued(der, sent),
      now: login.now,
      log,
    })
  }

  /** @param forget what features keep of an account */
  #accountService(enrolments: EnrolmentService, forget: (account: Jid) => Promise<void>): AccountService {
    const { login, log } = this.#options
    return new AccountService({
      settings: () => this.#options.passwords,
      now: login.now,
      ledger: login.ledger,
      beforeRemoval: async (account) => {
        const error = await enrolments.endAll(account)
        if (error === undefined) await forget(account)
        return error
      },
      endSessions: (account) => this.closeSessions(account, { condition: 'not-authorized', text: 'account removed' }),
      log,
    })
  }

  #sessionLifecycle(events: SessionEventEmitter): SessionLifecycle {
    return new SessionLifecycle({
      sessions: this.#sessions,
      events,
      undelivered: (stanza, { account }) => this.#router.undelivered(stanza, account),
    })
  }

  #sessionBinding(installed: InstalledFeatures): SessionBinding {
    return new SessionBinding({
      sessions: this.#sessions,
      conflict: () => this.#options.conflict,
      serves: (domain) => this.#served.has(domain),
      close: (session, error) => this.#lifecycle.close(session, error),
      inline: (requests, session) => installed.bind(requests, session),
      leaving: installed.leaving,
      now: () => this.#options.login.now(),
      onFailure: (error, jid) => this.#router.report(error, jid),
    })
  }

  #registrar(remote: string): Registrar | undefined {
    if (!this.#accounts.takesRegistrations) return undefined
    return { register: (domain, wish) => this.#accounts.register(domain, wish, remote) }
  }
}
