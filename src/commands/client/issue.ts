import { Args, Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { readCaPassphrase } from '../../cli/ca-passphrase.ts'
import { checkFolders, parseClientNames, remarksAbout } from '../../cli/client-names.ts'
import { type ErrorDocument, errorDocument } from '../../cli/describe-error.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import {
  caPassphraseFileFlag,
  daysFlag,
  deviceFlag,
  keyTypeFlag,
  namesDomainFlag,
  pathFlag,
  secretFileFlag,
} from '../../cli/flags.ts'
import { InterruptHandler } from '../../cli/interrupt-handler.ts'
import { type RefusedRow, readListedClients } from '../../cli/listed-clients.ts'
import { ProgressBar } from '../../cli/progress.ts'
import { Interrupted } from '../../cli/prompt.ts'
import { keyAlgorithm } from '../../pki/keys/algorithms.ts'
import type { IssuerSource, Workspace } from '../../workspace/base/workspace.ts'
import type { ClientRequest, IssuedClient } from '../../workspace/clients/issue-client.ts'
import type { BatchResult } from '../../workspace/clients/issue-clients.ts'
import { readBundlePassword } from './bundle-password.ts'
import { failure, interruptionLine, issuedLines, type NamedBatchClient, refusal, summaryLine } from './issue-report.ts'
import { checkSources } from './issue-sources.ts'
import { SHEET_FLAGS } from './sheet-flags.ts'
import type { Sheets } from './sheets.ts'

/** The result of `client issue`; passwords stay in their files. */
export interface ClientIssueResult {
  readonly issued: readonly (Omit<IssuedClient, 'generatedPassword'> & { readonly sheet?: string })[]
  readonly failed: readonly {
    /** What stands in the list, where that is not a name. */
    readonly jid: string
    readonly device?: string
    /** Line of the list. */
    readonly line?: number
    readonly error: ErrorDocument
  }[]
}

export default class ClientIssue extends XmppkiCommand<ClientIssueResult> {
  static override summary = 'Issue client certificates: key, CSR, certificate and PKCS#12 bundle for each user.'

