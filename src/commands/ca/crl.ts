import { XmppkiCommand } from '../../cli/base-command.ts'
import { readCaPassphrase } from '../../cli/ca-passphrase.ts'
import { type CrlDocument, crlDocument, crlRows, outdatedCrls } from '../../cli/crl-report.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { caPassphraseFileFlag, daysFlag, pathFlag } from '../../cli/flags.ts'
import { columns, day, holderText, styled } from '../../cli/output.ts'
import { table } from '../../cli/table.ts'
import type { IssuedRecord } from '../../store/ledger.ts'
import type { PublishedCrl } from '../../workspace/ca/publish-crl.ts'

/** The result of `ca crl`. */
export interface CaCrlResult {
  /** Absolute paths of what was written. */
  readonly files: readonly string[]
  /** One for each CA whose key is here. */
  readonly crls: readonly (CrlDocument & { readonly revoked: readonly RevokedRow[] })[]
  /** CRLs that were left as they are, because the key that signs them is not here, cannot be used or must not. */
  readonly left: readonly string[]
}

interface RevokedRow {
  readonly serial: string
  readonly name: string
  readonly device: string
  readonly revokedAt: Date
  readonly reason: string
}

export default class CaCrl extends XmppkiCommand<CaCrlResult> {
  static override summary = 'Write a fresh list of the revoked certificates (CRL).'

  static override description = [
    'Signs a CRL (RFC 5280 §5) of everything that the ledger has as revoked and writes it to ca/root.crl in the workspace, with the next CRL number and the date until which it is good. An issuing CA has a list of its own, ca/issuing/issuing.crl; the list of a CA whose key is not here stays as it is. `client revoke` does so by itself; this renews the list before it ends, because verifiers refuse everybody, or nobody, once it has.',
    '--out writes the lists of all CAs, one behind the other, to a further file, e.g. where Prosody, ejabberd or a web server reads it. CRLs that are there are replaced in one step; any other file is left alone, with exit code 3.',
    'The passphrase of the CA key comes from --passphrase-file, XMPPKI_CA_PASSPHRASE, or the terminal.',
    exitCodes({
      BAD_INPUT: 'no CA here may sign CRLs: their keyUsage lacks cRLSign',
      EXISTS: '--out names a file that is not a CRL',
      NOT_FOUND: 'there is no CA',
      PASSPHRASE: 'passphrase missing or wrong',
      CORRUPT: 'files and ledger disagree',
      PARTIAL: 'the key of another CA could not be used, so its list is old',
    }),
  ].join('\n\n')

  static override examples = [
    { description: 'Renew the list for the next 30 days:', command: '<%= config.bin %> ca crl' },
    {
      description: 'Every week from cron, good for two, to where the web server looks:',
      command:
        '<%= config.bin %> ca crl --days 14 --out /var/www/pki/root.crl --passphrase-file /run/secrets/ca-passphrase',
    },
    {
      description: 'How many are revoked:',
      command: "<%= config.bin %> ca crl --json | jq '[.crls[].revoked[]] | length'",
    },
  ]

  static override flags = {
    days: daysFlag({ summary: 'how long the list is good for', default: 30, env: 'XMPPKI_CRL_DAYS' }),
    out: pathFlag({ summary: 'write it to this file as well', env: 'XMPPKI_CRL_OUT' }),
    'passphrase-file': caPassphraseFileFlag,
  }

  async run(): Promise<CaCrlResult> {
    const { flags } = await this.parse(CaCrl)
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const { signerId } = await import('../../workspace/base/authority.ts')
    const { checkCrlTarget, copyCrls, crlObstacle, publishCrls } = await import('../../workspace/ca/publish-crl.ts')
    const warn = (text: string) => this.sayWarning(text)
    const workspace = openWorkspace(this.homeOf(flags), { warn })
    try {
      if (flags.out !== undefined) checkCrlTarget(flags.out)
      const authorities = workspace.authorities()
      const issuer = workspace.issuerSource((key) => readCaPassphrase({ key, file: flags['passphrase-file'], warn }))
      const obstacles = authorities.map(crlObstacle)
      const [obstacle] = obstacles
      if (obstacle !== undefined && !obstacles.includes(undefined)) throw obstacle
      // The one that issues: without its key there is nothing to be done.
      await issuer()
      const request = { of: authorities.map(signerId), issuer, days: flags.days, now: new Date() }
      const { crls, unsigned } = await publishCrls(workspace, request, () => undefined)
      if (flags.out !== undefined) copyCrls(authorities, flags.out)
      const left = unsigned.map(({ authority }) => authority.files.crl)
      for (const { authority, reason } of unsigned) {
        const { crl } = authority.files
        const why = crlObstacle(authority)
        if (why !== undefined) this.say(`note: ${why.message}`)
        else if (reason === undefined)
          this.say(`note: ${crl} stays as it is, because the key that signs it is not here`)
        else this.reportRest(outdatedCrls([{ authority, reason }]))
      }
      const files = [...crls.map(({ file }) => file), ...(flags.out === undefined ? [] : [flags.out])]
      for (const crl of crls) await this.#show(crl)
      if (flags.out !== undefined) this.log(`  copy: ${flags.out}`)
      return { files, crls: crls.map((crl) => ({ ...crlDocument(crl), revoked: crl.revoked.map(describe) })), left }
    } finally {
      workspace.close()
    }
  }

  async #show(crl: PublishedCrl): Promise<void> {
    this.log(styled('bold', crl.issuer))
    for (const row of columns([...crlRows([crl]), ['revoked', String(crl.revoked.length)]])) this.log(row)
    if (crl.revoked.length === 0) return
    const cells = crl.revoked.map(describe).map(({ name, device, revokedAt, reason, serial }) => {
      return [holderText(name), device || '-', day(revokedAt), reason, serial]
    })
    for (const line of await table(['name', 'device', 'revoked on', 'reason', 'serial'], cells)) this.log(line)
  }
}

function describe({ serial, name, device, revokedAt, revocationReason }: IssuedRecord): RevokedRow {
  return { serial, name, device, revokedAt: new Date(revokedAt ?? 0), reason: revocationReason ?? 'unspecified' }
}
