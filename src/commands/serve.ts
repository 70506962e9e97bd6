import { Flags } from '@oclif/core'
import { XmppkiCommand } from '../cli/base-command.ts'
import { readCaPassphrase, rememberedPassphrases } from '../cli/ca-passphrase.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { caPassphraseFileFlag, domainFlag, pathFlag, portFlag } from '../cli/flags.ts'
import { columns, styled } from '../cli/output.ts'
import { XmppkiError } from '../errors.ts'
import { CONFLICT_POLICIES } from '../server/directory.ts'
import type { Service } from '../service/service.ts'
import { EXTERNAL_SOURCES, type ExternalSource } from '../xmpp/sasl/external.ts'

/** What `--json` prints when the server accepts connections, one line. */
interface ListeningEvent {
  readonly event: 'listening'
  readonly domains: readonly string[]
  readonly host: string
  readonly port: number
  readonly tlsPort: number
  /** Null when nothing is published over HTTP. */
  readonly httpPort: number | null
  readonly pid: number
}

/** What `--json` prints when it has stopped, one line. */
interface StoppedEvent {
  readonly event: 'stopped'
  readonly signal: string
}

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

export default class Serve extends XmppkiCommand<StoppedEvent> {
  static override summary = 'Serve XMPP logins with client certificates.'

  static override description = [
    'Listens for clients (c2s) with STARTTLS on one port and direct TLS (XEP-0368) on another, asks for a ' +
      'client certificate in the handshake and offers SASL EXTERNAL to those whose certificate the CA of the ' +
      'workspace issued. No accounts need to be created: the certificate names the account, by id-on-xmppAddr or ' +
      'else by its Common Name. Two clients that are logged in can exchange messages, presence and IQs.',
    'A domain without a server certificate gets one from the CA of the workspace; the passphrase of the CA key ' +
      'comes from --passphrase-file, XMPPKI_CA_PASSPHRASE, or the terminal. If it has all its certificates, it ' +
      'needs no key of the CA.',
    'With --http-port it publishes what others need to check certificates: the CRL and the certificate of each CA, and ' +
      'an OCSP responder at /ocsp. `ca url` makes certificates say where. CRLs are renewed before they end, and the ' +
      'certificates that sign OCSP answers as well, as long as the key of the CA can be had without asking: it is not ' +
      'encrypted, or the passphrase comes from a file or the environment.',
    'Logs are JSON, one object a line, on standard error. SIGTERM and SIGINT end all streams and the process, ' +
      'exit code 0.',
    'Only this machine can connect unless --host says otherwise.',
    exitCodes({
      DONE: 'stopped by a signal',
      NOT_FOUND: 'there is no CA',
      PASSPHRASE: 'passphrase missing or wrong',
      CORRUPT: 'files and ledger disagree',
      IO: 'a port is in use, or the operating system refused',
    }),
  ].join('\n\n')

  static override examples = [
    {
      description: 'On this machine, for the domain of the workspace:',
      command: '<%= config.bin %> serve',
    },
    {
      description: 'For everybody, for two domains:',
      command: '<%= config.bin %> serve --host :: --domain example.org --domain example.com',
    },
    {
      description: 'In a script: free ports, announced on standard output as one line of JSON:',
      command: '<%= config.bin %> serve --port 0 --json',
    },
  ]

