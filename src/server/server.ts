import type { Jid } from '../xmpp/jid.ts'
import type { StanzaError } from '../xmpp/stanza.ts'
import type { StreamError } from '../xmpp/stream.ts'
import type { ResourceRequest } from '../xmpp/stream-feature.ts'
import { CertificateLogin, type CertificateLoginOptions } from './certificate-login.ts'
import { type ClientTrust, plainTrust } from './client-trust.ts'
import type { Connection } from './connection.ts'
import { type BoundSession, type ConflictPolicy, Directory } from './directory.ts'
import { EnrolledLogin } from './enrolled-login.ts'
import { EnrolmentDesk, type EnrolmentMeans } from './enrolment-desk.ts'
import { FEATURES } from './features/all.ts'
import { generatedJid } from './generated-jid.ts'
import type { ServerLimits } from './limits.ts'
import { DEFAULT_TLS, type DomainCredentials, type ListenerOptions } from './listener.ts'
import { Listeners } from './listeners.ts'
import type { Log } from './log.ts'
import { type OnlineSession, type SessionFacts, sessionFacts } from './online.ts'
import { Router } from './router.ts'
import { Session } from './session.ts'
import { type LoginProof, SessionGuard, type SessionGuardOptions } from './session-guard.ts'
import type { ClientEnd, SessionHost } from './session-host.ts'

/** How long shutdown waits for clients to take their leave. */
const SHUTDOWN_MS = 3_000

/** Where to listen, and what there differs from the rest of the server. */
export type Endpoint = Pick<ListenerOptions, 'host' | 'port' | 'mode'> & Partial<Omit<ListenerOptions, 'name'>>

/** How certificates are judged; the anchors are those of endpoints that say nothing else. */
type LoginOptions = Omit<CertificateLoginOptions, 'log' | 'enrolled' | 'trusts'> &
  Pick<SessionGuardOptions, 'ledger'> &
  Pick<ClientTrust, 'anchors'>

/** Everything a server is made of; nothing is read from files or the environment. */
export interface ServerOptions {
  /** One for each domain served; the first is the default. */
  readonly credentials: readonly DomainCredentials[]
  readonly endpoints: readonly Endpoint[]
  readonly startTls: 'required' | 'offered'
  readonly conflict: ConflictPolicy
  readonly limits: ServerLimits
  readonly login: LoginOptions
  /** Accounts enrol certificates of their own and log in with them (XEP-0257); without it they cannot. */
  readonly enrolments?: EnrolmentMeans
  readonly log: Log
}

class OnlineClient implements BoundSession {
  priority: number | undefined
  readonly jid: Jid
  readonly account: Jid
  readonly agent: string | undefined
  readonly proof: LoginProof | undefined
  readonly #end: ClientEnd

  constructor(jid: Jid, agent: string | undefined, end: ClientEnd) {
    this.jid = jid
    this.account = jid.bare()
    this.agent = agent
    this.proof = end.proof
    this.#end = end
  }

  deliver(stanza: string): void {
    this.#end.deliver(stanza)
  }

  close(error: StreamError): void {
    this.#end.close(error)
  }
}

