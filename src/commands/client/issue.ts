import { Args, Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { readCaPassphrase } from '../../cli/ca-passphrase.ts'
import { type NamedClient, parseClientNames, remarksAbout } from '../../cli/client-names.ts'
import { type ErrorDocument, errorDocument } from '../../cli/describe-error.ts'
import {
  caPassphraseFileFlag,
  daysFlag,
  deviceFlag,
  keyTypeFlag,
  namesDomainFlag,
  pathFlag,
  secretFileFlag,
} from '../../cli/flags.ts'
import { columns, day, styled } from '../../cli/output.ts'
import { readSecretFile } from '../../cli/secret.ts'
import { XmppkiError } from '../../errors.ts'
import { keyAlgorithm } from '../../pki/algorithms.ts'
import type { IssuedClient } from '../../workspace/issue-client.ts'
import type { BatchResult } from '../../workspace/issue-clients.ts'

/** The result of `client issue`; passwords stay in their files. */
export interface ClientIssueResult {
  readonly issued: readonly Omit<IssuedClient, 'generatedPassword'>[]
  readonly failed: readonly {
    readonly jid: string
    readonly error: ErrorDocument
  }[]
}

export default class ClientIssue extends XmppkiCommand<ClientIssueResult> {
  static override summary = 'Issue client certificates: key, CSR, certificate and PKCS#12 bundle for each user.'

  static override description = [
    'For each NAME a private key, a certificate signed by the CA of the workspace, and a PKCS#12 bundle with both and the CA certificate, to be imported into an XMPP client. The certificate carries the username as Common Name and the JID as id-on-xmppAddr and rfc822Name.',
    'NAME is a username (alice) or a bare JID (alice@example.org). All names are checked before anything is written; the files of a user appear together or not at all, and existing ones are never overwritten. When one of several users fails the others are still done, and the exit code is 9.',
    'The bundle gets a generated password, shown once and written beside it, unless --p12-password-file gives one.',
    'The passphrase of the CA key comes from --passphrase-file, XMPPKI_CA_PASSPHRASE, or the terminal.',
  ].join('\n\n')

  static override examples = [
    {
      description: 'One user, everything by default:',
      command: '<%= config.bin %> client issue alice',
    },
    {
      description: 'Many users from a script that may run again:',
      command:
        '<%= config.bin %> client issue alice bob carol --if-missing --json --passphrase-file /run/secrets/ca-passphrase',
    },
    {
      description: 'A second device of alice, for an old phone, in a folder of its own:',
      command: '<%= config.bin %> client issue alice@example.org --device phone --p12-compat --out ./handout',
    },
  ]

  static override args = {
    name: Args.string({
      description: 'username or bare JID',
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  }

  static override flags = {
    domain: namesDomainFlag,
    device: deviceFlag({
      summary: 'a further certificate for this device of the user',
      default: '',
    }),
    days: daysFlag({
      summary: 'how long the certificates are valid',
      default: 500,
    }),
    'key-type': keyTypeFlag({
      default: keyAlgorithm('ec:p256'),
      defaultHelp: async () => 'ec:p256',
    }),
    out: pathFlag({
      summary: 'write each user to a folder in here instead of in the workspace',
    }),
    'p12-password-file': secretFileFlag({
      summary: 'file with the password for the bundles of all these users; - reads standard input',
      env: 'XMPPKI_P12_PASSWORD_FILE',
    }),
    'p12-compat': Flags.boolean({
      summary: 'encrypt bundles with 3DES and SHA-1, for old macOS, Android and Windows',
      env: 'XMPPKI_P12_COMPAT',
    }),
    'passphrase-file': caPassphraseFileFlag,
    'if-missing': Flags.boolean({
      summary: 'accept users who already have a certificate',
    }),
  }

  async run(): Promise<ClientIssueResult> {
    const { args, flags } = await this.parse(ClientIssue)
    if (flags['passphrase-file'] === '-' && flags['p12-password-file'] === '-') {
      throw new XmppkiError('USAGE', '--passphrase-file and --p12-password-file cannot both read standard input')
    }
    const { openWorkspace } = await import('../../workspace/workspace.ts')
    const { issueClients } = await import('../../workspace/issue-clients.ts')
    const warn = (text: string) => this.sayWarning(text)
    const workspace = openWorkspace(this.homeOf(flags), { warn })
    try {
      const domain = flags.domain ?? workspace.defaultDomain
      const clients = parseClientNames(args.name, {
        domain,
        explicit: flags.domain !== undefined,
      })
      this.#remark(clients)
      const issuer = workspace.issuerSource(() => readCaPassphrase({ file: flags['passphrase-file'], warn }))
      const result = await issueClients(workspace, {
        ...(await this.#bundleOptions(flags)),
        ...(flags.out === undefined ? {} : { out: flags.out }),
        jids: clients.map(({ jid }) => jid),
        device: flags.device,
        days: flags.days,
        algorithm: flags['key-type'],
        ifMissing: flags['if-missing'],
        issuer,
        onProgress: (jid, done) => this.#progress(jid.toString(), done, clients.length),
      })
      return this.#finish(result)
    } finally {
      workspace.close()
    }
  }

  async #bundleOptions(flags: { 'p12-password-file': string | undefined; 'p12-compat': boolean }) {
    const p12Format = flags['p12-compat'] ? ('compat' as const) : ('modern' as const)
    const file = flags['p12-password-file']
    if (file === undefined) return { p12Format }
    const warn = (text: string) => this.sayWarning(text)
    return {
      p12Format,
      p12Password: await readSecretFile(file, {
        label: 'password of the bundles',
        flag: '--p12-password-file',
        warn,
      }),
    }
  }

  #remark(clients: readonly NamedClient[]): void {
    for (const remark of clients.flatMap(remarksAbout)) this.say(`note: ${remark}`)
  }

  #progress(jid: string, done: number, total: number): void {
    if (total > 1 && process.stderr.isTTY)
      this.say(styled('dim', `issuing ${jid} (${done + 1} of ${total})`, process.stderr))
  }

  #finish({ issued, failed }: BatchResult): ClientIssueResult {
    const show = () => {
      for (const client of issued) this.#show(client)
    }
    this.reportBatch(failed, { count: issued.length, things: 'users', show })
    return {
      issued: issued.map(({ generatedPassword: _secret, ...rest }) => rest),
      failed: failed.map(({ jid, error }) => ({
        jid: jid.toString(),
        error: errorDocument(error),
      })),
    }
  }

  #show({ jid, device, created, directory, files, notAfter, generatedPassword }: IssuedClient): void {
    const name = device === '' ? jid : `${jid} (${device})`
    if (!created) {
      this.log(`${styled('bold', name)} already has a certificate until ${day(notAfter)}: ${directory}`)
      return
    }
    this.log(styled('bold', name))
    const password: [string, string][] =
      generatedPassword === undefined ? [] : [['password', `${generatedPassword} (also in ${files.p12Password})`]]
    const rows = columns([
      ['bundle', files.p12],
      ...password,
      ['certificate', files.certificate],
      ['private key', files.key],
      ['valid until', day(notAfter)],
    ])
    for (const row of rows) this.log(row)
  }
}
