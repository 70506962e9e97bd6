import { Args, Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { readCaPassphrase } from '../../cli/ca-passphrase.ts'
import { parseClientNames } from '../../cli/client-names.ts'
import { type CrlDocument, crlDocument, crlRows, outdatedCrls } from '../../cli/crl-report.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { caPassphraseFileFlag, crlDaysFlag, deviceFlag, namesDomainFlag, pathFlag } from '../../cli/flags.ts'
import { columns, day, holderText, styled } from '../../cli/output.ts'
import { STORE_FLAGS, storePlace } from '../../cli/serve-flags.ts'
import { XmppkiError } from '../../errors.ts'
import type { Workspace } from '../../workspace/base/workspace.ts'
import type { DatabaseEnrolments } from '../../workspace/clients/database-enrolments.ts'
import type { RevocationTarget, RevokedClient } from '../../workspace/clients/revoke-clients.ts'
import type { RevokedEnrolment } from '../../workspace/clients/revoke-enrolments.ts'

/** The result of `client revoke`. */
export interface ClientRevokeResult {
  readonly revoked: readonly RevokedClient[]
  /** What the users had enrolled themselves (XEP-0257), with --all-devices. */
  readonly enrolled: readonly RevokedEnrolment[]
  /** The lists that were written, one for each CA. */
  readonly crls: readonly CrlDocument[]
}

/** Where it is kept what users have enrolled: in no database, or in one that may not be opened. */
interface OpenedDatabase {
  readonly database: DatabaseEnrolments | undefined
  readonly failure?: XmppkiError
}

export default class ClientRevoke extends XmppkiCommand<ClientRevokeResult> {
  static override summary = 'Revoke client certificates and write the CRL.'

  static override description = [
    'Revokes the certificates of each NAME (a username or a bare JID) for one device, or one certificate given by --serial or --file, and writes the list of all revoked certificates, ca/root.crl in the workspace. `xmppki serve` refuses them from the next login on; other servers need the new CRL.',
    'By name every certificate of the user for this device is taken that has not expired, also those that a newer one has superseded. All names are checked first: all of them are revoked or none. The files of the user stay where they are. A revocation is final.',
    'What is revoked already keeps the date and reason of the first time, and that is not an error: the exit code is 0, and the CRL is written again. A user without a certificate gives exit code 4.',
    'A certificate that the CA has signed and the ledger does not know is taken up and revoked. With --file its signature is verified, and the ledger learns whose it is. With --serial alone, where the certificate is lost, this stays unknown; where there are several CAs, --issuer says which has given the number.',
    'With `store.url` in the configuration the servers on other machines that use the same database are told as well. That database also has what users have enrolled themselves: while it cannot be reached this still counts, and the exit code is 9.',
    'The passphrase of the CA key, which signs the CRL, comes from --passphrase-file, XMPPKI_CA_PASSPHRASE, or the terminal. Whoever does not have it revokes all the same; the CRL is then written by the next `xmppki ca crl`.',
    exitCodes({
      NOT_FOUND: 'no such certificate, one of another CA, or no CA here',
      CORRUPT: 'files and ledger disagree',
      PARTIAL:
        'revoked, but not every CRL could be written (no key, no passphrase, a CA without cRLSign), not every server told, or enrolled certificates still count',
    }),
  ].join('\n\n')

  static override examples = [
    {
      description: 'The laptop of alice was stolen:',
      command: '<%= config.bin %> client revoke alice --device laptop --reason keyCompromise',
    },
    {
      description: 'Bob and carol have left, whatever devices they have:',
      command: '<%= config.bin %> client revoke bob carol --all-devices --reason cessationOfOperation',
    },
    {
      description: 'The certificate that somebody found on a disk:',
      command: '<%= config.bin %> client revoke --file found.crt --passphrase-file /run/secrets/ca-passphrase',
    },
    {
      description: 'One that is lost, of which only the number is known:',
      command: '<%= config.bin %> client revoke --serial 7F:95:BA:14:0A --reason keyCompromise',
    },
  ]

  static override args = {
    name: Args.string({ description: 'username or bare JID', multiple: true, ignoreStdin: true }),
  }

  static override flags = {
    domain: namesDomainFlag,
    device: deviceFlag({
      summary: 'the device of the users (default: the main one)',
      exclusive: ['all-devices', 'serial', 'file'],
      env: 'XMPPKI_DEVICE',
    }),
    'all-devices': Flags.boolean({
      summary: 'all devices of the users, and certificates that they have enrolled themselves (XEP-0257)',
      exclusive: ['serial', 'file'],
      env: 'XMPPKI_REVOKE_ALL_DEVICES',
    }),
    serial: Flags.string({
      summary: 'the certificate with this serial number, in hexadecimal, with or without colons',
      helpValue: 'HEX',
      exclusive: ['file'],
      env: 'XMPPKI_REVOKE_SERIAL',
    }),
    issuer: Flags.string({
      summary:
        'with --serial: the certificate of the CA whose id (issuerId in --json) or serial number begins with this',
      helpValue: 'HEX',
      dependsOn: ['serial'],
      env: 'XMPPKI_REVOKE_ISSUER',
    }),
    file: pathFlag({ summary: 'the certificate in this file, PEM or DER', env: 'XMPPKI_REVOKE_FILE' }),
    reason: Flags.string({
      summary:
        'unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn or aACompromise (RFC 5280 §5.3.1)',
      helpValue: 'REASON',
      default: 'unspecified',
      env: 'XMPPKI_REVOKE_REASON',
    }),
    'crl-days': crlDaysFlag({ summary: 'how long the CRL is good for' }),
    ...STORE_FLAGS,
    'passphrase-file': caPassphraseFileFlag,
  }

  async run(): Promise<ClientRevokeResult> {
    const { args, flags } = await this.parse(ClientRevoke)
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const { shareRevocations, sharedUrl } = await import('../../service/sharing/share-revocations.ts')
    const { parseReason, revokeClients } = await import('../../workspace/clients/revoke-clients.ts')
    const warn = (text: string) => this.sayWarning(text)
    const reason = parseReason(flags.reason)
    const workspace = openWorkspace(this.homeOf(flags), { warn })
    const place = storePlace(flags, this.argv)
    const { database, failure } = await this.#database(workspace, () => sharedUrl(workspace, place))
    try {
      const { revoked, enrolled, crls, unsigned, unreached } = await revokeClients(workspace, {
        database,
        target: await this.#target(workspace, args.name ?? [], flags),
        reason,
        crlDays: flags['crl-days'],
        issuer: workspace.issuerSource((key) => readCaPassphrase({ key, file: flags['passphrase-file'], warn })),
      })
      for (const client of revoked) this.#show(client)
      for (const { jid, label } of enrolled) this.log(`${styled('bold', jid)} revoked: enrolled certificate '${label}'`)
      for (const row of columns(crlRows(crls))) this.log(row)
      this.reportRest(outdatedCrls(unsigned))
      this.reportRest(await shareRevocations(workspace, place))
      this.reportRest(stillEnrolled(unreached ?? (flags['all-devices'] ? failure : undefined)))
      return { revoked, enrolled, crls: crls.map(crlDocument) }
    } finally {
      await database?.close()
      workspace.close()
    }
  }

  /** What is wrong with the configuration is said when the others are told: it keeps nobody from being locked out. */
  async #database(workspace: Workspace, url: () => string | undefined): Promise<OpenedDatabase> {
    const { DatabaseEnrolments } = await import('../../workspace/clients/database-enrolments.ts')
    let found: string | undefined
    try {
      found = url()
      return { database: found === undefined ? undefined : await DatabaseEnrolments.open(workspace, found) }
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      return { database: undefined, ...(found === undefined ? {} : { failure: error }) }
    }
  }

  async #target(
    workspace: Workspace,
    names: readonly string[],
    flags: {
      readonly domain: string | undefined
      readonly device: string | undefined
      readonly 'all-devices': boolean
      readonly serial: string | undefined
      readonly issuer: string | undefined
      readonly file: string | undefined
    },
  ): Promise<RevocationTarget> {
    const { serial, issuer, file } = flags
    const ways = [names.length > 0, serial !== undefined, file !== undefined].filter(Boolean)
    if (ways.length !== 1) {
      throw new XmppkiError('USAGE', 'give either names, or --serial, or --file', {
        hint: 'e.g. xmppki client revoke alice --reason keyCompromise',
      })
    }
    if (serial !== undefined) {
      const { parseIssuerId, parseSerial } = await import('../../workspace/base/certificate-number.ts')
      return { serial: parseSerial(serial), ...(issuer === undefined ? {} : { issuerId: parseIssuerId(issuer) }) }
    }
    if (file !== undefined) return { file }
    const domain = flags.domain ?? workspace.defaultDomain
    const clients = parseClientNames(names, { domain, explicit: flags.domain !== undefined })
    return { jids: clients.map(({ jid }) => jid), device: flags.device ?? '', allDevices: flags['all-devices'] }
  }

  #show({ jid, device, serial, revokedAt, reason, alreadyRevoked }: RevokedClient): void {
    const name = styled('bold', holderText(jid, device))
    const state = alreadyRevoked ? `was already revoked on ${day(revokedAt)}` : 'revoked'
    this.log(`${name} ${state}: ${reason}, serial ${serial}`)
  }
}

function stillEnrolled(unreached: XmppkiError | undefined): XmppkiError | undefined {
  if (unreached === undefined) return undefined
  const message = `certificates that users have enrolled themselves still log in: ${unreached.message}`
  return new XmppkiError('PARTIAL', message, { hint: 'run this again when the database is there', cause: unreached })
}