/** The c2s server: listeners, sessions, router and directory under one roof. */
export class XmppServer {
  #options: ServerOptions
  readonly #directory = new Directory()
  readonly #router: Router
  readonly #sessions = new Set<ClientEnd>()
  readonly #connections = new WeakMap<ClientEnd, Connection>()
  readonly #facts = new WeakMap<BoundSession, SessionFacts>()
  readonly #guard: SessionGuard
  readonly #login: CertificateLogin
  readonly #enrolled = new EnrolledLogin({
    ledger: () => this.#options.enrolments?.ledger,
    now: () => this.#options.login.now(),
  })
  /** One for each listener, as long as its options hold. */
  readonly #hosts = new WeakMap<ListenerOptions, SessionHost>()
  readonly #listeners = new Listeners((connection, options) => this.#accept(connection, options))
  #served: ReadonlySet<string>
  #emptied: (() => void) | undefined

  private constructor(options: ServerOptions) {
    this.#options = options
    this.#guard = new SessionGuard({ ...options.login, log: options.log })
    this.#login = new CertificateLogin(this.#loginOptions(options))
    const domains = domainsOf(options)
    this.#served = new Set(domains)
    const enrolments = new EnrolmentDesk({
      means: () => this.#options.enrolments,
      isIssued: (der) => this.#login.isIssued(der),
      now: options.login.now,
      log: options.log,
    })
    const directory = this.#directory
    this.#router = new Router({ directory, domains, features: FEATURES, enrolments, log: options.log })
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
      this.#login.update(this.#loginOptions(options))
    })
    for (const session of this.#directory.all()) {
      if (!this.#served.has(session.jid.domain)) session.close({ condition: 'host-gone' })
    }
    await this.#guard.judgeAll()
  }

  #loginOptions(options: ServerOptions): CertificateLoginOptions {
    const trusts = new Map(listenerOptions(options).map(({ name, trust }) => [name, trust]))
    return { ...options.login, trusts, enrolled: this.#enrolled, log: options.log }
  }

  /** The ports in the order of the endpoints. */
  get ports(): readonly number[] {
    return this.#listeners.ports
  }

  /** Clients that are online. */
  get online(): number {
    return this.#directory.size
  }

  /** Who is online, for operators. */
  sessions(): OnlineSession[] {
    return this.#directory.all().flatMap((session) => {
      const facts = this.#facts.get(session)
      return facts === undefined ? [] : [{ jid: session.jid.toString(), ...facts }]
    })
  }

  /** Ends the session with this full JID, or all of a bare one. @returns their full JIDs */
  closeSessions(jid: Jid, error: StreamError): string[] {
    const sessions = jid.isBare ? this.#directory.sessionsOf(jid) : [this.#directory.find(jid)]
    const found = sessions.filter((session) => session !== undefined)
    for (const session of found) session.close(error)
    return found.map((session) => session.jid.toString())
  }

  /** Tells every client (RFC 6120 §4.9.3.19) and resolves when they are gone or have had their time. */
  async stop(): Promise<void> {
    this.#listeners.close()
    this.#guard.stop()
    for (const session of [...this.#sessions]) session.close({ condition: 'system-shutdown' })
    if (this.#sessions.size === 0) return
    await new Promise<void>((resolve) => {
      this.#emptied = resolve
      setTimeout(resolve, SHUTDOWN_MS).unref()
    })
  }

  #accept(connection: Connection, options: ListenerOptions): void {
    const host = this.#hosts.get(options) ?? this.#sessionHost(options)
    this.#hosts.set(options, host)
    const session = new Session(host, connection)
    this.#sessions.add(session)
    this.#connections.set(session, connection)
    connection.attach(session)
  }

  /** What changes with an update is looked up at every use. */
  #sessionHost({ name, startTls, limits, trust }: ListenerOptions): SessionHost {
    const options = () => this.#options
    return {
      listener: name,
      startTls,
      disconnectOnFailure: trust.disconnectOnFailure,
      limits,
      get defaultDomain() {
        return domainsOf(options())[0] ?? ''
      },
      log: this.#options.log,
      enabledMechanisms: new Set(['EXTERNAL']),
      serves: (domain) => this.#served.has(domain),
      mechanisms: (domain, connection) => this.#login.mechanisms(domain, connection),
      guard: (session, proof) => this.#guard.watch(session, proof),
      bind: (account, request, end) => this.#bind(account, request, end),
      route: (stanza, session) => this.#router.route(stanza, session),
      leave: (session) => {
        this.#directory.remove(session)
        this.#router.ended(session)
      },
      closed: (session) => {
        this.#guard.forget(session)
        this.#sessions.delete(session)
        if (this.#sessions.size === 0) this.#emptied?.()
      },
    }
  }

  #bind(account: Jid, request: ResourceRequest, end: ClientEnd): BoundSession | StanzaError {
    if (!this.#served.has(account.domain))
      return { condition: 'not-allowed', text: 'the domain is not served any more' }
    const wanted = this.#fullJid(account, request)
    if ('condition' in wanted) return wanted
    const holder = this.#directory.find(wanted)
    // XEP-0257 §4: who may bind one resource only must get it.
    const policy = account.resource === undefined ? this.#options.conflict : 'replace'
    if (holder !== undefined && policy === 'refuse') return { condition: 'conflict' }
    if (holder !== undefined && policy === 'replace') holder.close({ condition: 'conflict' })
    const jid = holder !== undefined && policy === 'rename' ? generatedJid(account) : wanted
    const session = new OnlineClient(jid, request.agent, end)
    this.#endLostSessions(session)
    const connection = this.#connections.get(end)
    if (connection !== undefined)
      this.#facts.set(session, sessionFacts(connection, end.proof, this.#options.login.now()))
    this.#directory.add(session)
    return session
  }

  /** XEP-0386 §3.2: a client that comes back has no use for the connections that it has lost. */
  #endLostSessions({ account, agent }: OnlineClient): void {
    if (agent === undefined) return
    for (const earlier of this.#directory.sessionsOf(account)) {
      if (earlier.agent === agent) earlier.close({ condition: 'conflict', text: 'the client has connected again' })
    }
  }

  #fullJid(account: Jid, { resource, tag }: ResourceRequest): Jid | StanzaError {
    if (resource === undefined) return generatedJid(account, tag)
    try {
      return account.withResource(resource)
    } catch {
      // RFC 6120 §7.7.2.1
      return { condition: 'bad-request', text: 'the resource cannot be prepared' }
    }
  }
}

function domainsOf({ credentials }: ServerOptions): string[] {
  return credentials.map(({ domain }) => domain)
}

function listenerOptions({ endpoints, credentials, startTls, limits, login }: ServerOptions): ListenerOptions[] {
  const common = { credentials, trust: plainTrust(login.anchors), startTls, tls: DEFAULT_TLS, limits }
  const names = new Map<string, number>()
  return endpoints.map((endpoint) => {
    const place = `${endpoint.host}:${endpoint.port}`
    const count = (names.get(place) ?? 0) + 1
    names.set(place, count)
    // Of several with port 0 the first stays the first.
    return { ...common, name: count === 1 ? place : `${place} no. ${count}`, ...endpoint }
  })
}