  static override flags = {
    domain: domainFlag({
      summary: 'domain to serve (default: that of the workspace)',
      description: 'Can be given several times; clients choose by SNI and by the "to" of their stream.',
      multiple: true,
      multipleNonGreedy: true,
      env: 'XMPPKI_SERVE_DOMAIN',
    }),
    host: Flags.string({
      summary: 'address to listen on; :: is every address',
      helpValue: 'ADDRESS',
      default: '127.0.0.1',
      env: 'XMPPKI_HOST',
    }),
    port: portFlag({
      summary: 'port for STARTTLS; 0 lets the system choose',
      default: 5222,
      env: 'XMPPKI_PORT',
    }),
    'tls-port': portFlag({
      summary: 'port for direct TLS (default: 5223, or 0 with --port 0)',
      env: 'XMPPKI_TLS_PORT',
    }),
    starttls: Flags.option({ options: ['required', 'offered'] as const })({
      summary: 'whether clients on the STARTTLS port must use it',
      default: 'required',
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
      dependsOn: ['http-port'],
    }),
    'sasl-external': sourceFlag({
      summary: `where the account name comes from, in this order: ${EXTERNAL_SOURCES.join(', ')}`,
      description: 'Can be given several times. The first source that applies to a certificate decides.',
      multiple: true,
      multipleNonGreedy: true,
      default: [...EXTERNAL_SOURCES],
      env: 'XMPPKI_SASL_EXTERNAL',
    }),
    'common-name-prefix': Flags.string({
      summary: 'put before a Common Name to make the username',
      helpValue: 'TEXT',
      default: '',
      env: 'XMPPKI_COMMON_NAME_PREFIX',
    }),
    'common-name-suffix': Flags.string({
      summary: 'put after a Common Name to make the username',
      helpValue: 'TEXT',
      default: '',
      env: 'XMPPKI_COMMON_NAME_SUFFIX',
    }),
    'resource-conflict': Flags.option({ options: CONFLICT_POLICIES })({
      summary: 'what happens when a resource is already in use',
      description: 'replace ends the older session, refuse keeps it, rename gives the newcomer another resource.',
      default: 'replace',
      env: 'XMPPKI_RESOURCE_CONFLICT',
    }),
    'log-level': Flags.option({
      options: ['debug', 'info', 'warn', 'error', 'silent'] as const,
    })({
      summary: 'least severity that is logged',
      default: 'info',
      env: 'XMPPKI_LOG_LEVEL',
    }),
    'passphrase-file': caPassphraseFileFlag,
  }

  async run(): Promise<StoppedEvent> {
    const { flags } = await this.parse(Serve)
    const { openWorkspace } = await import('../workspace/workspace.ts')
    const { startService, stopSignal } = await import('../service/service.ts')
    const { createLog } = await import('../service/log.ts')
    const warn = (text: string) => this.sayWarning(text)
    const passphrase = rememberedPassphrases((key, terminal) =>
      readCaPassphrase({ key, file: flags['passphrase-file'], terminal, warn }),
    )
    const workspace = openWorkspace(this.homeOf(flags), { warn })
    try {
      const stopped = stopSignal()
      const service = await startService(workspace, {
        domains: flags.domain ?? [workspace.defaultDomain],
        host: flags.host,
        port: flags.port,
        tlsPort: flags['tls-port'] ?? (flags.port === 0 ? 0 : 5223),
        startTls: flags.starttls,
        clientCaFiles: flags['client-ca'] ?? [],
        policy: {
          sources: flags['sasl-external'],
          commonName: {
            prefix: flags['common-name-prefix'],
            suffix: flags['common-name-suffix'],
          },
        },
        conflict: flags['resource-conflict'],
        ...(flags['http-port'] === undefined
          ? {}
          : { http: { host: flags['http-host'] ?? flags.host, port: flags['http-port'] } }),
        issuer: workspace.issuerSource((key) => passphrase(key, true)),
        upkeepIssuer: () => workspace.issuerSource((key) => passphrase(key, false)),
        log: createLog(flags['log-level']),
      })
      this.#announce(service, flags['http-host'] ?? flags.host)
      const signal = await stopped
      await service.stop()
      return { event: 'stopped', signal }
    } finally {
      workspace.close()
    }
  }

  /** With `--json` standard output is a line of JSON for each event, so that a script can read it as it goes. */
  override logJson(event: unknown): void {
    process.stdout.write(`${JSON.stringify(event)}\n`)
  }

  #announce({ domains, host, port, tlsPort, httpPort }: Service, httpHost: string): void {
    const event: ListeningEvent = {
      event: 'listening',
      domains,
      host,
      port,
      tlsPort,
      httpPort: httpPort ?? null,
      pid: process.pid,
    }
    if (this.jsonEnabled()) this.logJson(event)
    this.log(`serving ${styled('bold', domains.join(', '))}; stop with Ctrl-C or SIGTERM`)
    const rows = columns([
      ['STARTTLS', `${host}:${port}`],
      ['direct TLS', `${host}:${tlsPort}`],
      ...(httpPort === undefined ? [] : ([['CRL and OCSP', `http://${httpHost}:${httpPort}`]] as const)),
    ])
    for (const row of rows) this.log(row)
  }
}
