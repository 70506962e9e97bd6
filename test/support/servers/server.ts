import { DEFAULT_LIMITS } from '../../../src/server/limits.ts'
import type { Log } from '../../../src/server/log.ts'
import { XmppServer } from '../../../src/server/server.ts'
import type { ServerOptions } from '../../../src/server/server-options.ts'
import { MemoryLedger } from '../../../src/store/memory/ledger.ts'
import { LedgerEnrolmentStore } from '../../../src/store/replicated/ledger-enrolment-store.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { type Credentials, OpensslCa } from '../certificates/certificates.ts'

export interface LogLine {
  readonly level: keyof Log
  readonly message: string
  readonly [fact: string]: unknown
}

/** Keeps what is logged, for tests to read. */
export class LogBook implements Log {
  readonly lines: LogLine[] = []
  debug = this.#writer('debug')
  info = this.#writer('info')
  warn = this.#writer('warn')
  error = this.#writer('error')

  #writer(level: keyof Log): (facts: object, message: string) => void {
    return (facts, message) => this.lines.push({ ...facts, level, message })
  }

  find(message: string): LogLine | undefined {
    return this.lines.find((line) => line.message === message)
  }
}

/** Patience for {@link XmppServer.stop}: a session that is left over keeps the test until its own time limit. */
export const NEVER_MS = 1_000_000

export interface TestServer {
  readonly server: XmppServer
  readonly ca: OpensslCa
  readonly log: LogBook
  readonly ledger: MemoryLedger
  /** What it was started with. */
  readonly options: ServerOptions
  /** STARTTLS */
  readonly port: number
  /** Direct TLS */
  readonly tlsPort: number
  stop(): Promise<void>
}

export type TestServerOptions = Partial<Omit<ServerOptions, 'login' | 'log' | 'enrolments'>> & {
  /** Whether accounts may enrol certificates; default: no. */
  readonly enrolments?: boolean
  readonly login?: Partial<ServerOptions['login']>
  readonly ca?: OpensslCa
  readonly domains?: readonly string[]
}

/** The certificate of a server for these domains. */
function serverCredentials(ca: OpensslCa, domain: string): Credentials {
  return ca.issue({
    subject: `/CN=${domain}`,
    dnsNames: [domain],
    extendedKeyUsage: 'serverAuth',
  })
}

/** A real server on loopback ports of the system's choice, with a CA of its own. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const ca = options.ca ?? new OpensslCa()
  const log = new LogBook()
  const ledger = new MemoryLedger()
  const { domains = ['localhost'], login, ca: _, enrolments = false, ...rest } = options
  const issue = (domain: string) => {
    const { key, cert } = serverCredentials(ca, domain)
    return { domain, key, chain: cert }
  }
  const credentials = rest.credentials ?? domains.map(issue)
  const all: ServerOptions = {
    credentials,
    endpoints: [
      { host: '127.0.0.1', port: 0, mode: 'starttls' },
      { host: '127.0.0.1', port: 0, mode: 'tls' },
    ],
    startTls: 'required',
    conflict: 'replace',
    limits: DEFAULT_LIMITS,
    ...rest,
    login: {
      anchors: new TrustAnchors([ca.credentials.cert]),
      ledger,
      policy: {
        sources: ['xmpp_addr', 'common_name'],
        commonName: { prefix: '', suffix: '' },
      },
      now: () => new Date(),
      ...login,
    },
    ...(enrolments ? { enrolments: { ledger, store: new LedgerEnrolmentStore(ledger), actor: undefined } } : {}),
    log,
  }
  const server = await XmppServer.start(all)
  const [port = 0, tlsPort = 0] = server.ports
  const stop = async () => {
    await server.stop()
    if (options.ca === undefined) ca.remove()
  }
  return { server, ca, log, ledger, options: all, port, tlsPort, stop }
}
