import { XmppkiCommand } from '../cli/base-command.ts'
import { readCaPassphrase, rememberedPassphrases } from '../cli/ca-passphrase.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { caPassphraseFileFlag } from '../cli/flags.ts'
import { columns, styled } from '../cli/output.ts'
import { overridesOf, SERVE_FLAGS } from '../cli/serve-flags.ts'
import type { Service, ServiceListener } from '../service/service.ts'

/** What `--json` prints when the server accepts connections, one line. */
export interface ListeningEvent {
  readonly event: 'listening'
  readonly domains: readonly string[]
  /** Every address for clients, in the order of the configuration. */
  readonly listeners: readonly ServiceListener[]
  /** Of the first listener with STARTTLS, else of the first one. */
  readonly host: string
  /** Null without STARTTLS. */
  readonly port: number | null
  /** Null without direct TLS. */
  readonly tlsPort: number | null
  /** Null when nothing is published over HTTP. */
  readonly httpPort: number | null
  readonly pid: number
}

/** What `--json` prints when it has stopped, one line. */
interface StoppedEvent {
  readonly event: 'stopped'
  readonly signal: string
}

const NAMES = { starttls: 'STARTTLS', tls: 'direct TLS' } as const

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
    'What the flags cannot say, several listeners among it, stands in `xmppki.toml` in the folder of the workspace, or ' +
      'in the file of --config. A flag wins over its environment variable, that over the file, the file over the ' +
      'default; `config show` prints what holds.',
    'On SIGHUP, and by itself when one of the files changes, it takes up configuration, certificates and CAs anew, ' +
      'without ending a session that is still allowed. When something is wrong with them everything stays as it was, ' +
      'and the log says why. Sessions whose certificate is revoked, has expired or is no longer trusted end within a second.',
    'Logs are JSON, one object a line, on standard error. SIGTERM and SIGINT end all streams and the process, ' +
      'exit code 0.',
    'Only this machine can connect unless --host says otherwise.',
    exitCodes({
      DONE: 'stopped by a signal',
      NOT_FOUND: 'there is no CA, or no such file',
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

  static override flags = { ...SERVE_FLAGS, 'passphrase-file': caPassphraseFileFlag }

  async run(): Promise<StoppedEvent> {
    const { flags } = await this.parse(Serve)
    const { openWorkspace } = await import('../workspace/base/workspace.ts')
    const { configurationPath, loadConfiguration } = await import('../config/load.ts')
    const { startService, stopSignal } = await import('../service/service.ts')
    const { keepYoungGenerationSmall } = await import('../service/young-generation.ts')
    const { createLog } = await import('../service/logger.ts')
    keepYoungGenerationSmall()
    const warn = (text: string) => this.sayWarning(text)
    const passphrase = rememberedPassphrases((key, terminal) =>
      readCaPassphrase({ key, file: flags['passphrase-file'], terminal, warn }),
    )
    const workspace = openWorkspace(this.homeOf(flags), { warn })
    try {
      const stopped = stopSignal()
      let service: Service | undefined
      // Before anything is read: from now on the signal does not end the process any more.
      process.on('SIGHUP', () => void service?.reload())
      const read = () =>
        loadConfiguration(
          {
            file: flags.config,
            home: workspace.paths.home,
            overrides: overridesOf(flags, this.argv),
            defaultHost: workspace.defaultDomain,
          },
          warn,
        )
      const configuration = read()
      service = await startService(workspace, {
        configuration,
        issuer: workspace.issuerSource((key) => passphrase(key, true)),
        renewalIssuer: () => workspace.issuerSource((key) => passphrase(key, false)),
        log: createLog(configuration.general.loglevel),
        reload: { configuration: read, file: configurationPath({ file: flags.config, home: workspace.paths.home }) },
      })
      this.#announce(service)
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

  #announce({ domains, listeners, http }: Service): void {
    const first = (wanted: ServiceListener['mode']) => listeners.find(({ mode }) => mode === wanted)
    const [starttls, direct] = [first('starttls'), first('tls')]
    const event: ListeningEvent = {
      event: 'listening',
      domains,
      listeners,
      host: (starttls ?? listeners[0])?.host ?? '',
      port: starttls?.port ?? null,
      tlsPort: direct?.port ?? null,
      httpPort: http?.port ?? null,
      pid: process.pid,
    }
    if (this.jsonEnabled()) this.logJson(event)
    this.log(`serving ${styled('bold', domains.join(', '))}; stop with Ctrl-C or SIGTERM`)
    const rows = columns([
      ...listeners.map(({ mode, host, port }) => [NAMES[mode], `${host}:${port}`] as const),
      ...(http === undefined ? [] : ([['CRL and OCSP', `http://${http.host}:${http.port}`]] as const)),
    ])
    for (const row of rows) this.log(row)
  }
}
