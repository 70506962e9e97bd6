import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Flags } from '@oclif/core'
import { XmppkiCommand } from '../cli/base-command.ts'
import { readCaPassphrase } from '../cli/ca-passphrase.ts'
import { parseClientNames } from '../cli/client-names.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { caPassphraseFileFlag, domainFlag, portFlag } from '../cli/flags.ts'
import { columns, styled } from '../cli/output.ts'
import type { Override } from '../config/overrides.ts'
import { CLIENTS, clientFacts, namesOf } from '../render/client-facts.ts'
import { literal } from '../render/literals.ts'
import { renderTemplate } from '../render/template.ts'
import type { Outfit, Proof } from '../service/quickstart.ts'
import type { Service } from '../service/service.ts'
import type { IssuerSource, Workspace } from '../workspace/base/workspace.ts'
import { parseJid } from '../xmpp/address/jid.ts'

interface QuickstartResult {
  readonly home: string
  readonly host: string
  readonly port: number
  readonly tlsPort: number
  readonly users: readonly { readonly jid: string; readonly directory: string; readonly created: boolean }[]
  readonly proof: Proof
}

interface Settings {
  readonly domain: string | undefined
  readonly users: readonly string[]
  readonly port: number | undefined
  readonly tlsPort: number | undefined
  readonly passphraseFile: string | undefined
  readonly check: boolean
}

function isAddressInUse(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'
}

/** The client whose settings are shown in full. */
const EXAMPLE = clientFacts('poezio')

/** The two listeners, on these ports. */
function portOverrides(port: number, tlsPort: number): Override[] {
  const origin = { from: 'default' } as const
  return [
    { path: ['port'], listeners: 'starttls', value: port, origin },
    { path: ['port'], listeners: 'tls', value: tlsPort, origin },
  ]
}

/** Where both listeners are. */
function placeOf({ listeners }: Service) {
  const portOf = (wanted: string) => listeners.find(({ mode }) => mode === wanted)?.port ?? 0
  return { host: listeners[0]?.host ?? '', port: portOf('starttls'), tlsPort: portOf('tls') }
}

export default class Quickstart extends XmppkiCommand<QuickstartResult> {
  static override summary = 'Make a CA, two users and a running server, and prove that they can log in.'

  static override description = [
    'Makes whatever is missing in a folder of its own: a CA, a server certificate for localhost, and a ' +
      'certificate and PKCS#12 bundle for each user. Then it starts the server on this machine, logs in as each ' +
      'user with the bundle just written, sends a message from the first to the last, and tells how to connect ' +
      'real clients. Repeating it changes nothing that is there.',
    'The key of this CA is NOT encrypted, so that nothing has to be typed. Use "xmppki ca init" for a CA that ' +
      'matters; this one lives in the folder "quickstart" of the data directory, apart from the ordinary ' +
      'workspace.',
    exitCodes({
      DONE: 'proven',
      PASSPHRASE: 'passphrase missing or wrong',
      CORRUPT: 'files and ledger disagree',
      PROOF_FAILED: 'a login failed',
    }),
  ].join('\n\n')

  static override examples = [
    { description: 'See it work, then connect your own client:', command: '<%= config.bin %> quickstart' },
    { description: 'With other users:', command: '<%= config.bin %> quickstart --user romeo --user juliet' },
    { description: 'Prove it and exit, for a CI job:', command: '<%= config.bin %> quickstart --check' },
  ]

  static override flags = {
    user: Flags.string({
      summary: 'username',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
      default: ['alice', 'bob'],
      env: 'XMPPKI_QUICKSTART_USER',
    }),
    domain: domainFlag({
      summary: 'XMPP domain (default: that of the workspace, localhost in a new one)',
      env: 'XMPPKI_QUICKSTART_DOMAIN',
    }),
    port: portFlag({ summary: 'port for STARTTLS (default: 5222, or a free one)', env: 'XMPPKI_PORT' }),
    'tls-port': portFlag({ summary: 'port for direct TLS (default: 5223, or a free one)', env: 'XMPPKI_TLS_PORT' }),
    check: Flags.boolean({ summary: 'exit after the proof: 0 if it holds, 8 if not', env: 'XMPPKI_QUICKSTART_CHECK' }),
    'passphrase-file': caPassphraseFileFlag,
  }

  #told = false

