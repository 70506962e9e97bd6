import { Args, Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { columns } from '../../cli/output.ts'
import { XmppkiError } from '../../errors.ts'
import type { AuthorityUrls } from '../../workspace/base/pki-url.ts'

/** The result of `ca url`. */
export interface CaUrlResult {
  /** Null: certificates name no such place. */
  readonly url: string | null
  /** What certificates that are issued from now on say, by the CA that signs them. */
  readonly publications: readonly (AuthorityUrls & { readonly issuer: string })[]
}

export default class CaUrl extends XmppkiCommand<CaUrlResult> {
  static override summary = 'Show or set the URL where others find CRLs, CA certificates and OCSP.'

  static override description = [
    'With a URL, every certificate that is issued from now on says where to ask whether it is revoked: the CRL of its CA (CRL distribution point, RFC 5280 §4.2.1.13), the OCSP responder and the certificate of its CA (authority information access, §4.2.2.1). Certificates that are there stay as they are; `client renew --all` brings them up to date.',
    'What is named must be reachable below this URL: `xmppki serve --http-port PORT` serves all of it. Plain http is usual: everything there is signed, and whoever asks cannot check a TLS certificate before.',
    'Without arguments it shows the present URL and what follows from it; --none removes it.',
    exitCodes({ NOT_FOUND: 'there is no CA', CORRUPT: 'files and ledger disagree' }),
  ].join('\n\n')

  static override examples = [
    { description: 'Where is it now?', command: '<%= config.bin %> ca url' },
    { description: 'Published on a host of its own:', command: '<%= config.bin %> ca url http://pki.example.org' },
    { description: 'Certificates shall not name any place:', command: '<%= config.bin %> ca url --none' },
  ]

  static override args = {
    url: Args.string({ description: 'http or https URL, without query', ignoreStdin: true }),
  }

  static override flags = {
    none: Flags.boolean({ summary: 'certificates name no such place', env: 'XMPPKI_URL_NONE' }),
  }

  async run(): Promise<CaUrlResult> {
    const { args, flags } = await this.parse(CaUrl)
    if (flags.none && args.url !== undefined) throw new XmppkiError('USAGE', 'give either a URL or --none')
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const { parsePkiUrl } = await import('../../workspace/base/pki-url.ts')
    const workspace = openWorkspace(this.homeOf(flags), { warn: (text) => this.sayWarning(text) })
    try {
      const url = args.url === undefined ? undefined : parsePkiUrl(args.url)
      if (flags.none || url !== undefined) workspace.setPkiUrl(url)
      const publications = workspace.authorities().flatMap((authority) => {
        const urls = workspace.caUrlsOf(authority)
        return urls === undefined ? [] : [{ issuer: authority.subject, ...urls }]
      })
      const result = { url: workspace.settings.pkiUrl ?? null, publications }
      this.#show(result)
      return result
    } finally {
      workspace.close()
    }
  }

  #show({ url, publications }: CaUrlResult): void {
    this.log(url ?? 'no URL: certificates do not say where CRLs and OCSP are found')
    for (const { issuer, crlUrl, ocspUrl, issuerUrl } of publications) {
      this.log(issuer)
      const rows = columns([
        ['CRL', crlUrl ?? 'none: the keyUsage of the CA lacks cRLSign'],
        ['OCSP', ocspUrl],
        ['certificate', issuerUrl],
      ])
      for (const row of rows) this.log(row)
    }
  }
}
