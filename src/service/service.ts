import { readFileSync } from 'node:fs'
import { XmppkiError } from '../errors.ts'
import { TrustAnchors } from '../pki/chain.ts'
import type { ConflictPolicy } from '../server/directory.ts'
import { DEFAULT_LIMITS } from '../server/limits.ts'
import type { Log } from '../server/log.ts'
import { XmppServer } from '../server/server.ts'
import type { IssuerSource, Workspace } from '../workspace/workspace.ts'
import type { ExternalPolicy } from '../xmpp/sasl/external.ts'
import { domainCredentials } from './domain-credentials.ts'

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
  readonly log: Log
}

/** A running server and where to reach it. */
export interface Service {
  readonly domains: readonly string[]
  readonly host: string
  readonly port: number
  readonly tlsPort: number
  readonly server: XmppServer
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
    },
    log: options.log,
  })
  const [port = 0, tlsPort = 0] = server.ports
  return { domains, host, port, tlsPort, server }
}

/** Resolves with the name of the signal that asks the process to stop. */
export function stopSignal(): Promise<'SIGINT' | 'SIGTERM'> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve('SIGINT'))
    process.once('SIGTERM', () => resolve('SIGTERM'))
  })
}
