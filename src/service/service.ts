import { readFileSync } from 'node:fs'
import { XmppkiError } from '../errors.ts'
import { TrustAnchors } from '../pki/chain.ts'
import type { ConflictPolicy } from '../server/directory.ts'
import { DEFAULT_LIMITS } from '../server/limits.ts'
import type { Log } from '../server/log.ts'
import { XmppServer } from '../server/server.ts'
import type { IssuerSource, Workspace } from '../workspace/workspace.ts'
import type { ExternalPolicy } from '../xmpp/sasl/external.ts'
import { Caretaker } from './caretaker.ts'
import { domainCredentials } from './domain-credentials.ts'
import { LoginRecorder } from './login-recorder.ts'
import { startPublishing } from './publishing.ts'

/** What `serve` and `quickstart` let people choose. */
export interface ServiceOptions {
  readonly domains: readonly string[]
  readonly host: string
  /** STARTTLS; 0 lets the system choose. */
  readonly port: number
  /** Direct TLS (XEP-0368); 0 lets the system choose. */
  readonly tlsPort: number
  readonly startTls: 'required' | 'offered'
  /** PEM files with more CAs for client certificates. */
  readonly clientCaFiles: readonly string[]
  readonly policy: ExternalPolicy
  readonly conflict: ConflictPolicy
  readonly issuer: IssuerSource
  /** For what is renewed while nobody is there: must not ask anybody. A new one for every round. */
  readonly upkeepIssuer: () => IssuerSource
  /** Where CRLs, CA certificates and OCSP are published; undefined: nowhere. Port 0 lets the system choose. */
  readonly http?: { readonly host: string; readonly port: number }
  readonly log: Log
}

/** A running server and where to reach it. */
export interface Service {
  readonly domains: readonly string[]
  readonly host: string
  readonly port: number
  readonly tlsPort: number
  /** Undefined when nothing is published. */
  readonly httpPort: number | undefined
  /** Tells every client and resolves when they are gone; the last logins are written down. */
  stop(): Promise<void>
}

function readCaFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new XmppkiError(code === 'ENOENT' ? 'NOT_FOUND' : 'IO', `cannot read the CA file ${path}: ${code}`, {
      cause: error,
    })
  }
}

/**
 * Starts the server on a workspace: its certificates, its CA as trust anchor, its ledger for what is revoked.
 * @throws {XmppkiError} NOT_FOUND without a CA, BAD_INPUT about a CA file, PASSPHRASE, IO, CORRUPT
 */
export async function startService(workspace: Workspace, options: ServiceOptions): Promise<Service> {
  const { host, domains } = options
  const others = options.clientCaFiles.flatMap((path) => new TrustAnchors([readCaFile(path)], path).pems)
  const anchors = new TrustAnchors([...workspace.authorities().map(({ pem }) => pem), ...others])
  const caretaker = new Caretaker(workspace, {
    issuer: options.upkeepIssuer,
    publishing: options.http !== undefined,
    log: options.log,
  })
  const logins = new LoginRecorder(workspace.ledger(), options.log)
  const server = await XmppServer.start({
    credentials: await domainCredentials(workspace, domains, options.issuer),
    endpoints: [
      { host, port: options.port, mode: 'starttls' },
      { host, port: options.tlsPort, mode: 'tls' },
    ],
    startTls: options.startTls,
    conflict: options.conflict,
    limits: DEFAULT_LIMITS,
    login: {
      anchors,
      ledger: workspace.ledger(),
      policy: options.policy,
      now: () => new Date(),
      onLogin: (serial, at) => logins.note(serial, at),
    },
    log: options.log,
  })
  const http = await startHttp(workspace, server, options)
  await caretaker.start()
  const [port = 0, tlsPort = 0] = server.ports
  const stop = async () => {
    await Promise.all([server.stop(), http?.stop()])
    await caretaker.stop()
    await logins.stop()
  }
  return { domains, host, port, tlsPort, httpPort: http?.port, stop }
}

async function startHttp(workspace: Workspace, server: XmppServer, { http, log }: ServiceOptions) {
  if (http === undefined) return undefined
  try {
    return await startPublishing(workspace, { ...http, log })
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** Resolves with the name of the signal that asks the process to stop. */
export function stopSignal(): Promise<'SIGINT' | 'SIGTERM'> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve('SIGINT'))
    process.once('SIGTERM', () => resolve('SIGTERM'))
  })
}