  static override description = [
    'For each NAME a private key, a certificate signed by the CA of the workspace, and a PKCS#12 bundle with both and the CA certificate, to be imported into an XMPP client. The certificate carries the username as Common Name and the JID as id-on-xmppAddr and rfc822Name.',
    'NAME is a username (alice) or a bare JID (alice@example.org). All names are checked before anything is written; the files of a user appear together or not at all, and existing ones are never overwritten. When one of several users fails the others are still done, and the exit code is 9.',
    'The bundle gets a generated password, shown once and written beside it, unless --p12-password-file gives one.',
    'With --file the users come from a list, each row with its own device and days where it gives them. A row that cannot be used is reported with file and line and does not stop the others; users who have a certificate are accepted, so the same command goes on where a run was interrupted or killed. On a terminal a bar shows how far it is.',
    'With --sheet, or --sheets FOLDER, each user gets a page to print: JID, server, bundle, expiry, fingerprint of the CA, and the steps for the clients that take certificates. The password of the bundle is on it only with --with-password. Only its owner may read the file (mode 0600). A sheet that is there stays as it is; one that is missing is made, by --if-missing for users who have their bundle.',
    'The passphrase of the CA key comes from --passphrase-file, XMPPKI_CA_PASSPHRASE, or the terminal.',
    exitCodes({
      EXISTS: 'the user has a certificate',
      NOT_FOUND: 'there is no CA',
      PASSPHRASE: 'passphrase missing or wrong',
      CORRUPT: 'files and ledger disagree',
      PARTIAL: 'some users failed',
    }),
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
      description: 'Everybody in a list, and one file with all passwords for the mail merge:',
      command: '<%= config.bin %> client issue --file users.csv --passwords passwords.csv',
    },
    {
      description: 'Bundles for everybody, each with a welcome sheet beside it:',
      command: '<%= config.bin %> client issue --file users.csv --sheet --host xmpp.example.org',
    },
    {
      description: 'A second device of alice, for an old phone, in a folder of its own:',
      command: '<%= config.bin %> client issue alice@example.org --device phone --p12-compat --out ./handout',
    },
  ]

  static override args = {
    name: Args.string({
      description: 'username or bare JID',
      multiple: true,
      ignoreStdin: true,
    }),
  }

  static override flags = {
    domain: namesDomainFlag,
    device: deviceFlag({
      summary: 'a further certificate for this device of the user',
      default: '',
      env: 'XMPPKI_DEVICE',
    }),
    days: daysFlag({
      summary: 'how long the certificates are valid',
      default: 500,
      env: 'XMPPKI_CLIENT_DAYS',
    }),
    'key-type': keyTypeFlag({
      default: keyAlgorithm('ec:p256'),
      defaultHelp: async () => 'ec:p256',
    }),
    file: Flags.string({
      summary: 'list of users instead of names; - reads standard input',
      description:
        'CSV whose first line names the columns (name, and if wanted device, days, domain), one JSON object a line with the same keys, or one name a line.',
      helpValue: 'FILE',
      env: 'XMPPKI_ISSUE_FILE',
    }),
    passwords: pathFlag({
      summary: 'collect the generated passwords in this new CSV file (jid, device, bundle, password)',
      exclusive: ['p12-password-file'],
      env: 'XMPPKI_ISSUE_PASSWORDS',
    }),
    out: pathFlag({
      summary: 'write each user to a folder in here instead of in the workspace',
      env: 'XMPPKI_ISSUE_OUT',
    }),
    'p12-password-file': secretFileFlag({
      summary: 'file with the password for the bundles of all these users; - reads standard input',
      env: 'XMPPKI_P12_PASSWORD_FILE',
    }),
    'p12-compat': Flags.boolean({
      summary: 'encrypt bundles with 3DES and SHA-1, for old macOS, Android and Windows',
      env: 'XMPPKI_P12_COMPAT',
    }),
    ...SHEET_FLAGS,
    'passphrase-file': caPassphraseFileFlag,
    'if-missing': Flags.boolean({
      summary: 'accept users who already have a certificate',
      env: 'XMPPKI_IF_MISSING',
    }),
  }

  #bar: ProgressBar | undefined
  #began = 0

  async run(): Promise<ClientIssueResult> {
    const { args, flags } = await this.parse(ClientIssue)
    const names = args.name ?? []
    checkSources(names, flags)
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const { issueClients } = await import('../../workspace/clients/issue-clients.ts')
    const { sheetsOf } = await import('./sheets.ts')
    const { checkPasswordList, writePasswordList } = await import('../../workspace/clients/password-list.ts')
    if (flags.passwords !== undefined) checkPasswordList(flags.passwords)
    const warn = (text: string) => this.#warn(text)
    const workspace = openWorkspace(this.homeOf(flags), { warn })
    const stop = new InterruptHandler()
    try {
      const { clients, refused } = await this.#clients(workspace, names, flags)
      const issuer = workspace.issuerSource(() => readCaPassphrase({ file: flags['passphrase-file'], warn }))
      const bundle = await this.#bundleOptions(flags)
      const sheets = sheetsOf(flags, { ...bundle, root: this.config.root, argv: this.argv, workspace })
      const ifMissing = flags['if-missing'] || flags.file !== undefined
      this.#began = performance.now()
      this.#bar = clients.length > 1 ? new ProgressBar(clients.length) : undefined
      const result = await issueClients(workspace, {
        ...bundle,
        ...(sheets === undefined ? {} : { enclose: (client) => sheets.enclose(client) }),
        clients,
        algorithm: flags['key-type'],
        ifMissing,
        checkFirst: flags.file === undefined,
        issuer: this.#armed(issuer, stop),
        onProgress: ({ settled, failed }) => this.#bar?.update(settled, failed),
        signal: stop.signal,
      })
      this.#bar?.clear()
      await sheets?.complete(result.issued)
      if (result.left > 0) throw this.#interrupted(result, ifMissing)
      if (flags.passwords !== undefined) writePasswordList(flags.passwords, result.issued)
      const seconds = (performance.now() - this.#began) / 1000
      return this.#finish(result, { ...flags, refused, seconds, sheets })
    } finally {
      stop.disarm()
      workspace.close()
    }
  }

  /** Once the key is open the run can be stopped, and its time counts: before it the user looked for the passphrase. */
  #armed(issuer: IssuerSource, stop: InterruptHandler): IssuerSource {
    return async (authority) => {
      const unlocked = await issuer(authority)
      this.#began = performance.now()
      stop.arm()
      return unlocked
    }
  }

  async #bundleOptions(flags: {
    readonly 'p12-password-file': string | undefined
    readonly 'p12-compat': boolean
    readonly out: string | undefined
  }): Promise<Pick<ClientRequest, 'p12Format' | 'p12Password' | 'out'>> {
    const warn = (text: string) => this.sayWarning(text)
    return {
      p12Format: flags['p12-compat'] ? 'compat' : 'modern',
      ...(flags.out === undefined ? {} : { out: flags.out }),
      ...(await readBundlePassword(flags['p12-password-file'], warn)),
    }
  }

  async #clients(
    workspace: Workspace,
    names: readonly string[],
    flags: {
      readonly domain: string | undefined
      readonly device: string
      readonly days: number
      readonly file: string | undefined
      readonly out: string | undefined
      readonly sheets: string | undefined
    },
  ): Promise<{ clients: readonly NamedBatchClient[]; refused: readonly RefusedRow[] }> {
    const { device, days, file } = flags
    const oneFolder = flags.out !== undefined ? '--out' : flags.sheets !== undefined ? '--sheets' : undefined
    const context = { domain: flags.domain ?? workspace.defaultDomain, explicit: flags.domain !== undefined }
    if (file !== undefined) {
      const { clients, refused, remarks } = await readListedClients(file, { ...context, device, days, oneFolder })
      for (const remark of remarks) this.say(`note: ${remark}`)
      return { clients, refused }
    }
    const named = parseClientNames(names, context)
    for (const remark of named.flatMap(remarksAbout)) this.say(`note: ${remark}`)
    if (oneFolder !== undefined) checkFolders(named, oneFolder)
    return { clients: named.map(({ jid }) => ({ jid, device, days })), refused: [] }
  }

  /** The bar is drawn again with the next user. */
  #warn(text: string): void {
    this.#bar?.clear()
    this.sayWarning(text)
  }

  #interrupted(result: BatchResult<NamedBatchClient>, goesOn: boolean): Interrupted {
    this.say(interruptionLine(result, goesOn))
    return new Interrupted()
  }

  #finish(
    { issued, failed }: BatchResult<NamedBatchClient>,
    run: {
      readonly refused: readonly RefusedRow[]
      readonly file: string | undefined
      readonly passwords: string | undefined
      readonly seconds: number
      readonly sheets: Sheets | undefined
    },
  ): ClientIssueResult {
    const failures = [...run.refused.map(refusal), ...failed.map(failure)].sort((a, b) => a.line - b.line)
    const show = () => {
      if (run.file !== undefined) this.log(summaryLine(issued, failures.length, run.seconds))
      else for (const line of issued.flatMap((one) => issuedLines(one, run.sheets?.pathOf(one)))) this.log(line)
      if (run.passwords !== undefined) this.log(`passwords: ${run.passwords}`)
    }
    this.reportBatch(failures, { count: issued.length, things: 'users', show })
    return {
      issued: issued.map(({ generatedPassword: _secret, ...rest }) =>
        run.sheets === undefined ? rest : { ...rest, sheet: run.sheets.pathOf(rest) },
      ),
      failed: failures.map(({ jid, device, line, error }) => ({
        jid,
        ...(device === '' ? {} : { device }),
        ...(line === 0 ? {} : { line }),
        error: errorDocument(error),
      })),
    }
  }
}
