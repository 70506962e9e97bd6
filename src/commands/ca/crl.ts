import { XmppkiCommand } from '../../cli/base-command.ts'
import { readCaPassphrase } from '../../cli/ca-passphrase.ts'
import { caPassphraseFileFlag, daysFlag, pathFlag } from '../../cli/flags.ts'
import { columns, day } from '../../cli/output.ts'
import { table } from '../../cli/table.ts'
import type { IssuedRecord } from '../../store/ledger.ts'

/** The result of `ca crl`. */
export interface CaCrlResult {
  /** Absolute paths of what was written. */
  readonly files: readonly string[]
  /** The CRL number (RFC 5280 §5.2.3). */
  readonly number: number
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly revoked: readonly {
    readonly serial: string
    readonly name: string
    readonly device: string
    readonly revokedAt: Date
    readonly reason: string
  }[]
}

export default class CaCrl extends XmppkiCommand<CaCrlResult> {
  static override summary = 'Write a fresh list of the revoked certificates (CRL).'

  static override description = [
    'Signs a CRL (RFC 5280 §5) of everything that the ledger has as revoked and writes it to ca/root.crl in the workspace, with the next CRL number and the date until which it is good. `client revoke` does so by itself; this renews the list before it ends, because verifiers refuse everybody, or nobody, once it has.',
    '--out writes the same list to a further file, e.g. where Prosody, ejabberd or a web server reads it. A CRL that is there is replaced in one step; any other file is left alone, with exit code 3.',
    'The passphrase of the CA key comes from --passphrase-file, XMPPKI_CA_PASSPHRASE, or the terminal.',
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
      command: "<%= config.bin %> ca crl --json | jq '.revoked | length'",
    },
  ]

  static override flags = {
    days: daysFlag({ summary: 'how long the list is good for', default: 30, env: 'XMPPKI_CRL_DAYS' }),
    out: pathFlag({ summary: 'write it to this file as well' }),
    'passphrase-file': caPassphraseFileFlag,
  }

  async run(): Promise<CaCrlResult> {
    const { flags } = await this.parse(CaCrl)
    const { openWorkspace } = await import('../../workspace/workspace.ts')
    const { checkCrlTarget, copyCrl, publishCrl } = await import('../../workspace/publish-crl.ts')
    const warn = (text: string) => this.sayWarning(text)
    const workspace = openWorkspace(this.homeOf(flags), { warn })
    try {
      if (flags.out !== undefined) checkCrlTarget(flags.out)
      const issuer = await workspace.unlockCa(() => readCaPassphrase({ file: flags['passphrase-file'], warn }))
      const { crl } = await publishCrl(workspace, { issuer, days: flags.days, now: new Date() }, () => undefined)
      if (flags.out !== undefined) copyCrl(crl, flags.out)
      const { number, thisUpdate, nextUpdate } = crl
      const files = flags.out === undefined ? [crl.file] : [crl.file, flags.out]
      const result = { files, number, thisUpdate, nextUpdate, revoked: crl.revoked.map(describe) }
      this.#show(result)
      return result
    } finally {
      workspace.close()
    }
  }

  #show({ files, number, nextUpdate, revoked }: CaCrlResult): void {
    const rows = columns([
      ...files.map((file): [string, string] => ['CRL', file]),
      ['number', String(number)],
      ['good until', day(nextUpdate)],
      ['revoked', String(revoked.length)],
    ])
    for (const row of rows) this.log(row)
    if (revoked.length === 0) return
    const cells = revoked.map(({ name, device, revokedAt, reason, serial }) => {
      return [name, device || '-', day(revokedAt), reason, serial]
    })
    for (const line of table(['name', 'device', 'revoked on', 'reason', 'serial'], cells)) this.log(line)
  }
}

function describe({ serial, name, device, revokedAt, revocationReason }: IssuedRecord): CaCrlResult['revoked'][number] {
  return { serial, name, device, revokedAt: new Date(revokedAt ?? 0), reason: revocationReason ?? 'unspecified' }
}
