import { Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { readCaPassphrase, readTokenPin } from '../../cli/ca-passphrase.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { caPassphraseFileFlag, daysFlag, domainFlag, keyTypeFlag, pathFlag } from '../../cli/flags.ts'
import { columns, day, styled } from '../../cli/output.ts'
import { keyAlgorithm } from '../../pki/keys/algorithms.ts'
import type { TokenRequest } from '../../workspace/base/ca-token.ts'
import type { RootResult } from '../../workspace/ca/init-ca.ts'

interface KeyProtection {
  readonly unencrypted: boolean
  readonly inToken: boolean
}

export default class CaInit extends XmppkiCommand<RootResult> {
  static override summary = 'Make the root certificate authority of the workspace.'

  static override description = [
    'Writes a private key and a self-signed root certificate (X.509 v3) into the workspace folder, and starts the ledger of everything that the CA will issue. An existing CA is never touched.',
    'The key is encrypted with a passphrase: from --passphrase-file, else from the environment variable XMPPKI_CA_PASSPHRASE, else asked for twice on the terminal. --no-passphrase leaves it unencrypted, for tests and machines that are locked up otherwise.',
    'With --pkcs11 the key is made in a PKCS#11 token (a smart card, a USB token, a network HSM, SoftHSM) and never leaves it: an ECDSA or RSA key, sensitive and not extractable; or --pkcs11-use takes a key pair that is there. The folder gets root.pkcs11.json, which says where the key is. The user PIN of the token is then the passphrase of the CA key, here and wherever a command signs: --passphrase-file, XMPPKI_CA_PASSPHRASE, or the terminal. A wrong PIN is never tried twice. This needs the package node-webcrypto-p11 beside xmppki: npm install -g node-webcrypto-p11.',
    exitCodes({
      EXISTS: 'there is a CA already',
      NOT_FOUND: 'module, token or key is missing',
      PASSPHRASE: 'no passphrase, or a wrong PIN',
      CORRUPT: 'files and ledger disagree',
    }),
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
    {
      description: 'A CA whose key lies in a token, here of SoftHSM:',
      command: '<%= config.bin %> ca init --pkcs11 /usr/lib/softhsm/libsofthsm2.so --pkcs11-token ca',
    },
  ]

  static override flags = {
    cn: Flags.string({
      summary: 'Common Name of the root',
      helpValue: 'NAME',
      default: 'xmppki root CA',
      env: 'XMPPKI_CA_CN',
    }),
    org: Flags.string({
      summary: 'Organization in the name of the root',
      helpValue: 'NAME',
      env: 'XMPPKI_ORG',
    }),
    domain: domainFlag({
      summary: 'default XMPP domain of the workspace (default: the first permitted domain, else localhost)',
      env: 'XMPPKI_DOMAIN',
    }),
    'permit-domain': domainFlag({
      summary: 'limit the CA to this domain and its subdomains (name constraints); may be repeated',
      description:
        'Written into the root certificate as RFC 5280 §4.2.1.10 describes; it cannot be changed afterwards.',
      multiple: true,
      multipleNonGreedy: true,
      env: 'XMPPKI_PERMIT_DOMAIN',
    }),
    'key-type': keyTypeFlag({
      default: keyAlgorithm('ec:p256'),
      defaultHelp: async () => 'ec:p256',
    }),
    days: daysFlag({ summary: 'how long the root is valid', default: 3650, env: 'XMPPKI_CA_DAYS' }),
    'passphrase-file': caPassphraseFileFlag,
    'no-passphrase': Flags.boolean({
      summary: 'leave the private key unencrypted',
      exclusive: ['passphrase-file'],
      env: 'XMPPKI_NO_PASSPHRASE',
    }),
    pkcs11: pathFlag({
      summary: 'keep the private key in a token, which this PKCS#11 module (a library) talks to',
      env: 'XMPPKI_PKCS11',
      exclusive: ['no-passphrase'],
    }),
    'pkcs11-token': Flags.string({
      summary: 'label of the token (default: the only one there is)',
      helpValue: 'LABEL',
      env: 'XMPPKI_PKCS11_TOKEN',
      dependsOn: ['pkcs11'],
    }),
    'pkcs11-label': Flags.string({
      summary: 'label of the new key in the token (default: the Common Name)',
      helpValue: 'NAME',
      env: 'XMPPKI_PKCS11_LABEL',
      dependsOn: ['pkcs11'],
    }),
    'pkcs11-use': Flags.string({
      summary: 'take the key pair that is in the token under this label, or this id in hexadecimal',
      helpValue: 'LABEL|ID',
      env: 'XMPPKI_PKCS11_USE',
      dependsOn: ['pkcs11'],
      exclusive: ['pkcs11-label', 'key-type'],
    }),
    'if-missing': Flags.boolean({
      summary: 'succeed without doing anything if there is a CA',
      env: 'XMPPKI_IF_MISSING',
    }),
  }

  async run(): Promise<RootResult> {
    const { flags } = await this.parse(CaInit)
    const warn = (text: string) => this.sayWarning(text)
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const { initCa } = await import('../../workspace/ca/init-ca.ts')
    const permitDomains = flags['permit-domain'] ?? []
    const token = tokenOf(flags, warn)
    const workspace = openWorkspace(this.homeOf(flags), { create: true, warn })
    try {
      const result = await initCa(workspace, {
        commonName: flags.cn,
        ...(flags.org === undefined ? {} : { organization: flags.org }),
        algorithm: flags['key-type'],
        days: flags.days,
        permitDomains,
        domain: flags.domain ?? permitDomains[0] ?? 'localhost',
        passphrase: async () =>
          flags['no-passphrase']
            ? undefined
            : readCaPassphrase({
                file: flags['passphrase-file'],
                confirm: true,
                warn,
              }),
        ...(token === undefined ? {} : { token }),
        ifMissing: flags['if-missing'],
      })
      this.#show(result, { unencrypted: flags['no-passphrase'], inToken: token !== undefined })
      return result
    } finally {
      workspace.close()
    }
  }

  #show({ created, subject, notAfter, domain, files }: RootResult, { unencrypted, inToken }: KeyProtection): void {
    if (!created) {
      this.log(
        `The CA is already there: ${files.certificate} (${subject}, until ${day(notAfter)}); nothing was changed.`,
      )
      return
    }
    this.log(styled('bold', `Made the root CA ${subject}`))
    const protection = inToken ? 'the key itself is in the token' : unencrypted ? 'NOT encrypted' : 'encrypted'
    const rows = columns([
      ['certificate', files.certificate],
      ['private key', `${files.key} (${protection})`],
      ['valid until', day(notAfter)],
      ['domain', domain],
    ])
    for (const row of rows) this.log(row)
    if (unencrypted) this.sayWarning('whoever can read the private key can log in as any user; keep it safe')
    this.log(`Next: xmppki client issue alice${this.sameHome}`)
  }
}

interface TokenFlags {
  readonly cn: string
  readonly pkcs11: string | undefined
  readonly 'pkcs11-token': string | undefined
  readonly 'pkcs11-label': string | undefined
  readonly 'pkcs11-use': string | undefined
  readonly 'passphrase-file': string | undefined
}

function tokenOf(flags: TokenFlags, warn: (text: string) => void): TokenRequest | undefined {
  const { cn, pkcs11: module, 'pkcs11-use': use, 'pkcs11-label': make = cn } = flags
  if (module === undefined) return undefined
  return {
    module,
    token: flags['pkcs11-token'],
    key: use === undefined ? { make } : { use },
    pin: () => readTokenPin({ file: flags['passphrase-file'], warn }),
  }
}
