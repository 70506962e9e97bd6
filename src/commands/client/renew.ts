import { Args, Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { readCaPassphrase } from '../../cli/ca-passphrase.ts'
import { parseClientNames } from '../../cli/client-names.ts'
import { type CrlDocument, crlDocument, crlRows, outdatedCrls } from '../../cli/crl-report.ts'
import { type ErrorDocument, errorDocument } from '../../cli/describe-error.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import {
  caPassphraseFileFlag,
  crlDaysFlag,
  daysFlag,
  deviceFlag,
  expiresInFlag,
  keyTypeFlag,
  namesDomainFlag,
  secretFileFlag,
} from '../../cli/flags.ts'
import { columns, day, styled } from '../../cli/output.ts'
import { checkKeyType, notDue } from '../../cli/renewal.ts'
import { STORE_FLAGS, storePlace } from '../../cli/serve-flags.ts'
import { XmppkiError } from '../../errors.ts'
import type { Workspace } from '../../workspace/base/workspace.ts'
import type { Client } from '../../workspace/clients/client-folder.ts'
import type { RenewedClient } from '../../workspace/clients/renew-client.ts'
import type { RenewalBatchResult } from '../../workspace/clients/renew-clients.ts'
import { readBundlePassword } from './bundle-password.ts'

/** The result of `client renew`; passwords stay in their files. */
export interface ClientRenewResult {
  readonly clients: readonly Omit<RenewedClient, 'generatedPassword'>[]
  readonly failed: readonly { readonly jid: string; readonly device: string; readonly error: ErrorDocument }[]
  /** The lists that were written where --revoke-old has revoked something, one for each CA. */
  readonly crls: readonly CrlDocument[]
}

export default class ClientRenew extends XmppkiCommand<ClientRenewResult> {
  static override summary = 'Replace client certificates by new ones before they expire.'

  static override description = [
    'For each NAME (a username or a bare JID) a new certificate for the same names and, unless --rekey is given, for the same key, with a new PKCS#12 bundle. The bundle keeps its password where that lies beside it.',
    'The new files take the place of the old ones, which move to a folder beside with ~ and the start of the old serial number behind the name; files that were imported stay where they are. The old certificate stays valid until it expires; --revoke-old revokes it, writes the CRL and, with `store.url` in the configuration, tells the servers on other machines.',
    'With --expires-in a certificate is renewed only when it is due, and otherwise left alone, which is not an error: made for cron. --all takes every user and device whose certificate is neither expired nor revoked. The passphrase of the CA key is asked for only when something is due; it comes from --passphrase-file, XMPPKI_CA_PASSPHRASE, or the terminal.',
    'When one of several fails the others are still done, and the exit code is 9. A renewal that was killed is undone or finished by the next command that writes: no file is lost.',
    exitCodes({
      DONE: 'done, or nothing was due',
      NOT_FOUND: 'no such certificate or no CA',
      PASSPHRASE: 'passphrase missing or wrong',
      CORRUPT: 'files and ledger disagree',
      PARTIAL: 'some users failed, or with --revoke-old a CRL or a server on another machine is behind',
    }),
  ].join('\n\n')

  static override examples = [
    { description: 'One user, the same key:', command: '<%= config.bin %> client renew alice' },
    {
      description: 'Every night from cron, whatever ends within a month:',
      command:
        '<%= config.bin %> client renew --all --expires-in 30d --passphrase-file /run/secrets/ca-passphrase --json',
    },
    {
      description: 'A new key, and the old certificate revoked:',
      command: '<%= config.bin %> client renew alice --device laptop --rekey --revoke-old',
    },
  ]

  static override args = {
    name: Args.string({ description: 'username or bare JID', multiple: true, ignoreStdin: true }),
  }

  static override flags = {
    domain: namesDomainFlag,
    device: deviceFlag({
      summary: 'the device of the users (default: the main one)',
      exclusive: ['all'],
      env: 'XMPPKI_DEVICE',
    }),
    all: Flags.boolean({ summary: 'all users and devices', env: 'XMPPKI_RENEW_ALL' }),
    'expires-in': expiresInFlag(),
    days: daysFlag({ summary: 'how long the new certificates are valid', default: 500, env: 'XMPPKI_CLIENT_DAYS' }),
    rekey: Flags.boolean({ summary: 'make new keys', env: 'XMPPKI_REKEY' }),
    'key-type': keyTypeFlag({ summary: 'type of the keys that --rekey makes (default: that of the old key)' }),
    'p12-password-file': secretFileFlag({
      summary: 'file with the password for the new bundles; - reads standard input',
      env: 'XMPPKI_P12_PASSWORD_FILE',
    }),
    'p12-compat': Flags.boolean({
      summary: 'encrypt bundles with 3DES and SHA-1, for old macOS, Android and Windows',
      env: 'XMPPKI_P12_COMPAT',
    }),
    'revoke-old': Flags.boolean({
      summary: 'revoke the old certificates (superseded) and write the CRL',
      env: 'XMPPKI_REVOKE_OLD',
    }),
    'crl-days': crlDaysFlag({ summary: 'how long that CRL is good for' }),
    ...STORE_FLAGS,
    'passphrase-file': caPassphraseFileFlag,
  }

