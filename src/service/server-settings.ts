import type { C2sConfiguration, Configuration } from '../config/schema.ts'
import { DEFAULT_LIMITS } from '../server/limits.ts'
import type { Endpoint } from '../server/net/endpoint.ts'
import type { DomainCredentials } from '../server/net/listener.ts'
import type { ServerOptions } from '../server/server-options.ts'
import { TrustAnchors } from '../trust/anchors.ts'
import type { CaCertificate } from '../trust/ca-certificate.ts'
import type { IssuerSource, Workspace } from '../workspace/base/workspace.ts'
import type { ExternalPolicy } from '../xmpp/sasl/external.ts'
import { checkRegistration } from './check/registration-check.ts'
import { assertCiphers } from './credentials/ciphers.ts'
import { listenerCredentials } from './credentials/domain-credentials.ts'
import { listenerLimits } from './listener-limits.ts'
import { listenerMethods } from './login-settings.ts'
import type { CrlFiles, ReadLists } from './trust/crl-files.ts'
import { type ListenerCas, listenerTrust, readListenerCas } from './trust/listener-trust.ts'

/** What a server takes from the configuration and the workspace, and takes up anew at a reload. */
export interface ServerSettings extends Pick<ServerOptions, 'credentials' | 'startTls' | 'conflict' | 'limits'> {
  /** In the order of the configuration. */
  readonly endpoints: readonly Endpoint[]
  readonly anchors: TrustAnchors
  readonly policy: ExternalPolicy
  /** Bits that an RSA key must have. */
  readonly minRsaBits: number
  /** To be taken when the settings are in force. */
  readonly lists: ReadLists
}

/** Where what is not in the configuration itself comes from. */
interface SettingsSources {
  readonly issuer: IssuerSource
  readonly crlFiles: CrlFiles
}

/**
 * Reads every file that the configuration names, and the CAs and certificates of the workspace.
 * @throws {XmppkiError} NOT_FOUND without a CA, BAD_INPUT about a file, PASSPHRASE, IO, CORRUPT
 */
export async function readServerSettings(
  workspace: Workspace,
  configuration: Configuration,
  { issuer, crlFiles }: SettingsSources,
): Promise<ServerSettings> {
  const { general, listen, auth } = configuration
  const credentials = await listenerCredentials(workspace, configuration, issuer)
  const own = workspace.authorities().map(({ pem }) => pem)
  const listeners = await Promise.all(
    listen.c2s.map(async (listener, index) => ({
      endpoint: endpointOf(listener, credentials[index] ?? []),
      cas: await readListenerCas(own, listener.tls),
    })),
  )
  const cas = listeners.map((listener) => listener.cas)
  for (const { settings, all, ours } of cas) {
    if (settings.verify_mode !== 'none') checkRegistration(configuration, all, ours)
  }
  const lists = await crlFiles.read(new Set(cas.flatMap((one) => one.crlFiles)), authoritiesOf(cas))
  return {
    credentials: credentials[0] ?? [],
    endpoints: listeners.map((listener) => ({ ...listener.endpoint, trust: listenerTrust(listener.cas, lists) })),
    startTls: 'required',
    conflict: general.resource_conflict,
    limits: DEFAULT_LIMITS,
    anchors: new TrustAnchors(own),
    policy: { sources: auth.sasl_external, commonName: auth.sasl_external_common_name, hosts: general.hosts },
    minRsaBits: auth.pki.min_rsa_bits,
    lists,
  }
}

/** Each once. */
function authoritiesOf(cas: readonly ListenerCas[]): CaCertificate[] {
  return [...new Map(cas.flatMap(({ all }) => all.authorities).map((one) => [one.facts.fingerprint, one])).values()]
}

function endpointOf(listener: C2sConfiguration, credentials: DomainCredentials[]): Endpoint {
  const { ip_address: host, port, tls } = listener
  if (tls.ciphers !== undefined) assertCiphers(tls.ciphers)
  const methods = listenerMethods(listener)
  return {
    host,
    port,
    ...(methods === undefined ? {} : { methods }),
    mode: tls.mode === 'tls' ? 'tls' : 'starttls',
    startTls: tls.mode === 'starttls' ? 'offered' : 'required',
    credentials,
    tls: {
      minVersion: tls.versions.includes('tlsv1.2') ? 'TLSv1.2' : 'TLSv1.3',
      maxVersion: tls.versions.includes('tlsv1.3') ? 'TLSv1.3' : 'TLSv1.2',
      ciphers: tls.ciphers,
      sessionTickets: tls.session_tickets,
    },
    limits: listenerLimits(listener),
  }
}
