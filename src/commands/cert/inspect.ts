import { Args } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { secretFileFlag } from '../../cli/flags.ts'
import { readInputFile, sourceName } from '../../cli/input-file.ts'
import { columns, styled } from '../../cli/output.ts'
import { readSecretFile } from '../../cli/secret.ts'
import { XmppkiError } from '../../errors.ts'
import type { Inspected } from '../../pki/inspect/inspect.ts'
import type { InspectedRows } from '../../pki/inspect/inspected-rows.ts'

/** The result of `cert inspect`; dates are ISO 8601 in JSON. */
export interface CertInspectResult {
  readonly file: string
  readonly items: readonly Inspected[]
}

export default class CertInspect extends XmppkiCommand<CertInspectResult> {
  static override summary = 'Show what is in a certificate, key, certificate request, CRL or PKCS#12 bundle.'

  static override description = [
    'FILE may be PEM or DER and is recognised by its content, not by its name; - reads standard input. A PEM file may hold several things, all of them are shown. Nothing is judged: for that there are "cert lint" and "cert verify". Private keys are never printed, only their type and the fingerprint of the public half, which is the same for a key and its certificates.',
    'Encrypted keys and bundles show how they are encrypted; with --password-file also what is inside.',
    exitCodes({
      DONE: 'shown',
      BAD_INPUT: 'not one of these things, or damaged',
      NOT_FOUND: 'no such file',
      PASSPHRASE: 'wrong password',
    }),
  ].join('\n\n')

  static override examples = [
    {
      description: 'A certificate, whoever made it:',
      command: '<%= config.bin %> cert inspect alice.crt',
    },
    {
      description: 'What an encrypted bundle contains:',
      command: '<%= config.bin %> cert inspect alice.p12 --password-file alice.p12.password',
    },
    {
      description: 'The day a certificate expires, for a script:',
      command: '<%= config.bin %> cert inspect server.crt --json | jq -r ".items[0].notAfter"',
    },
  ]

  static override args = {
    file: Args.string({ description: 'file to look at, PEM or DER; - is standard input', required: true }),
  }

  static override flags = {
    'password-file': secretFileFlag({
      summary: 'file with the password of the key or bundle; - reads standard input',
      env: 'XMPPKI_PASSWORD_FILE',
    }),
  }

  async run(): Promise<CertInspectResult> {
    const { args, flags } = await this.parse(CertInspect)
    const { file } = args
    const passwordFile = flags['password-file']
    if (file === '-' && passwordFile === '-') {
      throw new XmppkiError('USAGE', 'FILE and --password-file cannot both read standard input')
    }
    const octets = await readInputFile(file)
    const password = passwordFile === undefined ? undefined : await this.#readPassword(passwordFile)
    const { inspect } = await import('../../pki/inspect/inspect.ts')
    const items = await inspect(octets, { source: sourceName(file), password })
    const { inspectedRows } = await import('../../pki/inspect/inspected-rows.ts')
    for (const item of items) this.#show(inspectedRows(item))
    return { file, items }
  }

  #show({ title, rows, contents }: InspectedRows): void {
    this.log(styled('bold', title))
    for (const row of columns(rows)) this.log(row)
    for (const item of contents) this.#show(item)
  }

  #readPassword(file: string): Promise<string> {
    const warn = (text: string) => this.sayWarning(text)
    return readSecretFile(file, { label: 'password', flag: '--password-file', warn })
  }
}
