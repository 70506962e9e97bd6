import { resolve } from 'node:path'
import { Args, Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { readCaPassphrase } from '../../cli/ca-passphrase.ts'
import { parseClientNames, remarksAbout } from '../../cli/client-names.ts'
import { type CrlDocument, crlDocument, crlRows, outdatedCrls } from '../../cli/crl-report.ts'
import { type ErrorDocument, errorDocument } from '../../cli/describe-error.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { caPassphraseFileFlag, crlDaysFlag, daysFlag, deviceFlag, namesDomainFlag, pathFlag } from '../../cli/flags.ts'
import { columns, day, styled } from '../../cli/output.ts'
import { STORE_FLAGS, storePlace } from '../../cli/serve-flags.ts'
import { XmppkiError } from '../../errors.ts'
import { KEY_TYPES, type KeyType, parseKeyType } from '../../pki/keys/algorithms.ts'
import type { Workspace } from '../../workspace/base/workspace.ts'
import type { CrlRun } from '../../workspace/ca/publish-crl.ts'
import type { SupersededCertificate } from '../../workspace/clients/renew-client.ts'
import type { SignedClient, SignRequest } from '../../workspace/clients/sign-csr.ts'

/** The result of `client sign`. */
export interface ClientSignResult {
  readonly signed: readonly SignedClient[]
  readonly failed: readonly {
    /** Absolute path. */
    readonly request: string
    readonly error: ErrorDocument
  }[]
  /** The lists that were written where --revoke-old has revoked something, one for each CA. */
  readonly crls: readonly CrlDocument[]
}

/** One flag with a list: oclif takes no list from the environment for a flag that may be repeated. */
const keyTypesFlag = Flags.custom<readonly KeyType[]>({
  helpValue: 'TYPE,…',
  parse: async (text) => text.split(',').map((type) => parseKeyType(type.trim()).id),
})

export default class ClientSign extends XmppkiCommand<ClientSignResult> {
  static override summary = 'Sign certificate requests (CSRs) that clients made: PEM or DER, from any program.'

  static override description = [
    'Each request is judged first: its signature must prove that the requester holds the key, the key must be of an allowed type and not one that was revoked as compromised, it must not ask to be a CA or for purposes other than that of a client, and its names must be those of the one account that it is signed for. A refusal has its name in brackets, for example "(proof-of-possession)".',
    'A request is only a claim: anybody can write any name into one. Say whom it is for with --name, or vouch for what the files ask for with --accept-requested-name (names at the domain of the workspace or of --domain only). Without either nothing is signed, and the refusal tells what is asked for.',
    'Only the public key is taken from the request; the certificate is made from the same profile as by "client issue". What was asked for beyond it is listed as a note.',
    'alice.csr is answered by alice.crt and alice.chain.crt (with the CA certificate) beside it or in --out; the workspace keeps a copy. When one of several files fails the others are still done, and the exit code is 9.',
    'A user who has a certificate already gets another one only for a further device, or with --renew: then the old one and its files move to a folder beside, and it stays valid until it expires, unless --revoke-old revokes it, and with `store.url` in the configuration tells the servers on other machines.',
    exitCodes({
      DONE: 'signed',
      USAGE: 'refused, or wrong flag, argument or file',
      EXISTS: 'the user has a certificate, or the file is there',
      NOT_FOUND: 'no such file or no CA',
      PASSPHRASE: 'passphrase missing or wrong',
      CORRUPT: 'files and ledger disagree',
      PARTIAL: 'some requests failed, or with --revoke-old a CRL or a server on another machine is behind',
    }),
  ].join('\n\n')

  static override examples = [
    {
      description: 'One request, for a user that you know sent it:',
      command: '<%= config.bin %> client sign alice.csr --name alice',
    },
    {
      description: 'Requests that your own provisioning collected, from a script that may run again:',
      command: '<%= config.bin %> client sign inbox/*.csr --accept-requested-name --if-missing --out outbox --json',
    },
    {
      description: 'A new key that the device has made for itself, in place of the old one:',
      command: '<%= config.bin %> client sign sensor7-2027.csr --name sensor7 --renew --revoke-old',
    },
    {
      description: 'The key of a second device, elliptic curves only:',
      command: '<%= config.bin %> client sign phone.der --name alice --device phone --allow-key-type ec:p256,ec:p384',
    },
  ]

  static override args = {
    file: Args.string({ description: 'certificate request', required: true, multiple: true, ignoreStdin: true }),
  }

  static override flags = {
    name: Flags.string({
      summary: 'the user that the one request is for: username or bare JID',
      helpValue: 'NAME',
      env: 'XMPPKI_SIGN_NAME',
    }),
    'accept-requested-name': Flags.boolean({
      summary: 'sign each request for the account that it asks for; with --name that alone counts',
      env: 'XMPPKI_ACCEPT_REQUESTED_NAME',
    }),
    domain: namesDomainFlag,
    device: deviceFlag({
      summary: 'a further certificate for this device of the user',
      default: '',
      env: 'XMPPKI_DEVICE',
    }),
    days: daysFlag({ summary: 'how long the certificates are valid', default: 500, env: 'XMPPKI_CLIENT_DAYS' }),
    'allow-key-type': keyTypesFlag({
      summary: `sign only keys of these types, separated by commas: ${KEY_TYPES.join(', ')} (default: all)`,
      env: 'XMPPKI_ALLOW_KEY_TYPE',
    }),
    out: pathFlag({
      summary: 'write the certificates to this folder instead of beside the requests',
      env: 'XMPPKI_SIGN_OUT',
    }),
    renew: Flags.boolean({
      summary: 'let the certificate supersede the one that the user has; new users get their first one',
      env: 'XMPPKI_SIGN_RENEW',
    }),
    'revoke-old': Flags.boolean({
      summary: 'with --renew: revoke what is superseded, and write the CRL',
      env: 'XMPPKI_REVOKE_OLD',
    }),
    'crl-days': crlDaysFlag({ summary: 'how long that CRL is good for' }),
    ...STORE_FLAGS,
    'passphrase-file': caPassphraseFileFlag,
    'if-missing': Flags.boolean({
      summary: 'accept users who already have a certificate for the same key',
      env: 'XMPPKI_IF_MISSING',
    }),
  }

  async run(): Promise<ClientSignResult> {
    const { args, flags } = await this.parse(ClientSign)
    if (flags.name !== undefined && args.file.length > 1) {
      throw new XmppkiError('USAGE', `--name is for one request, not for ${args.file.length}`, {
        hint: 'sign one file at a time, or vouch for the names in them with --accept-requested-name',
      })
    }
    // An environment variable may set it for all commands: only the flag is a contradiction.
    if (!flags.renew && this.argv.includes('--revoke-old')) {
      throw new XmppkiError('USAGE', '--revoke-old has no effect without --renew', { hint: 'add --renew' })
    }
    const warn = (text: string) => this.sayWarning(text)
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const workspace = openWorkspace(this.homeOf(flags), { warn })
    try {
      const domain = flags.domain ?? workspace.defaultDomain
      const given = flags.name === undefined ? [] : [flags.name]
      const [client] = parseClientNames(given, { domain, explicit: flags.domain !== undefined })
      if (client !== undefined) for (const remark of remarksAbout(client)) this.say(`note: ${remark}`)
      const keyTypes = flags['allow-key-type'] ?? KEY_TYPES
      const document = await this.#sign(workspace, args.file, {
        policy: { domain, name: client?.jid, acceptRequestedName: flags['accept-requested-name'], keyTypes },
        device: flags.device,
        days: flags.days,
        ...(flags.out === undefined ? {} : { out: flags.out }),
        ifMissing: flags['if-missing'],
        renew: flags.renew,
        revokeOld: flags['revoke-old'],
        crlDays: flags['crl-days'],
        issuer: workspace.issuerSource(() => readCaPassphrase({ file: flags['passphrase-file'], warn })),
      })
      if (document.signed.some(({ previous }) => previous?.revoked)) {
        const { shareRevocations } = await import('../../service/sharing/share-revocations.ts')
        this.reportRest(await shareRevocations(workspace, storePlace(flags, this.argv)))
      }
      return document
    } finally {
      workspace.close()
    }
  }

  /** A wrong passphrase or a missing CA fails for all files at once: `issuerSource` asks only once. */
  async #sign(
    workspace: Workspace,
    files: readonly string[],
    request: SignRequest & { readonly crlDays: number },
  ): Promise<ClientSignResult> {
    const { signCsr } = await import('../../workspace/clients/sign-csr.ts')
    const signed: SignedClient[] = []
    const failed: { request: string; error: XmppkiError }[] = []
    let issuerFailed = false
    const issuer = async () => {
      try {
        return await request.issuer()
      } catch (error) {
        issuerFailed = true
        throw error
      }
    }
    for (const file of files.map((name) => resolve(name))) {
      try {
        signed.push(await signCsr(workspace, file, { ...request, issuer }))
      } catch (error) {
        if (!(error instanceof XmppkiError) || issuerFailed) throw error
        failed.push({ request: file, error })
      }
    }
    const { publishSuperseded } = await import('../../workspace/clients/renew-clients.ts')
    const crl = { issuer: request.issuer, days: request.crlDays, now: new Date() }
    return this.#finish(signed, failed, await publishSuperseded(workspace, signed, crl))
  }

  #finish(
    signed: readonly SignedClient[],
    failed: readonly { request: string; error: XmppkiError }[],
    { crls, unsigned }: CrlRun<unknown>,
  ): ClientSignResult {
    const show = () => {
      for (const client of signed) this.#show(client)
      for (const row of columns(crlRows(crls))) this.log(row)
      this.reportRest(outdatedCrls(unsigned))
    }
    this.reportBatch(failed, { count: signed.length, things: 'requests', show })
    return {
      signed,
      failed: failed.map(({ request, error }) => ({ request, error: errorDocument(error) })),
      crls: crls.map(crlDocument),
    }
  }

  #show({ request, jid, device, created, files, notAfter, notCopied, previous }: SignedClient): void {
    if (notCopied.length > 0) this.say(`note: asked for in ${request} and not copied: ${notCopied.join(', ')}`)
    const name = device === '' ? jid : `${jid} (${device})`
    if (!created) {
      this.log(`${styled('bold', name)} already has a certificate until ${day(notAfter)}: ${files.certificate}`)
      return
    }
    this.log(styled('bold', name))
    const rows = columns([
      ['certificate', files.certificate],
      ['with chain', files.chain],
      ['valid until', day(notAfter)],
      ...(previous === undefined ? [] : ([['old one', oldOne(previous)]] as const)),
    ])
    for (const row of rows) this.log(row)
  }
}

function oldOne({ revoked, notAfter, directory }: SupersededCertificate): string {
  return `${revoked ? 'revoked' : `valid until ${day(notAfter)}`}, in ${directory}`
}