  async run(): Promise<QuickstartResult> {
    const { flags } = await this.parse(Quickstart)
    const home = flags.home ?? join(this.config.dataDir, 'quickstart')
    // Before anything is made: a wrong name must not leave a workspace behind.
    parseClientNames(flags.user, { domain: flags.domain ?? 'localhost', explicit: true })
    const { openWorkspace } = await import('../workspace/base/workspace.ts')
    const { stopSignal } = await import('../service/service.ts')
    const stopped = stopSignal()
    const workspace = openWorkspace(home, { create: true, warn: (text) => this.sayWarning(text) })
    try {
      return await this.#demonstrate(workspace, stopped, {
        domain: flags.domain,
        users: flags.user,
        port: flags.port,
        tlsPort: flags['tls-port'],
        passphraseFile: flags['passphrase-file'],
        check: flags.check,
      })
    } finally {
      workspace.close()
    }
  }

  /** The result goes out as soon as the proof is made, not when the server has been stopped. */
  override logJson(result: unknown): void {
    if (!this.#told) super.logJson(result)
    this.#told = true
  }

  async #demonstrate(workspace: Workspace, stopped: Promise<unknown>, settings: Settings): Promise<QuickstartResult> {
    const { prepareOutfit, prove } = await import('../service/quickstart.ts')
    const warn = (text: string) => this.sayWarning(text)
    const issuer = workspace.issuerSource(() => readCaPassphrase({ file: settings.passphraseFile, warn }))
    const domain = settings.domain ?? (workspace.hasCa ? workspace.defaultDomain : 'localhost')
    const jids = parseClientNames(settings.users, { domain, explicit: true }).map(({ jid }) => jid)
    const outfit = await prepareOutfit(workspace, { domain, jids, issuer })
    const { home } = workspace.paths
    this.#showOutfit(home, outfit)
    const service = await this.#start(workspace, domain, settings, issuer)
    try {
      const proof = await prove(service, outfit, domain)
      this.#showProof(proof)
      const { host, port, tlsPort } = placeOf(service)
      const users = outfit.clients.map(({ jid, directory, created }) => ({ jid, directory, created }))
      const result = { home, host, port, tlsPort, users, proof }
      if (!settings.check) {
        if (this.jsonEnabled()) this.logJson(result)
        await this.#showClients(service, outfit, home)
        await stopped
      }
      return result
    } finally {
      await service.stop()
    }
  }

  /** The usual ports, or free ones where those are taken and none were asked for. */
  async #start(workspace: Workspace, domain: string, settings: Settings, issuer: IssuerSource) {
    const { startService } = await import('../service/service.ts')
    const { createLog } = await import('../service/logger.ts')
    const { loadConfiguration } = await import('../config/load.ts')
    const start = (port: number, tlsPort: number): Promise<Service> =>
      startService(workspace, {
        configuration: loadConfiguration(
          {
            file: undefined,
            // The workspace of a demonstration has no configuration of its own.
            home: undefined,
            overrides: portOverrides(port, tlsPort),
            defaultHost: domain,
          },
          (text) => this.sayWarning(text),
        ),
        issuer,
        renewalIssuer: () =>
          workspace.issuerSource(() =>
            readCaPassphrase({ file: settings.passphraseFile, terminal: false, warn: (text) => this.sayWarning(text) }),
          ),
        log: createLog('warn'),
      })
    try {
      return await start(settings.port ?? 5222, settings.tlsPort ?? 5223)
    } catch (error) {
      if (!isAddressInUse(error) || (settings.port ?? settings.tlsPort) !== undefined) throw error
      this.sayWarning('port 5222 or 5223 is in use; taking free ones')
      return start(0, 0)
    }
  }

  #showOutfit(home: string, { ca, hasOpenKey, server, clients }: Outfit): void {
    const made = (created: boolean) => (created ? 'made now ' : 'was there ')
    this.log(`${styled('bold', 'Workspace')} ${home}`)
    const rows = columns([
      ['CA', `${made(ca.created)} ${ca.files.certificate}`],
      ['server', `${made(server.created)} ${server.files.chain}`],
      ...clients.map(({ jid, created, files }) => [jid, `${made(created)} ${files.p12}`] as const),
    ])
    for (const row of rows) this.log(row)
    const open = `  The key of this CA is ${styled('yellow', 'not encrypted')}: use it to try things out, not for real users.`
    this.log(hasOpenKey ? `${open}\n` : '')
  }

  #showProof({ logins, message }: Proof): void {
    const tick = styled('green', '✓')
    this.log(styled('bold', 'Proof'))
    for (const { jid, mode, tls, milliseconds } of logins) {
      const way = mode === 'tls' ? 'direct TLS' : 'STARTTLS'
      this.log(`  ${tick} ${jid} logged in with SASL EXTERNAL over ${way}, ${tls}, in ${milliseconds.toFixed(0)} ms`)
    }
    this.log(
      `  ${tick} "${message.body}" went from ${message.from} to ${message.to} in ${message.milliseconds.toFixed(1)} ms\n`,
    )
  }

  async #showClients(service: Service, { ca, clients }: Outfit, home: string): Promise<void> {
    const { ClientGuides } = await import('../cli/client-guides.ts')
    const { guideText } = await import('../render/guide-text.ts')
    const { host, port, tlsPort } = placeOf(service)
    const [first] = clients
    if (first === undefined) return
    const setup = { jid: parseJid(first.jid), device: '', address: { host, port }, ca: ca.files.certificate }
    const files = { ...first.files, passwordFile: first.files.p12Password, password: undefined, compat: undefined }
    const guides = new ClientGuides(this.config.root)
    const source = join(this.config.root, 'templates', 'clients', 'connect.txt')
    const values = {
      host,
      port: String(port),
      tlsPort: String(tlsPort),
      jid: first.jid,
      p12: first.files.p12,
      p12Password: first.files.p12Password ?? '',
      certificate: first.files.certificate,
      key: first.files.key,
      ca: ca.files.certificate,
      able: namesOf(CLIENTS.filter(({ credentials }) => credentials !== 'password')),
      unable: namesOf(CLIENTS.filter(({ credentials }) => credentials === 'password')),
      client: EXAMPLE.id,
      user: literal(first.jid, 'sh'),
      home: literal(home, 'sh'),
      hostWord: literal(host, 'sh'),
      settings: guideText(guides.guide(EXAMPLE, { ...setup, files })).trimEnd(),
    }
    this.log(renderTemplate(readFileSync(source, 'utf8'), values, source))
    this.log(`Serving until Ctrl-C.`)
  }
}
