import { DEFAULT_MIN_RSA_BITS } from '../pki/key-strength.ts'
import type { Jid } from '../xmpp/address/jid.ts'
import type { StanzaError } from '../xmpp/stanza.ts'
import type { StreamError } from '../xmpp/stream/stream.ts'
import type { Registrar, ResourceRequest } from '../xmpp/stream/stream-feature.ts'
import { type AccountOptions, AccountService } from './accounts/account-service.ts'
import { type EnrolmentOptions, EnrolmentService, isOpen } from './accounts/enrolment-service.ts'
import type { HolderBookOptions } from './accounts/holder-book.ts'
import { FEATURES } from './features/all.ts'
import type { ServerLimits } from './limits.ts'
import type { Log } from './log.ts'
import { CertificateLogin, type CertificateLoginOptions } from './login/certificate-login.ts'
import { CertificateWatch, type CertificateWatchOptions } from './login/certificate-watch.ts'
import { EnrolledLogin } from './login/enrolled-login.ts'
import { EnrolmentTrust } from './login/enrolment-trust.ts'
import { LoginBackoff } from './login/login-backoff.ts'
import { type CertificateUse, Logins } from './login/logins.ts'
import { PasswordLogin } from './login/password-login.ts'
import type { ClientTrust } from './net/client-trust.ts'
import type { Connection } from './net/connection.ts'
import { ALL_METHODS, type Endpoint, listenerOptions, methodsByListener } from './net/endpoint.ts'
import type { DomainCredentials, ListenerOptions } from './net/listener.ts'
import { Listeners } from './net/listeners.ts'
import { RefusalLog } from './net/refusal-log.ts'
import { Router } from './routing/router.ts'
import { generatedJid, wantedJid } from './session/generated-jid.ts'
import { OnlineClient } from './session/session.ts'
import { type OnlineSession, type SessionFacts, sessionFacts } from './session/session-info.ts'
import { type BoundSession, type ConflictPolicy, Directory } from './session/session-registry.ts'
import { Session } from './stream/client-stream.ts'
import type { ClientEnd, SessionHost } from './stream/stream-host.ts'

/** How long shutdown waits for clients to take their leave. */
const SHUTDOWN_MS = 3_000

/** How certificates are judged; the anchors are those of endpoints that say nothing else. */
type LoginOptions = Omit<CertificateLoginOptions, 'log' | 'enrolled' | 'trusts' | 'onPath'> &
  Pick<CertificateWatchOptions, 'ledger'> &
  Pick<HolderBookOptions, 'ledger'> &
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
  /** What certificates are good for; undefined: to log in. */
  readonly certificates?: CertificateUse
  /** Accounts that log in with passwords; without it nobody does. */
  readonly passwords?: AccountOptions
  /** Accounts enrol certificates of their own and log in with them (XEP-0257); without it they cannot. */
  readonly enrolments?: EnrolmentOptions
  readonly log: Log
}

