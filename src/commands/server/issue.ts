import { Args, Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { readCaPassphrase } from '../../cli/ca-passphrase.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { caPassphraseFileFlag, daysFlag, keyTypeFlag, parseDomain } from '../../cli/flags.ts'
import { columns, day, styled } from '../../cli/output.ts'
import { keyAlgorithm } from '../../pki/keys/algorithms.ts'
import type { IssuedServer } from '../../workspace/servers/issue-server.ts'

export default class ServerIssue extends XmppkiCommand<IssuedServer> {
  static override summary = 'Issue a server certificate for one or more XMPP domains.'

  static override description = [
    'One private key and one certificate that names all the DOMAINs, each as dNSName, SRVName (_xmpp-client and _xmpps-client) and id-on-xmppAddr, as RFC 6120 §13.7.1.2 describes. The first DOMAIN is the Common Name and the name of the folder. "xmppki serve" finds the certificate by itself; other servers take server.key and chain.crt.',
    'Existing files are never overwritten: to replace a certificate, run `server renew`.',
    'The passphrase of the CA key comes from --passphrase-file, XMPPKI_CA_PASSPHRASE, or the terminal.',
    "Certificates are valid for 397 days by default, as those of public CAs are; Apple's systems refuse more than 825.",
    exitCodes({
      EXISTS: 'the domain has a certificate',
      NOT_FOUND: 'there is no CA',
      PASSPHRASE: 'passphrase missing or wrong',
      CORRUPT: 'files and ledger disagree',
    }),
  ].join('\n\n')

  static override examples = [
    {
      description: 'A certificate for one domain:',
      command: '<%= config.bin %> server issue example.org',
    },
    {
      description: 'One for several domains:',
      command: '<%= config.bin %> server issue example.org conference.example.org upload.example.org',
    },
    {
      description: 'In a script that may run again:',
      command: '<%= config.bin %> server issue localhost --if-missing --passphrase-file /run/secrets/ca-passphrase',
    },
  ]

  static override args = {
    domain: Args.custom<string>({ parse: async (text) => parseDomain(text) })({
      description: 'XMPP domain, not an IP address',
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  }

  static override flags = {
    days: daysFlag({
      summary: 'how long the certificate is valid',
      default: 397,
      env: 'XMPPKI_SERVER_DAYS',
    }),
    'key-type': keyTypeFlag({
      default: keyAlgorithm('ec:p256'),
      defaultHelp: async () => 'ec:p256',
    }),
    'passphrase-file': caPassphraseFileFlag,
    'if-missing': Flags.boolean({
      summary: 'succeed without doing anything if the first domain has a certificate',
      env: 'XMPPKI_IF_MISSING',
    }),
  }

  async run(): Promise<IssuedServer> {
    const { args, flags } = await this.parse(ServerIssue)
    const warn = (text: string) => this.sayWarning(text)
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const { issueServer } = await import('../../workspace/servers/issue-server.ts')
    const workspace = openWorkspace(this.homeOf(flags), { warn })
    try {
      const result = await issueServer(workspace, {
        domains: [...new Set(args.domain)],
        days: flags.days,
        algorithm: flags['key-type'],
        ifMissing: flags['if-missing'],
        issuer: workspace.issuerSource(() => readCaPassphrase({ file: flags['passphrase-file'], warn })),
      })
      this.#show(result)
      return result
    } finally {
      workspace.close()
    }
  }

  #show({ created, domains, directory, files, notAfter }: IssuedServer): void {
    const names = styled('bold', domains.join(', '))
    if (!created) {
      this.log(`${names} already has a server certificate until ${day(notAfter)}: ${directory}`)
      return
    }
    this.log(names)
    const rows = columns([
      ['certificate', files.certificate],
      ['with the CA', files.chain],
      ['private key', files.key],
      ['valid until', day(notAfter)],
    ])
    for (const row of rows) this.log(row)
  }
}