  async run(): Promise<ClientRenewResult> {
    const { args, flags } = await this.parse(ClientRenew)
    if (flags['passphrase-file'] === '-' && flags['p12-password-file'] === '-') {
      throw new XmppkiError('USAGE', '--passphrase-file and --p12-password-file cannot both read standard input')
    }
    checkKeyType(flags.rekey, this.argv)
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const { renewClients } = await import('../../workspace/clients/renew-clients.ts')
    const warn = (text: string) => this.sayWarning(text)
    const workspace = openWorkspace(this.homeOf(flags), { warn })
    try {
      const result = await renewClients(workspace, {
        ...(await readBundlePassword(flags['p12-password-file'], warn)),
        ...(flags['key-type'] === undefined ? {} : { algorithm: flags['key-type'] }),
        ...(flags['expires-in'] === undefined ? {} : { due: flags['expires-in'] }),
        clients: await this.#clients(workspace, args.name ?? [], flags),
        days: flags.days,
        rekey: flags.rekey,
        p12Format: flags['p12-compat'] ? 'compat' : 'modern',
        revokeOld: flags['revoke-old'],
        crlDays: flags['crl-days'],
        issuer: workspace.issuerSource((key) => readCaPassphrase({ key, file: flags['passphrase-file'], warn })),
      })
      const document = this.#finish(result)
      if (result.done.some(({ previous }) => previous?.revoked)) {
        const { shareRevocations } = await import('../../service/sharing/share-revocations.ts')
        this.reportRest(await shareRevocations(workspace, storePlace(flags, this.argv)))
      }
      return document
    } finally {
      workspace.close()
    }
  }

  async #clients(
    workspace: Workspace,
    names: readonly string[],
    flags: { readonly all: boolean; readonly domain: string | undefined; readonly device: string | undefined },
  ): Promise<Client[]> {
    // oclif leaves a boolean flag undefined, whatever its type says.
    if (Boolean(flags.all) === names.length > 0) {
      throw new XmppkiError('USAGE', 'give either names or --all', { hint: 'e.g. xmppki client renew alice' })
    }
    const { renewableClients } = await import('../../workspace/clients/renew-clients.ts')
    const domain = flags.domain ?? workspace.defaultDomain
    const isMeant = ({ jid }: Client) => flags.domain === undefined || jid.domain === domain
    if (flags.all) return renewableClients(workspace).filter(isMeant)
    const named = parseClientNames(names, { domain, explicit: flags.domain !== undefined })
    return named.map(({ jid }) => ({ jid, device: flags.device ?? '' }))
  }

  #finish({ done, failed, crls, unsigned }: RenewalBatchResult): ClientRenewResult {
    const show = () => {
      for (const client of done) this.#show(client)
      if (done.length === 0 && failed.length === 0) this.say('no certificate that could be renewed')
      for (const row of columns(crlRows(crls))) this.log(row)
      this.reportRest(outdatedCrls(unsigned))
    }
    this.reportBatch(failed, { count: done.length, things: 'renewals', show })
    return {
      clients: done.map(({ generatedPassword: _secret, ...rest }) => rest),
      failed: failed.map(({ client: { jid, device }, error }) => {
        return { jid: jid.toString(), device, error: errorDocument(error) }
      }),
      crls: crls.map(crlDocument),
    }
  }

  #show({ jid, device, renewed, directory, notAfter, previous, generatedPassword }: RenewedClient): void {
    const name = styled('bold', device === '' ? jid : `${jid} (${device})`)
    if (!renewed) {
      this.log(`${name} ${notDue(notAfter)}`)
      return
    }
    this.log(`${name} renewed`)
    const password: [string, string][] = generatedPassword === undefined ? [] : [['password', generatedPassword]]
    const old = previous?.revoked ? 'revoked' : `valid until ${day(previous?.notAfter ?? notAfter)}`
    const rows = columns([
      ['folder', directory],
      ...password,
      ['valid until', day(notAfter)],
      ['old one', `${old}, in ${previous?.directory}`],
    ])
    for (const row of rows) this.log(row)
  }
}
