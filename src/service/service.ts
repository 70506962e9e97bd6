import { isDeepStrictEqual } from 'node:util'
import type { Configuration } from '../config/schema.ts'
import { storeUrl } from '../config/store-url.ts'
import { XmppkiError } from '../errors.ts'
import { XmppServer } from '../server/server.ts'
import type { ServerOptions } from '../server/server-options.ts'
import type { Accounts } from '../store/accounts.ts'
import { currentActor } from '../workspace/base/audit-events.ts'
import { settleUnfinished } from '../workspace/base/unfinished.ts'
import type { IssuerSource, Workspace } from '../workspace/base/workspace.ts'
import { AccountStore } from './account-store.ts'
import type { AdminSocket } from './admin/admin-socket.ts'
import { startAdministration } from './admin/administration.ts'
import type { LeveledLog } from './logger.ts'
import { LoginRecorder } from './login-recorder.ts'
import { accountMeans, certificateUse } from './login-settings.ts'
import type { PkiHttp } from './publishing/pki-http.ts'
import { startPublishing } from './publishing/publishing.ts'
import { Reloader } from './reload/reload.ts'
import { watchedFiles } from './reload/watched-files.ts'
import { RenewalScheduler } from './renewal-scheduler.ts'
import { readServerSettings } from './server-settings.ts'
import { DatabaseSharing } from './sharing/database-sharing.ts'
import { CrlFiles, type ReadLists } from './trust/crl-files.ts'
import { KeptCrls } from './trust/kept-crls.ts'

export interface ServiceOptions {
  /** Listeners, domains and what certificates may do. */
  readonly configuration: Configuration
  readonly issuer: IssuerSource
  /** For what is renewed while nobody is there: must not ask anybody. A new one for every round. */
  readonly renewalIssuer: () => IssuerSource
  readonly log: LeveledLog
  /** Undefined: what is read at the start holds to the end. */
  readonly reload?: ReloadSource
}

/** Where the configuration comes from at a reload. */
export interface ReloadSource {
  /** @throws {XmppkiError} what is wrong with it */
  readonly configuration: () => Configuration
  /** Absolute path of its file, which may be missing. */
  readonly file: string
}

/** An address that clients can connect to. */
export interface ServiceListener {
  readonly mode: 'starttls' | 'tls'
  readonly host: string
  /** The real one, also where the system chose it. */
  readonly port: number
}

/** A running server and where to reach it. */
export interface Service {
  readonly domains: readonly string[]
  /** As in the configuration. */
  readonly listeners: readonly ServiceListener[]
  /** Where CRLs, CA certificates and OCSP are; undefined when nothing is published. */
  readonly http: { readonly host: string; readonly port: number } | undefined
  /**
   * Takes up configuration, certificates and CAs as they are now; all of it or, with a line in the log, nothing.
   * Connections stay as far as they are still allowed. Does nothing without a {@link ReloadSource}.
   */
  reload(): Promise<void>
  /** Tells every client and resolves when they are gone; the last logins are written down. */
  stop(): Promise<void>
}

/** The first listener of a kind. */
export function listenerOf({ listeners }: Pick<Service, 'listeners'>, mode: 'starttls' | 'tls') {
  return listeners.find((listener) => listener.mode === mode)
}

/**
 * Starts the server on a workspace: its certificates, its CA as trust anchor, its ledger for what is revoked.
 * @throws {XmppkiError} NOT_FOUND without a CA, BAD_INPUT about a CA file, PASSPHRASE, IO, CORRUPT
 */
export async function startService(workspace: Workspace, options: ServiceOptions): Promise<Service> {
  const service = new RunningService(workspace, options)
  await service.start()
  return service
}

/** Everything that runs, and what it was made from. */
class RunningService implements Service {
  readonly #workspace: Workspace
  readonly #options: ServiceOptions
  readonly #renewals: RenewalScheduler
  readonly #logins: LoginRecorder
  readonly #crlFiles: CrlFiles
  readonly #accounts: AccountStore
  readonly #sharing: DatabaseSharing
  readonly #reloader: Reloader | undefined
  #configuration: Configuration
  #server: XmppServer | undefined
  #http: PkiHttp | undefined
  #admin: AdminSocket | undefined

  constructor(workspace: Workspace, options: ServiceOptions) {
    const { configuration, renewalIssuer: issuer, reload, log } = options
    this.#workspace = workspace
    this.#options = options
    this.#configuration = configuration
    this.#renewals = new RenewalScheduler(workspace, { issuer, publishing: () => this.#published !== undefined, log })
    const ledger = workspace.watchLedger((absence) => reportLedger(log, absence))
    this.#logins = new LoginRecorder(ledger, log)
    this.#crlFiles = new CrlFiles(log, new KeptCrls(workspace.paths.keptCrls, log))
    this.#accounts = new AccountStore(workspace.paths.accounts, log)
    this.#sharing = new DatabaseSharing(ledger, workspace.paths, log)
    this.#reloader = reload && this.#newReloader(reload)
  }

  get domains(): readonly string[] {
    return this.#configuration.general.hosts
  }

