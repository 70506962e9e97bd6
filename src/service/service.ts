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
  /** More CAs for client certificates, PEM. */
  readonly clientCas: readonly string[]
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

/**
 * Starts the server on a workspace: its certificates, its CA as trust anchor, its ledger for what is revoked.
 * @throws {XmppkiError} NOT_FOUND without a CA, PASSPHRASE, IO, CORRUPT
 */
export async function startService(workspace: Workspace, options: ServiceOptions): Promise<Service> {
  const { host, domains } = options
  const anchors = new TrustAnchors([workspace.rootCertificatePem(), ...options.clientCas])
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
