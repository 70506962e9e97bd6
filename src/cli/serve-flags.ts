import { Flags, type Interfaces } from '@oclif/core'
import type { Origin } from '../config/origin.ts'
import type { Override } from '../config/overrides.ts'
import { CONFLICT_POLICIES, LOG_LEVELS } from '../config/schema.ts'
import { XmppkiError } from '../errors.ts'
import { EXTERNAL_SOURCES, type ExternalSource } from '../xmpp/sasl/external.ts'
import { isGiven } from './environment.ts'
import { domainFlag, pathFlag, portFlag } from './flags.ts'

/** MongooseIM calls the same source `standard`. */
function parseSource(text: string): ExternalSource {
  const source = EXTERNAL_SOURCES.find((name) => name === (text === 'standard' ? 'xmpp_addr' : text))
  if (source !== undefined) return source
  throw new XmppkiError('USAGE', `--sasl-external: unknown source '${text}'`, {
    hint: `choose from ${EXTERNAL_SOURCES.join(', ')}`,
  })
}

const sourceFlag = Flags.custom<ExternalSource>({
  helpValue: 'SOURCE',
  parse: async (text) => parseSource(text),
})

export const configFlag = pathFlag({
  summary: 'configuration (default: xmppki.toml in the folder of the workspace, if it is there)',
  helpValue: 'FILE',
  env: 'XMPPKI_CONFIG',
})

/** What says where accounts and shared revocations are, to `serve` and to those who change them. */
export const STORE_FLAGS = {
  config: configFlag,
  'store-url-file': pathFlag({
    summary:
      'file whose first line is the URL of a PostgreSQL database for accounts, enrolled certificates and revocations (default: the workspace)',
    helpValue: 'FILE',
    env: 'XMPPKI_STORE_URL_FILE',
  }),
}

/** What can be said on the command line instead of in `xmppki.toml`. Defaults are those of the configuration. */
export const SERVE_FLAGS = {
  domain: domainFlag({
    summary: 'domain to serve (default: that of the workspace)',
    description: 'Can be given several times; clients choose by SNI and by the "to" of their stream.',
    multiple: true,
    multipleNonGreedy: true,
    env: 'XMPPKI_SERVE_DOMAIN',
  }),
  host: Flags.string({
    summary: 'address to listen on; :: is every address (default: 127.0.0.1)',
    helpValue: 'ADDRESS',
    env: 'XMPPKI_HOST',
  }),
  port: portFlag({
    summary: 'port for STARTTLS; 0 lets the system choose (default: 5222)',
    env: 'XMPPKI_PORT',
  }),
  'tls-port': portFlag({
    summary: 'port for direct TLS (default: 5223, or 0 with --port 0)',
    env: 'XMPPKI_TLS_PORT',
  }),
  starttls: Flags.option({ options: ['required', 'offered'] as const })({
    summary: 'whether clients on the STARTTLS port must use it (default: required)',
    env: 'XMPPKI_STARTTLS',
  }),
  'client-ca': pathFlag({
    summary: 'PEM file with further CAs whose client certificates are accepted',
    helpValue: 'FILE',
    multiple: true,
    multipleNonGreedy: true,
    env: 'XMPPKI_CLIENT_CA',
  }),
  'http-port': portFlag({
    summary: 'publish CRLs, CA certificates and OCSP over HTTP on this port; 0 lets the system choose',
    env: 'XMPPKI_HTTP_PORT',
  }),
  'http-host': Flags.string({
    summary: 'address for HTTP (default: that of --host)',
    helpValue: 'ADDRESS',
    env: 'XMPPKI_HTTP_HOST',
  }),
  'sasl-external': sourceFlag({
    summary: `where the account name comes from: ${EXTERNAL_SOURCES.join(', ')} (default: xmpp_addr, common_name)`,
    description: 'Can be given several times. The first source that applies to a certificate decides.',
    multiple: true,
    multipleNonGreedy: true,
    env: 'XMPPKI_SASL_EXTERNAL',
  }),
  'common-name-prefix': Flags.string({
    summary: 'put before a Common Name to make the username',
    helpValue: 'TEXT',
    env: 'XMPPKI_COMMON_NAME_PREFIX',
  }),
  'common-name-suffix': Flags.string({
    summary: 'put after a Common Name to make the username',
    helpValue: 'TEXT',
    env: 'XMPPKI_COMMON_NAME_SUFFIX',
  }),
  'resource-conflict': Flags.option({ options: CONFLICT_POLICIES })({
    summary: 'what happens when a resource is already in use (default: replace)',
    description: 'replace ends the older session, refuse keeps it, rename gives the newcomer another resource.',
    env: 'XMPPKI_RESOURCE_CONFLICT',
  }),
  ...STORE_FLAGS,
  'log-level': Flags.option({ options: LOG_LEVELS })({
    summary: 'least severity that is logged (default: info)',
    env: 'XMPPKI_LOG_LEVEL',
  }),
}