  get listeners(): readonly ServiceListener[] {
    const ports = this.#server?.ports ?? []
    return this.#configuration.listen.c2s.map(({ ip_address: host, port, tls }, index) => {
      return { mode: tls.mode === 'tls' ? 'tls' : 'starttls', host, port: ports[index] ?? port }
    })
  }

  get http(): Service['http'] {
    const { http } = this.#configuration.listen
    return http && this.#http && { host: http.ip_address, port: this.#http.port }
  }

  get #published() {
    return this.#configuration.listen.http
  }

  async start(): Promise<void> {
    const { issuer, log } = this.#options
    this.#settle()
    this.#reloader?.mark()
    try {
      const { accounts, take } = await this.#accounts.prepare(this.#configuration)
      await take()
      await this.#sharing.use(storeUrl(this.#configuration))
      const { server, lists } = await this.#prepare(this.#configuration, { issuer, accounts })
      this.#server = await XmppServer.start(server)
      await lists.take()
      this.#http = await this.#startHttp(this.#configuration)
      await this.#renewals.start()
      this.#admin = await startAdministration(this.#server, this.#workspace.paths, this, log)
      this.#sharing.keep()
      this.#reloader?.start()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async reload(): Promise<void> {
    await this.#reloader?.reload()
  }

  async stop(): Promise<void> {
    await this.#reloader?.stop()
    await this.#admin?.close()
    await Promise.all([this.#server?.stop(), this.#http?.stop()])
    await this.#renewals.stop()
    await this.#logins.stop()
    await this.#accounts.close()
    await this.#sharing.stop()
  }

  #newReloader({ configuration, file }: ReloadSource): Reloader {
    return new Reloader({
      files: () => watchedFiles(this.#workspace, this.#configuration, file),
      watch: this.#sharing.watch,
      reload: () => this.#takeUp(configuration()),
      log: this.#options.log,
    })
  }

  /** A command that was killed may have moved a CA away. What cannot be put right now keeps nobody else from logging in. */
  #settle(): void {
    const { log } = this.#options
    const { paths } = this.#workspace
    try {
      const wasUnfinished = settleUnfinished(this.#workspace.ledger(), paths.temporary)
      if (wasUnfinished) log.info({}, 'finished or undone what a killed command had left half done')
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      log.warn({ error: error.message, hint: error.hint }, 'what a killed command has left half done stays so for now')
    }
  }

  /** All or nothing: what may fail comes first. */
  async #takeUp(next: Configuration): Promise<void> {
    const { renewalIssuer, log } = this.#options
    this.#settle()
    const isNew = (host: string) => !this.domains.includes(host)
    const issuer = next.general.hosts.some(isNew) ? renewalIssuer() : noIssuer
    const url = storeUrl(next)
    const shared = this.#sharing.url
    const isSame = isDeepStrictEqual(next.listen.http, this.#published)
    const { accounts, take, giveBack } = await this.#accounts.prepare(next)
    let opened: PkiHttp | undefined
    try {
      const { server, lists } = await this.#prepare(next, { issuer, accounts })
      await this.#sharing.use(url)
      opened = isSame ? undefined : await this.#startHttp(next)
      await this.#server?.update(server)
      await lists.take()
    } catch (error) {
      await opened?.stop()
      await giveBack()
      await this.#sharing.use(shared)
      throw error
    }
    await take()
    this.#sharing.keep()
    this.#configuration = next
    log.level = next.general.loglevel
    if (isSame) return
    await this.#http?.stop()
    this.#http = opened
    await this.#renewals.look()
  }

  async #prepare(
    configuration: Configuration,
    { issuer, accounts }: { readonly issuer: IssuerSource; readonly accounts: Accounts | undefined },
  ): Promise<{ readonly server: ServerOptions; readonly lists: ReadLists }> {
    const { anchors, policy, minRsaBits, lists, ...settings } = await readServerSettings(
      this.#workspace,
      configuration,
      {
        issuer,
        crlFiles: this.#crlFiles,
      },
    )
    const server: ServerOptions = {
      ...settings,
      login: {
        anchors,
        ledger: this.#sharing.ledger,
        watch: this.#sharing.watch,
        policy,
        minRsaBits,
        now: () => new Date(),
        onLogin: (certificate, at) => this.#logins.note(certificate, at),
      },
      certificates: certificateUse(configuration),
      ...(accounts === undefined ? {} : { passwords: accountMeans(configuration, accounts) }),
      enrolments: {
        ledger: this.#sharing.ledger,
        store: this.#sharing.enrolments,
        actor: currentActor(),
        isClosed: !configuration.auth.certificate_enrolment,
      },
      log: this.#options.log,
    }
    return { server, lists }
  }

  async #startHttp({ listen: { http } }: Configuration): Promise<PkiHttp | undefined> {
    if (http === undefined) return undefined
    return startPublishing(this.#workspace, { host: http.ip_address, port: http.port, log: this.#options.log })
  }
}

function reportLedger(log: LeveledLog, absence: XmppkiError | undefined): void {
  if (absence === undefined) {
    log.warn({}, 'another file has become the ledger: sessions are judged by that from now on')
    return
  }
  log.error({ check: 'no-ledger', error: absence.message, hint: absence.hint }, 'no certificate is accepted for now')
}

/** A certificate that is moved away is about to be replaced by whoever does that, and two replacements are one too many. */
const noIssuer: IssuerSource = () => {
  throw new XmppkiError('NOT_FOUND', 'it was there when the server was started')
}

/** Resolves with the name of the signal that asks the process to stop. */
export function stopSignal(): Promise<'SIGINT' | 'SIGTERM'> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve('SIGINT'))
    process.once('SIGTERM', () => resolve('SIGTERM'))
  })
}
