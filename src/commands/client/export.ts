import { Args, Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { parseClientNames } from '../../cli/client-names.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { deviceFlag, domainFlag, pathFlag, secretFileFlag } from '../../cli/flags.ts'
import { columns, day, styled } from '../../cli/output.ts'
import { XmppkiError } from '../../errors.ts'
import type { ExportedClient, ExportFormat } from '../../workspace/clients/export-client.ts'
import { readBundlePassword } from './bundle-password.ts'

/** The result of `client export`; a generated password stays in its file. */
export type ClientExportResult = Omit<ExportedClient, 'generatedPassword'>

const FORMATS = ['p12', 'pem', 'chain'] as const satisfies readonly ExportFormat[]

export default class ClientExport extends XmppkiCommand<ClientExportResult> {
  static override summary = 'Write the certificate of a user to a file in another form.'

  static override description = [
    'Takes the newest certificate of NAME (a username or a bare JID) that is not revoked and writes it to a new file that only its owner may read (mode 0600). A file that is there is never overwritten: exit code 3. The key of the CA is not needed.',
    'The formats: p12, a PKCS#12 bundle of key, certificate and CA certificate, with a password of its own; pem, private key, certificate and CA certificate one after the other, not encrypted; chain, the two certificates without the key.',
    'The password of a bundle comes from --p12-password-file, else one is generated, shown once, and written beside it with .password behind the name.',
    exitCodes({
      EXISTS: 'the file is there already',
      NOT_FOUND: 'no such certificate',
      PASSPHRASE: 'password blank',
      CORRUPT: 'files and ledger disagree',
    }),
  ].join('\n\n')

  static override examples = [
    {
      description: 'The bundle again, with a new password:',
      command: '<%= config.bin %> client export alice --format p12 --out alice-again.p12',
    },
    {
      description: 'For an old phone, with a password that was agreed upon:',
      command:
        '<%= config.bin %> client export alice --device phone --format p12 --p12-compat --p12-password-file pw --out phone.p12',
    },
    {
      description: 'Key and certificates in one file, for a bot:',
      command: '<%= config.bin %> client export bot@example.org --format pem --out bot.pem',
    },
  ]

  static override args = {
    name: Args.string({ description: 'username or bare JID', required: true, ignoreStdin: true }),
  }

  static override flags = {
    domain: domainFlag({
      summary: 'domain of a name without one (default: that of the workspace)',
      env: 'XMPPKI_DOMAIN',
    }),
    device: deviceFlag({
      summary: 'the device of the user (default: the main one)',
      default: '',
      env: 'XMPPKI_DEVICE',
    }),
    format: Flags.option({
      summary: 'form of the file',
      options: FORMATS,
      default: 'p12' as const,
      env: 'XMPPKI_EXPORT_FORMAT',
    })(),
    out: pathFlag({ summary: 'the file to write', required: true, env: 'XMPPKI_EXPORT_OUT' }),
    'p12-password-file': secretFileFlag({
      summary: 'file with the password for the bundle; - reads standard input',
      env: 'XMPPKI_P12_PASSWORD_FILE',
    }),
    'p12-compat': Flags.boolean({
      summary: 'encrypt the bundle with 3DES and SHA-1, for old macOS, Android and Windows',
      env: 'XMPPKI_P12_COMPAT',
    }),
  }

  async run(): Promise<ClientExportResult> {
    const { args, flags } = await this.parse(ClientExport)
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const { exportClient } = await import('../../workspace/clients/export-client.ts')
    const warn = (text: string) => this.sayWarning(text)
    const workspace = openWorkspace(this.homeOf(flags), { warn })
    try {
      const domain = flags.domain ?? workspace.defaultDomain
      const [client] = parseClientNames([args.name], { domain, explicit: flags.domain !== undefined })
      if (client === undefined) throw new XmppkiError('USAGE', 'missing argument: NAME')
      const { generatedPassword, ...result } = await exportClient(workspace, {
        jid: client.jid,
        device: flags.device,
        format: flags.format,
        out: flags.out,
        p12Format: flags['p12-compat'] ? 'compat' : 'modern',
        ...(flags.format === 'p12' ? await readBundlePassword(flags['p12-password-file'], warn) : {}),
      })
      this.#show(result, generatedPassword)
      return result
    } finally {
      workspace.close()
    }
  }

  #show({ jid, device, file, passwordFile, notAfter }: ClientExportResult, password: string | undefined): void {
    this.log(styled('bold', device === '' ? jid : `${jid} (${device})`))
    const secret: [string, string][] =
      password === undefined ? [] : [['password', `${password} (also in ${passwordFile})`]]
    for (const row of columns([['file', file], ...secret, ['valid until', day(notAfter)]])) this.log(row)
  }
}