/** The c2s server: listeners, sessions, router and directory under one roof. */
export class XmppServer {
  #options: ServerOptions
  readonly #directory = new Directory()
  readonly #router: Router
  // Maps, not weak ones: the garbage collector pays for each entry of those again and again.
  readonly #sessions = new Map<ClientEnd, Connection>()
  readonly #facts = new Map<BoundSession, SessionFacts>()
  readonly #guard: CertificateWatch
  readonly #login: CertificateLogin
  readonly #enrolmentTrust = new EnrolmentTrust(() => this.#options.login.now())
  readonly #enrolled = new EnrolledLogin({
    minRsaBits: () => this.#options.login.minRsaBits ?? DEFAULT_MIN_RSA_BITS,
    ledger: () => (isOpen(this.#options.enrolments) ? this.#options.enrolments.ledger : undefined),
    revokedVoucher: (chain) => this.#enrolmentTrust.revokedVoucher(chain),
    now: () => this.#options.login.now(),
  })
  readonly #accounts: AccountService
  readonly #logins: Logins
  /** One for each listener, as long as its options hold. */
  readonly #hosts = new WeakMap<ListenerOptions, SessionHost>()
  readonly #listeners = new Listeners({
    accept: (connection, options) => this.#accept(connection, options),
    refused: (refusal) => this.#refusals.note(refusal),
    failed: (handshake) => this.#refusals.noteHandshake(handshake),
  })
  readonly #refusals: RefusalLog
  #served: ReadonlySet<string>
  #methods: ReturnType<typeof methodsByListener>
  #emptied: (() => void) | undefined

  private constructor(options: ServerOptions) {
    this.#options = options
    this.#methods = methodsByListener(options)
    this.#refusals = new RefusalLog(options.log, options.login.now)
    this.#guard = new CertificateWatch({ ...options.login, log: options.log })
    this.#login = new CertificateLogin(this.#loginOptions(options))
    const domains = domainsOf(options)
    this.#served = new Set(domains)
    const enrolments = new EnrolmentService({
      means: () => this.#options.enrolments,
      isIssued: (der, sent) => this.#enrolmentTrust.isIssued(der, sent),
      now: options.login.now,
      log: options.log,
    })
    this.#accounts = this.#accountDesk(options, enrolments)
    this.#logins = this.#allLogins(options)
    const [directory, accounts] = [this.#directory, this.#accounts]
    this.#router = new Router({ directory, domains, features: FEATURES, enrolments, accounts, log: options.log })
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
      this.#methods = methodsByListener(options)
      this.#served = new Set(domains)
      this.#router.serve(domains)
      this.#login.update(this.#loginOptions(options))
    })
    for (const session of this.#directory.all()) {
      if (!this.#served.has(session.jid.domain)) session.close({ condition: 'host-gone' })
    }
    await this.#guard.judgeAll()
    const methodsOf = ({ listener }: BoundSession) => this.#methodsOf(listener)
    for await (const session of this.#logins.rejected(this.#directory.all(), methodsOf)) {
      // RFC 6120 §4.9.3.16: the client may come back with what is accepted now.
      session.close({ condition: 'reset', text: 'what it has logged in with is not accepted any more' })
    }
  }

  #loginOptions(options: ServerOptions): CertificateLoginOptions {
    const trusts = new Map(listenerOptions(options).map(({ name, trust }) => [name, trust]))
    this.#enrolmentTrust.update([...trusts.values()])
    const enrolled = { enrolled: this.#enrolled, onPath: this.#enrolmentTrust.note.bind(this.#enrolmentTrust) }
    return { ...options.login, ...enrolled, trusts, log: options.log }
  }

  /** Of the options it is given only what an update leaves as it is. */
  #accountDesk({ login: { now, ledger }, log }: ServerOptions, enrolments: EnrolmentService): AccountService {
    return new AccountService({
      means: () => this.#options.passwords,
      now,
      ledger,
      beforeRemoval: (account) => enrolments.endAll(account),
      endSessions: (account) => this.closeSessions(account, { condition: 'not-authorized', text: 'account removed' }),
      log,
    })
  }

  #allLogins({ login: { now }, log }: ServerOptions): Logins {
    const backoff = new LoginBackoff(() => now().getTime())
    const rules = () => {
      const { certificates = 'login', passwords } = this.#options
      return { certificates, passwords }
    }
    const passwords = new PasswordLogin({ passwords: () => rules().passwords, backoff, log })
    return new Logins({ certificates: this.#login, passwords, rules, log })
  }

  #registrar(remote: string): Registrar | undefined {
    if (!this.#accounts.takesRegistrations) return undefined
    return { register: (domain, wish) => this.#accounts.register(domain, wish, remote) }
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

  /** Ends the session with this full JID, or all of a bare one. @returns their full JIDs, of those that have one */
  closeSessions(jid: Jid, error: StreamError): string[] {
    const sessions = jid.isBare ? this.#directory.sessionsOf(jid) : [this.#directory.find(jid)]
    const found = sessions.filter((session) => session !== undefined)
    for (const session of found) session.close(error)
    // Those as well that have logged in and not bound a resource yet.
    for (const end of jid.isBare ? [...this.#sessions.keys()] : []) if (end.account?.equals(jid)) end.close(error)
    return found.map((session) => session.jid.toString())
  }

  /** Tells every client (RFC 6120 §4.9.3.19) and resolves when they are gone, or after so many milliseconds. */
  async stop(patienceMs = SHUTDOWN_MS): Promise<void> {
    this.#listeners.close()
    this.#guard.stop()
    for (const session of [...this.#sessions.keys()]) session.close({ condition: 'system-shutdown' })
    await this.#accounts.holders.write()
    if (this.#sessions.size === 0) return
    await new Promise<void>((resolve) => {
      this.#emptied = resolve
      setTimeout(resolve, patienceMs).unref()
    })
  }

  #accept(connection: Connection, options: ListenerOptions): void {
    const host = this.#hosts.get(options) ?? this.#sessionHost(options)
    this.#hosts.set(options, host)
    const session = new Session(host, connection)
    this.#sessions.set(session, connection)
    connection.attach(session)
  }

  /** What changes with an update is looked up at every use. */
  #sessionHost({ name, startTls, limits, trust }: ListenerOptions): SessionHost {
    const options = () => this.#options
    const methods = () => this.#methodsOf(name)
    const logins = this.#logins
    return {
      listener: name,
      startTls,
      get disconnectOnFailure() {
        return trust.disconnectOnFailure && logins.enabled(methods()).has('EXTERNAL')
      },
      limits,
      get defaultDomain() {
        return domainsOf(options())[0] ?? ''
      },
      log: this.#options.log,
      isEnabled: (mechanism) => logins.enabled(methods()).has(mechanism),
      serves: (domain) => this.#served.has(domain),
      mechanisms: (domain, connection) => logins.mechanisms(domain, connection, methods),
      registrar: (remote) => (methods().includes('password') ? this.#registrar(remote) : undefined),
      guard: (session, proof) => this.#guard.watch(session, proof),
      bind: (account, request, end) => this.#bind(account, request, end, name),
      route: (stanza, session) => this.#router.route(stanza, session),
      leave: (session) => {
        this.#directory.remove(session)
        this.#facts.delete(session)
        this.#router.ended(session)
      },
      closed: (session) => {
        this.#guard.forget(session)
        this.#sessions.delete(session)
        if (this.#sessions.size === 0) this.#emptied?.()
      },
    }
  }

  /** Sessions outlive their listener; then what the server takes is all that counts. */
  #methodsOf(listener = '') {
    return this.#methods.get(listener) ?? ALL_METHODS
  }

  #bind(account: Jid, request: ResourceRequest, end: ClientEnd, listener: string): BoundSession | StanzaError {
    if (!this.#served.has(account.domain))
      return { condition: 'not-allowed', text: 'the domain is not served any more' }
    const wanted = wantedJid(account, request)
    if ('condition' in wanted) return wanted
    const holder = this.#directory.find(wanted)
    // XEP-0257 §4: who may bind one resource only must get it.
    const policy = account.resource === undefined ? this.#options.conflict : 'replace'
    if (holder !== undefined && policy === 'refuse') return { condition: 'conflict' }
    if (holder !== undefined && policy === 'replace') holder.close({ condition: 'conflict' })
    const jid = holder !== undefined && policy === 'rename' ? generatedJid(account) : wanted
    const session = new OnlineClient(jid, request.agent, end, listener)
    this.#endLostSessions(session)
    const connection = this.#sessions.get(end)
    if (connection !== undefined) this.#facts.set(session, sessionFacts(connection, end, this.#options.login.now()))
    this.#directory.add(session)
    if (end.proof !== undefined) this.#accounts.holders.note(session.account)
    return session
  }

  /** XEP-0386 §3.2: a client that comes back has no use for the connections that it has lost. */
  #endLostSessions({ account, agent }: OnlineClient): void {
    if (agent === undefined) return
    for (const earlier of this.#directory.sessionsOf(account)) {
      if (earlier.agent === agent) earlier.close({ condition: 'conflict', text: 'the client has connected again' })
    }
  }
}

function domainsOf({ credentials }: ServerOptions): string[] {
  return credentials.map(({ domain }) => domain)
}
