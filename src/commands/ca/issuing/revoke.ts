import { Flags } from '@oclif/core'
import { XmppkiCommand } from '../../../cli/base-command.ts'
import { readCaPassphrase } from '../../../cli/ca-passphrase.ts'
import { type CrlDocument, crlDocument, crlRows, outdatedCrls } from '../../../cli/crl-report.ts'
import { exitCodes } from '../../../cli/exit-codes.ts'
import { caPassphraseFileFlag, crlDaysFlag } from '../../../cli/flags.ts'
import { columns, day, styled } from '../../../cli/output.ts'
import { STORE_FLAGS, storePlace } from '../../../cli/serve-flags.ts'
import type { RevokedIssuing } from '../../../workspace/ca/revoke-issuing.ts'

/** The result of `ca issuing revoke`. */
export interface CaIssuingRevokeResult extends Omit<RevokedIssuing, 'crl' | 'unsigned'> {
  /** The CRL of the root; null where the root may not sign CRLs. */
  readonly crl: CrlDocument | null
}

export default class CaIssuingRevoke extends XmppkiCommand<CaIssuingRevokeResult> {
  static override summary = 'Revoke an issuing CA, and with it whatever it has issued.'

  static override description = [
    'For the day when the key of the issuing CA was stolen, or may have been: puts its certificate on the CRL of the root, for which the key of the root must be here. `xmppki serve` refuses whatever it has issued, as does everybody who checks the whole chain. It cannot be undone.',
    'With `store.url` in the configuration the servers on other machines that use the same database are told as well: they refuse clients that send the certificate of this CA along. Where a workspace has the CA itself, revoke it there, too.',
    'Afterwards make another one with `ca issuing init`, and new certificates for everybody with `client renew --all --rekey`.',
    'The passphrase of the root comes from --passphrase-file, XMPPKI_CA_PASSPHRASE or the terminal.',
    exitCodes({
      DONE: 'revoked, also if it was before',
      NOT_FOUND: 'no such CA, or the key of the root is not here',
      PASSPHRASE: 'passphrase missing or wrong',
      CORRUPT: 'files and ledger disagree',
      PARTIAL: 'revoked, but the root may not sign CRLs, or the servers on other machines could not be told',
    }),
  ].join('\n\n')

  static override examples = [
    {
      description: 'The one that issues now:',
      command: '<%= config.bin %> ca issuing revoke --reason cACompromise',
    },
    {
      description: 'One that was replaced before:',
      command: '<%= config.bin %> ca issuing revoke --serial 07a7fd18d9547359452e963597809a40',
    },
    {
      description: 'With a passphrase from a file, for the names of the users who need a new certificate:',
      command: "<%= config.bin %> ca issuing revoke --passphrase-file /run/secrets/root --json | jq -r '.users[]'",
    },
  ]

  static override flags = {
    serial: Flags.string({
      summary: 'the CA with this serial number, in hexadecimal (default: the one that issues now)',
      helpValue: 'HEX',
      env: 'XMPPKI_ISSUING_SERIAL',
    }),
    reason: Flags.string({
      summary: 'unspecified, keyCompromise, cACompromise, superseded or cessationOfOperation (RFC 5280 §5.3.1)',
      helpValue: 'REASON',
      default: 'cACompromise',
      env: 'XMPPKI_ISSUING_REVOKE_REASON',
    }),
    'crl-days': crlDaysFlag({ summary: 'how long the CRL of the root is good for' }),
    ...STORE_FLAGS,
    'passphrase-file': caPassphraseFileFlag,
  }

  async run(): Promise<CaIssuingRevokeResult> {
    const { flags } = await this.parse(CaIssuingRevoke)
    const { openWorkspace } = await import('../../../workspace/base/workspace.ts')
    const { parseReason } = await import('../../../workspace/clients/revoke-clients.ts')
    const { parseSerial } = await import('../../../workspace/base/certificate-number.ts')
    const { shareRevocations } = await import('../../../service/sharing/share-revocations.ts')
    const { revokeIssuing } = await import('../../../workspace/ca/revoke-issuing.ts')
    const warn = (text: string) => this.sayWarning(text)
    const workspace = openWorkspace(this.homeOf(flags), { warn })
    try {
      const { crl, unsigned, ...revoked } = await revokeIssuing(workspace, {
        serial: flags.serial === undefined ? undefined : parseSerial(flags.serial),
        reason: parseReason(flags.reason),
        crlDays: flags['crl-days'],
        issuer: workspace.issuerSource((key) => readCaPassphrase({ key, file: flags['passphrase-file'], warn })),
      })
      const { name, serial, revokedAt, reason, users } = revoked
      this.log(`${styled('bold', name)} revoked on ${day(revokedAt)}: ${reason}, serial ${serial}`)
      for (const row of columns(crlRows(crl === undefined ? [] : [crl]))) this.log(row)
      this.reportRest(outdatedCrls(unsigned))
      this.reportRest(await shareRevocations(workspace, storePlace(flags, this.argv)))
      if (users.length > 0) this.sayWarning(`${users.length} users need a new certificate`)
      this.say(`Next: xmppki ca issuing init${this.sameHome}, then: xmppki client renew --all --rekey${this.sameHome}`)
      return { ...revoked, crl: crl === undefined ? null : crlDocument(crl) }
    } finally {
      workspace.close()
    }
  }
}
