import { resolve } from 'node:path'
import { Args } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { type NamedClient, parseClientNames, remarksAbout } from '../../cli/client-names.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { domainFlag, keyTypeFlag, pathFlag, secretFileFlag } from '../../cli/flags.ts'
import { columns, styled } from '../../cli/output.ts'
import { readSecretFile } from '../../cli/secret.ts'
import { XmppkiError } from '../../errors.ts'
import { keyAlgorithm } from '../../pki/keys/algorithms.ts'
import type { MadeCsr } from '../../workspace/clients/make-csr.ts'

export default class ClientCsr extends XmppkiCommand<MadeCsr> {
  static override summary = 'Make a private key and a certificate request (CSR), on the machine of the client.'

  static override description = [
    'Writes NAME.key and NAME.csr. The key never has to leave this machine: send the CSR to whoever runs the CA, who answers with a certificate from "client sign". Neither a CA nor a workspace is needed here.',
    'NAME is a username with --domain, or a bare JID (alice@example.org). Existing files are never overwritten (exit code 3).',
    'The key is not encrypted unless --key-passphrase-file gives a passphrase; it can be read by its owner only.',
    exitCodes({ EXISTS: 'the files are there already', PASSPHRASE: 'passphrase blank' }),
  ].join('\n\n')

  static override examples = [
    {
      description: 'Key and CSR in the current folder:',
      command: '<%= config.bin %> client csr alice@example.org',
    },
    {
      description: 'On a device, in a folder of its own:',
      command: '<%= config.bin %> client csr sensor-17 --domain example.org --out /etc/sensor/tls --json',
    },
    {
      description: 'An RSA key with a passphrase:',
      command:
        '<%= config.bin %> client csr alice@example.org --key-type rsa:3072 --key-passphrase-file ~/.alice-passphrase',
    },
  ]

  static override args = {
    name: Args.string({ description: 'username or bare JID', required: true, ignoreStdin: true }),
  }

  static override flags = {
    domain: domainFlag({
      summary: 'domain of a name without one',
      env: 'XMPPKI_DOMAIN',
    }),
    'key-type': keyTypeFlag({
      default: keyAlgorithm('ec:p256'),
      defaultHelp: async () => 'ec:p256',
    }),
    'key-passphrase-file': secretFileFlag({
      summary: 'encrypt the key with the passphrase in this file; - reads standard input',
      env: 'XMPPKI_KEY_PASSPHRASE_FILE',
    }),
    out: pathFlag({ summary: 'folder for both files (default: the current one)', env: 'XMPPKI_CSR_OUT' }),
  }

  async run(): Promise<MadeCsr> {
    const { args, flags } = await this.parse(ClientCsr)
    const client = this.#clientOf(args.name, flags.domain)
    for (const remark of remarksAbout(client)) this.say(`note: ${remark}`)
    const file = flags['key-passphrase-file']
    const { makeCsr } = await import('../../workspace/clients/make-csr.ts')
    const made = await makeCsr({
      jid: client.jid,
      algorithm: flags['key-type'],
      out: flags.out ?? resolve('.'),
      passphrase: async () => (file === undefined ? undefined : this.#readPassphrase(file)),
    })
    this.#show(made, file !== undefined)
    return made
  }

  #clientOf(name: string, domain: string | undefined): NamedClient {
    if (domain === undefined && !name.includes('@')) {
      throw new XmppkiError('USAGE', `${JSON.stringify(name)} has no domain`, {
        hint: 'write alice@example.org, or give --domain example.org',
      })
    }
    const context = { domain: domain ?? 'localhost', explicit: domain !== undefined }
    const [client] = parseClientNames([name], context)
    if (client === undefined) throw new XmppkiError('INTERNAL', 'a name got lost')
    return client
  }

  #readPassphrase(file: string): Promise<string> {
    const warn = (text: string) => this.sayWarning(text)
    return readSecretFile(file, { label: 'passphrase of the new key', flag: '--key-passphrase-file', warn })
  }

  #show({ jid, files }: MadeCsr, encrypted: boolean): void {
    this.log(styled('bold', jid))
    const rows = columns([
      ['private key', `${files.key} (${encrypted ? 'encrypted' : 'not encrypted'})`],
      ['request', files.csr],
    ])
    for (const row of rows) this.log(row)
    this.log(`Next, where the CA is: xmppki client sign '${files.csr}' --name '${jid}'`)
  }
}
