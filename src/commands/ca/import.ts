import { resolve } from 'node:path'
import { Args, Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { readCaPassphrase } from '../../cli/ca-passphrase.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { caPassphraseFileFlag, domainFlag, pathFlag, secretFileFlag } from '../../cli/flags.ts'
import { columns, day, styled } from '../../cli/output.ts'
import { readSecret } from '../../cli/secret.ts'
import { XmppkiError } from '../../errors.ts'
import type { ImportCaResult, RefusedCertificates } from '../../workspace/ca/import-ca.ts'
import type { CaHistory } from '../../workspace/ca/import-ledger.ts'

/** Where the CA and its history are. */
interface Sources {
  readonly certificate: string
  readonly key: string
  readonly history?: CaHistory
}

export default class CaImport extends XmppkiCommand<ImportCaResult> {
  static override summary = 'Take over a root CA that openssl, easy-rsa or another program made.'

  static override description = [
    'CERT is the certificate of the root, KEY its private key: PKCS#8 or the traditional forms, encrypted or not, PEM or DER. They must belong together, and the certificate must be that of a CA, self-signed, of version 3 and valid now; what it lacks otherwise is said as a warning. A key that no login is accepted with (RSA of less than 2048 bits, explicit or unusual curves) is refused. Certificates that it has issued stay good, unless SHA-1 or MD5 signed them or their own keys are such: how many cannot log in is said. A CA that the workspace has is never touched.',
    'The key is written into the workspace with a new passphrase: from --passphrase-file, else XMPPKI_CA_PASSPHRASE, else asked for twice on the terminal; --no-passphrase leaves it unencrypted. The passphrase that it has now comes from --key-passphrase-file, XMPPKI_KEY_PASSPHRASE, or the terminal. The old files are not changed: destroy the old key yourself.',
    '--openssl-index reads the database of "openssl ca" and --easy-rsa the PKI folder of easy-rsa 3, so that the ledger knows what was issued and what was revoked when and why. CRL numbers go on from the file crlnumber beside the index; the serial file is not needed, because new serial numbers are random.',
    'Whoever signed with "openssl x509 -req" has no such database: --issued takes one certificate, or a folder in which those that this CA has signed are looked for. Only what the ledger knows can be renewed, and revoked by name; "client renew" looks for the key beside the certificate. "client revoke" takes what it does not know by --file or --serial.',
    exitCodes({
      EXISTS: 'there is a CA already',
      NOT_FOUND: 'no such file',
      PASSPHRASE: 'passphrase missing or wrong',
      CORRUPT: 'files and ledger disagree',
    }),
  ].join('\n\n')

  static override examples = [
    {
      description: 'The root of the openssl walkthrough, with the certificates that lie beside it:',
      command: '<%= config.bin %> ca import rootCA.crt rootCA.key --domain example.org --issued .',
    },
    {
      description: 'A CA of "openssl ca" with everything that it has issued:',
      command: '<%= config.bin %> ca import cacert.pem private/cakey.pem --openssl-index index.txt',
    },
    {
      description: 'The PKI of easy-rsa 3, in a script:',
      command:
        '<%= config.bin %> ca import --easy-rsa ./pki --key-passphrase-file old.txt --passphrase-file new.txt --json',
    },
  ]

  static override args = {
    cert: Args.string({ description: 'certificate of the root CA', ignoreStdin: true }),
    key: Args.string({ description: 'its private key', ignoreStdin: true }),
  }

  static override flags = {
    domain: domainFlag({
      summary: 'default XMPP domain of the workspace (default: the first domain the CA is limited to, else localhost)',
      env: 'XMPPKI_DOMAIN',
    }),
    'openssl-index': pathFlag({
      summary: 'import what was issued and revoked from this database of openssl ca (index.txt)',
      exclusive: ['easy-rsa'],
      env: 'XMPPKI_OPENSSL_INDEX',
    }),
    issued: pathFlag({
      summary: 'import this certificate, or those of this folder, that the CA has signed without a database',
      exclusive: ['easy-rsa', 'openssl-index'],
      env: 'XMPPKI_ISSUED',
    }),
    'easy-rsa': pathFlag({
      summary: 'import CA and history from this PKI folder of easy-rsa 3, instead of CERT and KEY',
      env: 'XMPPKI_EASY_RSA',
    }),
    'key-passphrase-file': secretFileFlag({
      summary: 'file with the passphrase that KEY has now; - reads standard input',
      env: 'XMPPKI_KEY_PASSPHRASE_FILE',
    }),
    'passphrase-file': caPassphraseFileFlag,
    'no-passphrase': Flags.boolean({
      summary: 'leave the private key unencrypted in the workspace',
      exclusive: ['passphrase-file'],
      env: 'XMPPKI_NO_PASSPHRASE',
    }),
  }

  async run(): Promise<ImportCaResult> {
    const { args, flags } = await this.parse(CaImport)
    if (flags['passphrase-file'] === '-' && flags['key-passphrase-file'] === '-') {
      throw new XmppkiError('USAGE', '--passphrase-file and --key-passphrase-file cannot both read standard input')
    }
    const sources = await this.#sourcesOf(args, flags)
    const warn = (text: string) => this.sayWarning(text)
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const { importCa } = await import('../../workspace/ca/import-ca.ts')
    const workspace = openWorkspace(this.homeOf(flags), { create: true, warn })
    try {
      const result = await importCa(workspace, {
        ...sources,
        domain: flags.domain,
        oldPassphrase: () =>
          readSecret({
            label: `passphrase of ${sources.key}`,
            flag: '--key-passphrase-file',
            file: flags['key-passphrase-file'],
            variable: 'XMPPKI_KEY_PASSPHRASE',
            warn,
          }),
        passphrase: async () =>
          flags['no-passphrase']
            ? undefined
            : readCaPassphrase({ file: flags['passphrase-file'], confirm: true, warn }),
      })
      this.#show(result, flags['no-passphrase'])
      return result
    } finally {
      workspace.close()
    }
  }

  async #sourcesOf(
    args: { readonly cert: string | undefined; readonly key: string | undefined },
    flags: {
      readonly 'openssl-index': string | undefined
      readonly 'easy-rsa': string | undefined
      readonly issued: string | undefined
    },
  ): Promise<Sources> {
    const { easyRsaCa, easyRsaHistory, opensslHistory } = await import('../../workspace/ca/import-ledger.ts')
    const { 'easy-rsa': easyRsa, 'openssl-index': index, issued } = flags
    if (easyRsa !== undefined) {
      if (args.cert === undefined) return { ...easyRsaCa(easyRsa), history: easyRsaHistory(easyRsa) }
      throw new XmppkiError('USAGE', '--easy-rsa has its own certificate and key', { hint: 'omit CERT and KEY' })
    }
    if (args.cert === undefined || args.key === undefined) {
      throw new XmppkiError('USAGE', 'missing argument: CERT and KEY are needed', {
        hint: 'give both files, or the PKI folder of easy-rsa with --easy-rsa',
      })
    }
    const files = { certificate: resolve(args.cert), key: resolve(args.key) }
    if (index !== undefined) return { ...files, history: opensslHistory(index) }
    return issued === undefined ? files : { ...files, history: { issued } }
  }

  #show(result: ImportCaResult, unencrypted: boolean): void {
    const { subject, keyType, notAfter, domain, files, findings, history } = result
    for (const finding of findings) this.sayWarning(`the certificate works, but ${finding}`)
    for (const refused of history?.refused ?? []) this.sayWarning(describeRefused(refused))
    this.log(styled('bold', `Imported the root CA ${subject}`))
    const key = unencrypted ? `${files.key} (NOT encrypted)` : `${files.key} (encrypted)`
    const rows = columns([
      ['certificate', files.certificate],
      ['private key', `${key}, ${keyType}`],
      ['valid until', day(notAfter)],
      ['domain', domain],
      ...(history === undefined ? [] : ([['ledger', describeHistory(history)]] as const)),
    ])
    for (const row of rows) this.log(row)
    if (unencrypted) this.sayWarning('whoever can read the private key can log in as any user; keep it safe')
    const next = history !== undefined && history.revoked > 0 ? 'ca crl' : 'client issue alice'
    this.log(`Next: xmppki ${next}${this.sameHome}`)
  }
}

function describeHistory({
  certificates,
  revoked,
  withoutCertificate,
}: NonNullable<ImportCaResult['history']>): string {
  const lost = withoutCertificate === 0 ? '' : `; of ${withoutCertificate} only the index is left`
  const count = certificates === 1 ? '1 certificate' : `${certificates} certificates`
  return `${count}, ${revoked} of them revoked${lost}`
}

function describeRefused({ check, reason, certificates }: RefusedCertificates): string {
  const count = certificates === 1 ? '1 certificate' : `${certificates} certificates`
  // A good key may stay; whose key is not accepted needs another one.
  const flags = check === 'weak-signature' ? '' : ' --rekey --key-type ec:p256'
  return `${count} that it has issued cannot log in (${check}): ${reason}; issue them again: xmppki client renew --all${flags}`
}
