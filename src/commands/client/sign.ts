import { resolve } from 'node:path'
import { Args, Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { readCaPassphrase } from '../../cli/ca-passphrase.ts'
import { parseClientNames, remarksAbout } from '../../cli/client-names.ts'
import { type ErrorDocument, errorDocument } from '../../cli/describe-error.ts'
import { caPassphraseFileFlag, daysFlag, deviceFlag, namesDomainFlag, pathFlag } from '../../cli/flags.ts'
import { columns, day, styled } from '../../cli/output.ts'
import { XmppkiError } from '../../errors.ts'
import { KEY_TYPES, type KeyType, parseKeyType } from '../../pki/algorithms.ts'
import type { SignedClient, SignRequest } from '../../workspace/sign-csr.ts'
import type { Workspace } from '../../workspace/workspace.ts'

/** The result of `client sign`. */
export interface ClientSignResult {
  readonly signed: readonly SignedClient[]
  readonly failed: readonly {
    /** Absolute path. */
    readonly request: string
    readonly error: ErrorDocument
  }[]
}

/** One flag with a list: oclif takes no list from the environment for a flag that may be repeated. */
const keyTypesFlag = Flags.custom<readonly KeyType[]>({
  helpValue: 'TYPE,…',
  parse: async (text) => text.split(',').map((type) => parseKeyType(type.trim()).id),
})

export default class ClientSign extends XmppkiCommand<ClientSignResult> {
  static override summary = 'Sign certificate requests (CSRs) that clients made: PEM or DER, from any program.'

  static override description = [
    'Each request is judged first: its signature must prove that the requester holds the key, the key must be of an allowed type, it must not ask to be a CA or for purposes other than that of a client, and its names must be those of the one account that it is signed for. A refusal has its name in brackets, for example "(proof-of-possession)".',
    'A request is only a claim: anybody can write any name into one. Say whom it is for with --name, or vouch for what the files ask for with --accept-requested-name (names at the domain of the workspace or of --domain only). Without either nothing is signed, and the refusal tells what is asked for.',
    'Only the public key is taken from the request; the certificate is made from the same profile as by "client issue". What was asked for beyond it is listed as a note.',
    'alice.csr is answered by alice.crt and alice.chain.crt (with the CA certificate) beside it or in --out; the workspace keeps a copy. When one of several files fails the others are still done, and the exit code is 9.',
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
    }),
    'accept-requested-name': Flags.boolean({
      summary: 'sign each request for the account that it asks for; with --name that alone counts',
      env: 'XMPPKI_ACCEPT_REQUESTED_NAME',
    }),
    domain: namesDomainFlag,
    device: deviceFlag({
      summary: 'a further certificate for this device of the user',
      default: '',
    }),
    days: daysFlag({ summary: 'how long the certificates are valid', default: 500 }),
    'allow-key-type': keyTypesFlag({
      summary: `sign only keys of these types, separated by commas: ${KEY_TYPES.join(', ')} (default: all)`,
      env: 'XMPPKI_ALLOW_KEY_TYPE',
    }),
    out: pathFlag({ summary: 'write the certificates to this folder instead of beside the requests' }),
    'passphrase-file': caPassphraseFileFlag,
    'if-missing': Flags.boolean({
      summary: 'accept users who already have a certificate for the same key',
    }),
  }

  async run(): Promise<ClientSignResult> {
    const { args, flags } = await this.parse(ClientSign)
    if (flags.name !== undefined && args.file.length > 1) {
      throw new XmppkiError('USAGE', `--name is for one request, not for ${args.file.length}`, {
        hint: 'sign one file at a time, or vouch for the names in them with --accept-requested-name',
      })
    }
    const warn = (text: string) => this.sayWarning(text)
    const { openWorkspace } = await import('../../workspace/workspace.ts')
    const workspace = openWorkspace(this.homeOf(flags), { warn })
    try {
      const domain = flags.domain ?? workspace.defaultDomain
      const given = flags.name === undefined ? [] : [flags.name]
      const [client] = parseClientNames(given, { domain, explicit: flags.domain !== undefined })
      if (client !== undefined) for (const remark of remarksAbout(client)) this.say(`note: ${remark}`)
      const keyTypes = flags['allow-key-type'] ?? KEY_TYPES
      return await this.#sign(workspace, args.file, {
        policy: { domain, name: client?.jid, acceptRequestedName: flags['accept-requested-name'], keyTypes },
        device: flags.device,
        days: flags.days,
        ...(flags.out === undefined ? {} : { out: flags.out }),
        ifMissing: flags['if-missing'],
        issuer: workspace.issuerSource(() => readCaPassphrase({ file: flags['passphrase-file'], warn })),
      })
    } finally {
      workspace.close()
    }
  }

  /** A wrong passphrase or a missing CA fails for all files at once: `issuerSource` asks only once. */
  async #sign(workspace: Workspace, files: readonly string[], request: SignRequest): Promise<ClientSignResult> {
    const { signCsr } = await import('../../workspace/sign-csr.ts')
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
    return this.#finish(signed, failed)
  }

  #finish(signed: readonly SignedClient[], failed: readonly { request: string; error: XmppkiError }[]) {
    const show = () => {
      for (const client of signed) this.#show(client)
    }
    this.reportBatch(failed, { count: signed.length, things: 'requests', show })
    return { signed, failed: failed.map(({ request, error }) => ({ request, error: errorDocument(error) })) }
  }

  #show({ request, jid, device, created, files, notAfter, notCopied }: SignedClient): void {
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
    ])
    for (const row of rows) this.log(row)
  }
}
