import { randomBytes } from 'node:crypto'
import type { Jid } from '../xmpp/jid.ts'
import type { StanzaError } from '../xmpp/stanza.ts'
import type { StreamError } from '../xmpp/stream.ts'
import { CertificateLogin, type CertificateLoginOptions } from './certificate-login.ts'
import type { Connection } from './connection.ts'
import { type BoundSession, type ConflictPolicy, Directory } from './directory.ts'
import { FEATURES } from './features/all.ts'
import type { ServerLimits } from './limits.ts'
import { type DomainCredentials, type Listener, listen } from './listener.ts'
import type { Log } from './log.ts'
import { Router } from './router.ts'
import { type ClientEnd, Session, type SessionHost } from './session.ts'

/** How long shutdown waits for clients to take their leave. */
const SHUTDOWN_MS = 3_000

/** Where to listen: a port, 0 for one that the system chooses. */
export interface Endpoint {
  readonly host: string
  readonly port: number
  readonly mode: 'starttls' | 'tls'
}

/** Everything a server is made of; nothing is read from files or the environment. */
export interface ServerOptions {
  /** One for each domain served; the first is the default. */
  readonly credentials: readonly DomainCredentials[]
  readonly endpoints: readonly Endpoint[]
  readonly startTls: 'required' | 'offered'
  readonly conflict: ConflictPolicy
  readonly limits: ServerLimits
  readonly login: Omit<CertificateLoginOptions, 'log'>
  readonly log: Log
}

class OnlineClient implements BoundSession {
  priority: number | undefined
  readonly jid: Jid
  readonly account: Jid
  readonly #end: ClientEnd

  constructor(jid: Jid, end: ClientEnd) {
    this.jid = jid
    this.account = jid.bare()
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
  readonly #options: ServerOptions
  readonly #directory = new Directory()
  readonly #router: Router
  readonly #sessions = new Set<Session>()
  readonly #host: SessionHost
  #listeners: readonly Listener[] = []
  #emptied: (() => void) | undefined

  private constructor(options: ServerOptions) {
    this.#options = options
    const domains = options.credentials.map(({ domain }) => domain)
    this.#router = new Router({ directory: this.#directory, domains, features: FEATURES, log: options.log })
    this.#host = this.#sessionHost(domains)
  }

  /** Starts all listeners, or none. Errors: `IO` when an address cannot be had. */
  static async start(options: ServerOptions): Promise<XmppServer> {
    const server = new XmppServer(options)
    try {
      for (const endpoint of options.endpoints) await server.#listen(endpoint)
    } catch (error) {
      await server.stop()
      throw error
    }
    return server
  }

  /** The ports in the order of the endpoints. */
  get ports(): readonly number[] {
    return this.#listeners.map(({ port }) => port)
  }

  /** Clients that are online. */
  get online(): number {
    return this.#directory.size
  }

  /** Tells every client (RFC 6120 §4.9.3.19) and resolves when they are gone or have had their time. */
  async stop(): Promise<void> {
    for (const listener of this.#listeners) listener.close()
    for (const session of [...this.#sessions]) session.close({ condition: 'system-shutdown' })
    if (this.#sessions.size === 0) return
    await new Promise<void>((resolve) => {
      this.#emptied = resolve
      setTimeout(resolve, SHUTDOWN_MS).unref()
    })
  }

  async #listen(endpoint: Endpoint): Promise<void> {
    const { credentials, limits, login } = this.#options
    const listener = await listen(
      {
        ...endpoint,
        credentials,
        clientCas: login.anchors.pems,
        handshakeMs: limits.negotiationMs,
        outboundBytes: limits.outboundBytes,
        maxConnections: limits.maxConnections,
      },
      (connection) => this.#accept(connection),
    )
    this.#listeners = [...this.#listeners, listener]
  }

  #accept(connection: Connection): void {
    const session = new Session(this.#host, connection)
    this.#sessions.add(session)
    connection.attach(session)
  }

  #sessionHost(domains: readonly string[]): SessionHost {
    const { startTls, limits, log } = this.#options
    const served = new Set(domains)
    const login = new CertificateLogin({ ...this.#options.login, log })
    return {
      startTls,
      limits,
      log,
      defaultDomain: domains[0] ?? '',
      enabledMechanisms: new Set(['EXTERNAL']),
      serves: (domain) => served.has(domain),
      mechanisms: (domain, connection) => login.mechanisms(domain, connection),
      bind: (account, resource, end) => this.#bind(account, resource, end),
      route: (stanza, session) => this.#router.route(stanza, session),
      leave: (session) => {
        this.#directory.remove(session)
        this.#router.ended(session)
      },
      closed: (session) => {
        this.#sessions.delete(session)
        if (this.#sessions.size === 0) this.#emptied?.()
      },
    }
  }

  #bind(account: Jid, resource: string | undefined, end: ClientEnd): BoundSession | StanzaError {
    const wanted = this.#fullJid(account, resource)
    if ('condition' in wanted) return wanted
    const holder = this.#directory.find(wanted)
    // XEP-0257 §4: who may bind one resource only must get it.
    const policy = account.resource === undefined ? this.#options.conflict : 'replace'
    if (holder !== undefined && policy === 'refuse') return { condition: 'conflict' }
    if (holder !== undefined && policy === 'replace') holder.close({ condition: 'conflict' })
    const jid = holder !== undefined && policy === 'rename' ? generatedJid(account) : wanted
    const session = new OnlineClient(jid, end)
    this.#directory.add(session)
    return session
  }

  #fullJid(account: Jid, resource: string | undefined): Jid | StanzaError {
    if (resource === undefined) return generatedJid(account)
    try {
      return account.withResource(resource)
    } catch {
      // RFC 6120 §7.7.2.1
      return { condition: 'bad-request', text: 'the resource cannot be prepared' }
    }
  }
}

/** RFC 6120 §7.6.1: unpredictable, because whoever knows a full JID can send to it without being asked. */
function generatedJid(account: Jid): Jid {
  return account.withResource(randomBytes(9).toString('base64url'))
}
