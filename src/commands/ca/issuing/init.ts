import { Flags } from '@oclif/core'
import { XmppkiCommand } from '../../../cli/base-command.ts'
import { readCaPassphrase, readIssuingPassphrase } from '../../../cli/ca-passphrase.ts'
import { exitCodes } from '../../../cli/exit-codes.ts'
import { caPassphraseFileFlag, daysFlag, keyTypeFlag, secretFileFlag } from '../../../cli/flags.ts'
import { columns, day, styled } from '../../../cli/output.ts'
import { XmppkiError } from '../../../errors.ts'
import { keyAlgorithm } from '../../../pki/keys/algorithms.ts'
import type { IssuingResult } from '../../../workspace/ca/init-issuing.ts'

export default class CaIssuingInit extends XmppkiCommand<IssuingResult> {
  static override summary = 'Make an issuing CA below the root, so that the key of the root can leave the machine.'

  static override description = [
    'Makes a key and a CA certificate that the root signs, with path length 0: it can certify users and servers, but no further CAs, and no other domains than the root. From then on it signs everything that is issued, and the CRL of it. Bundles and server chains carry its certificate; what the root has issued before stays valid.',
    'Afterwards put ca/root.key where no network reaches it. Only this command, and `ca crl` for what the root itself has issued, need it again. If the issuing CA is ever lost, the root makes another one and users keep trusting the same root.',
    '--replace makes a successor, e.g. before the present one ends. The old one moves to a folder beside, and what it has issued stays valid; its key is still needed for its CRL.',
    'The passphrase of the root comes from --passphrase-file, XMPPKI_CA_PASSPHRASE or the terminal, that of the new key from --issuing-passphrase-file, XMPPKI_ISSUING_PASSPHRASE or the terminal. Commands that issue ask for the passphrase of the issuing CA from then on.',
    exitCodes({
      EXISTS: 'there is an issuing CA already',
      NOT_FOUND: 'there is no root',
      PASSPHRASE: 'passphrase missing or wrong',
      CORRUPT: 'files and ledger disagree',
    }),
  ].join('\n\n')

  static override examples = [
    { description: 'For five years, passphrases asked for:', command: '<%= config.bin %> ca issuing init' },
    {
      description: 'In a script, with passphrases from files:',
      command:
        '<%= config.bin %> ca issuing init --if-missing --passphrase-file /run/secrets/root --issuing-passphrase-file /run/secrets/issuing',
    },
    {
      description: 'A successor before the present one ends:',
      command: '<%= config.bin %> ca issuing init --replace --cn "Example issuing CA 2"',
    },
  ]

  static override flags = {
    cn: Flags.string({
      summary: 'Common Name of the issuing CA',
      helpValue: 'NAME',
      default: 'xmppki issuing CA',
      env: 'XMPPKI_ISSUING_CN',
    }),
    org: Flags.string({ summary: 'Organization in its name', helpValue: 'NAME', env: 'XMPPKI_ORG' }),
    'key-type': keyTypeFlag({ default: keyAlgorithm('ec:p256'), defaultHelp: async () => 'ec:p256' }),
    days: daysFlag({ summary: 'how long it is valid', default: 1825, env: 'XMPPKI_ISSUING_DAYS' }),
    'passphrase-file': caPassphraseFileFlag,
    'issuing-passphrase-file': secretFileFlag({
      summary: 'file with the passphrase for the new key; - reads standard input',
      env: 'XMPPKI_ISSUING_PASSPHRASE_FILE',
    }),
    'no-passphrase': Flags.boolean({
      summary: 'leave the new key unencrypted',
      exclusive: ['issuing-passphrase-file'],
      env: 'XMPPKI_NO_PASSPHRASE',
    }),
    'if-missing': Flags.boolean({
      summary: 'succeed without doing anything if there is an issuing CA',
      exclusive: ['replace'],
      env: 'XMPPKI_IF_MISSING',
    }),
    replace: Flags.boolean({ summary: 'make a successor of the present one', env: 'XMPPKI_ISSUING_REPLACE' }),
  }

  async run(): Promise<IssuingResult> {
    const { flags } = await this.parse(CaIssuingInit)
    if (flags['passphrase-file'] === '-' && flags['issuing-passphrase-file'] === '-') {
      throw new XmppkiError('USAGE', '--passphrase-file and --issuing-passphrase-file cannot both read standard input')
    }
    const warn = (text: string) => this.sayWarning(text)
    const { openWorkspace } = await import('../../../workspace/base/workspace.ts')
    const { initIssuing } = await import('../../../workspace/ca/init-issuing.ts')
    const workspace = openWorkspace(this.homeOf(flags), { warn })
    try {
      const result = await initIssuing(workspace, {
        commonName: flags.cn,
        ...(flags.org === undefined ? {} : { organization: flags.org }),
        algorithm: flags['key-type'],
        days: flags.days,
        issuer: workspace.issuerSource(() => readCaPassphrase({ file: flags['passphrase-file'], warn })),
        passphrase: async () =>
          flags['no-passphrase'] ? undefined : readIssuingPassphrase({ file: flags['issuing-passphrase-file'], warn }),
        ifMissing: flags['if-missing'],
        replace: flags.replace,
      })
      this.#show(result, flags['no-passphrase'])
      return result
    } finally {
      workspace.close()
    }
  }

  #show({ created, subject, notAfter, files, rootKey, previous }: IssuingResult, unencrypted: boolean): void {
    if (!created) {
      this.log(`The issuing CA is already there: ${files.certificate} (${subject}, until ${day(notAfter)})`)
      return
    }
    this.log(styled('bold', `Made the issuing CA ${subject}`))
    const rows: [string, string][] = [
      ['certificate', files.certificate],
      ['private key', `${files.key} (${unencrypted ? 'NOT encrypted' : 'encrypted'})`],
      ['valid until', day(notAfter)],
      ...(previous === undefined ? [] : ([['old one', previous.directory]] satisfies [string, string][])),
    ]
    for (const row of columns(rows)) this.log(row)
    if (unencrypted) this.sayWarning('whoever can read the private key can log in as any user; keep it safe')
    this.log(`Next: move the key of the root to a safe place: ${rootKey}`)
  }
}
