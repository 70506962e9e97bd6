import { Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { readCaPassphrase } from '../../cli/ca-passphrase.ts'
import { caPassphraseFileFlag, daysFlag, domainFlag, keyTypeFlag } from '../../cli/flags.ts'
import { columns, day, styled } from '../../cli/output.ts'
import { keyAlgorithm } from '../../pki/algorithms.ts'
import type { RootResult } from '../../workspace/init-ca.ts'

export default class CaInit extends XmppkiCommand<RootResult> {
  static override summary = 'Make the root certificate authority of the workspace.'

  static override description = [
    'Writes a private key and a self-signed root certificate (X.509 v3) into the workspace folder, and starts the ledger of everything that the CA will issue. An existing CA is never touched.',
    'The key is encrypted with a passphrase: from --passphrase-file, else from the environment variable XMPPKI_CA_PASSPHRASE, else asked for twice on the terminal. --no-passphrase leaves it unencrypted, for tests and machines that are locked up otherwise.',
  ].join('\n\n')

  static override examples = [
    {
      description: 'A CA for the domain example.org, passphrase asked for:',
      command: '<%= config.bin %> ca init --domain example.org',
    },
    {
      description: 'In a script that may run again, with a passphrase from a file:',
      command: '<%= config.bin %> ca init --if-missing --passphrase-file /run/secrets/ca-passphrase',
    },
    {
      description: 'A CA that can certify nothing but example.org and what is below it:',
      command: '<%= config.bin %> ca init --permit-domain example.org --org "Example Ltd" --key-type rsa:4096',
    },
  ]

  static override flags = {
    cn: Flags.string({
      summary: 'Common Name of the root',
      helpValue: 'NAME',
      default: 'xmppki root CA',
    }),
    org: Flags.string({
      summary: 'Organization in the name of the root',
      helpValue: 'NAME',
    }),
    domain: domainFlag({
      summary: 'default XMPP domain of the workspace (default: the permitted domain if there is one, else localhost)',
      env: 'XMPPKI_DOMAIN',
    }),
    'permit-domain': domainFlag({
      summary: 'limit the CA to this domain and its subdomains (name constraints); may be repeated',
      description:
        'Written into the root certificate as RFC 5280 §4.2.1.10 describes; it cannot be changed afterwards.',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'key-type': keyTypeFlag({
      default: keyAlgorithm('ec:p256'),
      defaultHelp: async () => 'ec:p256',
    }),
    days: daysFlag({ summary: 'how long the root is valid', default: 3650 }),
    'passphrase-file': caPassphraseFileFlag,
    'no-passphrase': Flags.boolean({
      summary: 'leave the private key unencrypted',
      exclusive: ['passphrase-file'],
    }),
    'if-missing': Flags.boolean({
      summary: 'succeed without doing anything if there is a CA',
    }),
  }

  async run(): Promise<RootResult> {
    const { flags } = await this.parse(CaInit)
    const warn = (text: string) => this.sayWarning(text)
    const { openWorkspace } = await import('../../workspace/workspace.ts')
    const { initCa } = await import('../../workspace/init-ca.ts')
    const permitDomains = flags['permit-domain'] ?? []
    const workspace = openWorkspace(this.homeOf(flags), { create: true, warn })
    try {
      const result = await initCa(workspace, {
        commonName: flags.cn,
        ...(flags.org === undefined ? {} : { organization: flags.org }),
        algorithm: flags['key-type'],
        days: flags.days,
        permitDomains,
        domain: flags.domain ?? (permitDomains.length === 1 ? permitDomains[0] : undefined) ?? 'localhost',
        passphrase: async () =>
          flags['no-passphrase']
            ? undefined
            : readCaPassphrase({
                file: flags['passphrase-file'],
                confirm: true,
                warn,
              }),
        ifMissing: flags['if-missing'],
      })
      this.#show(result, flags['no-passphrase'])
      return result
    } finally {
      workspace.close()
    }
  }

  #show({ created, subject, notAfter, domain, files }: RootResult, unencrypted: boolean): void {
    if (!created) {
      this.log(
        `The CA is already there: ${files.certificate} (${subject}, until ${day(notAfter)}); nothing was changed.`,
      )
      return
    }
    this.log(styled('bold', `Made the root CA ${subject}`))
    const key = unencrypted ? `${files.key} (NOT encrypted)` : `${files.key} (encrypted)`
    const rows = columns([
      ['certificate', files.certificate],
      ['private key', key],
      ['valid until', day(notAfter)],
      ['domain', domain],
    ])
    for (const row of rows) this.log(row)
    if (unencrypted) this.sayWarning('whoever can read the private key can log in as any user; keep it safe')
    this.log('Next: xmppki client issue alice')
  }
}