type FlagName = keyof typeof SERVE_FLAGS

/** What the parser makes of {@link SERVE_FLAGS}. */
export type ServeFlagValues = Partial<Interfaces.InferredFlags<typeof SERVE_FLAGS>>

/** A flag, and the key that it sets: from the top, or in every listener of a kind. */
interface Target {
  readonly flag: FlagName
  readonly path: readonly string[]
  readonly listeners?: NonNullable<Override['listeners']>
}

const TARGETS: readonly Target[] = [
  { flag: 'domain', path: ['general', 'hosts'] },
  { flag: 'log-level', path: ['general', 'loglevel'] },
  { flag: 'resource-conflict', path: ['general', 'resource_conflict'] },
  { flag: 'sasl-external', path: ['auth', 'sasl_external'] },
  { flag: 'common-name-prefix', path: ['auth', 'sasl_external_common_name', 'prefix'] },
  { flag: 'common-name-suffix', path: ['auth', 'sasl_external_common_name', 'suffix'] },
  { flag: 'store-url-file', path: ['store', 'url_file'] },
  { flag: 'host', path: ['ip_address'], listeners: 'all' },
  { flag: 'port', path: ['port'], listeners: 'starttls' },
  { flag: 'tls-port', path: ['port'], listeners: 'tls' },
  { flag: 'client-ca', path: ['tls', 'cacertfile'], listeners: 'all' },
  { flag: 'http-port', path: ['listen', 'http', 'port'] },
  { flag: 'http-host', path: ['listen', 'http', 'ip_address'] },
]

/**
 * The configuration that {@link STORE_FLAGS} mean, without flags of `serve` that mean something else in other commands.
 * @param argv the command line
 */
export function storePlace(
  flags: { readonly config?: string | undefined; readonly 'store-url-file'?: string | undefined },
  argv: readonly string[],
): { readonly file: string | undefined; readonly overrides: Override[] } {
  const { config: file, 'store-url-file': urlFile } = flags
  return { file, overrides: urlFile === undefined ? [] : overridesOf({ 'store-url-file': urlFile }, argv) }
}

/** What the flags say, as values of the configuration, each with where it was said. @param argv the command line */
export function overridesOf(flags: ServeFlagValues, argv: readonly string[]): Override[] {
  const originOf = (flag: FlagName): Origin =>
    isGiven(flag, argv)
      ? { from: 'flag', name: `--${flag}` }
      : { from: 'environment', name: String(SERVE_FLAGS[flag].env) }
  const named = TARGETS.flatMap(({ flag, ...target }): Override[] => {
    const value = flags[flag]
    return value === undefined ? [] : [{ ...target, value, origin: originOf(flag) }]
  })
  const { host, starttls } = flags
  const overrides: Override[] = [...named]
  if (starttls !== undefined) {
    const value = starttls === 'required' ? 'starttls_required' : 'starttls'
    overrides.push({ path: ['tls', 'mode'], listeners: 'starttls', value, origin: originOf('starttls') })
  }
  // Whoever leaves one port to the system, in a test, wants no fixed one beside it.
  if (flags.port === 0 && flags['tls-port'] === undefined) {
    overrides.push({ path: ['port'], listeners: 'tls', value: 0, origin: originOf('port'), yields: true })
  }
  if (host !== undefined && flags['http-port'] !== undefined) {
    overrides.push({ path: ['listen', 'http', 'ip_address'], value: host, origin: originOf('host'), yields: true })
  }
  return overrides
}
