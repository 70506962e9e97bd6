import { Args } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { type NamedClient, parseClientNames } from '../../cli/client-names.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { deviceFlag, domainFlag } from '../../cli/flags.ts'
import { columns, day, harmless, styled } from '../../cli/output.ts'
import { XmppkiError } from '../../errors.ts'
import { REFUSALS } from '../../trust/refusal.ts'
import type { ClientJudge } from '../../workspace/clients/client-judge.ts'
import type { ListedClient } from '../../workspace/clients/list-clients.ts'

/** The result of `client show`. */
export interface ClientShowResult {
  readonly jid: string
  /** By device, the newest first. */
  readonly certificates: readonly ListedClient[]
}

export default class ClientShow extends XmppkiCommand<ClientShowResult> {
  static override summary = 'Show every certificate of a user.'

  static override description = [
    'All that the ledger knows about the certificates of NAME, a username (alice) or a bare JID (alice@example.org): state, validity, serial number, fingerprint, folder, last login, and when and why it was revoked. Needs no key and changes nothing.',
    'The states are those of `client list`, where expiring means that less than 30 days are left. A certificate whose file is there is judged as `serve` does it, unless its configuration says otherwise: what speaks against it is named, with what to do about it.',
    'The exit code is 4 when the user never had a certificate.',
    exitCodes({ NOT_FOUND: 'the user never had a certificate', CORRUPT: 'files and ledger disagree' }),
  ].join('\n\n')

  static override examples = [
    { description: 'A user at the domain of the workspace:', command: '<%= config.bin %> client show alice' },
    { description: 'One device only:', command: '<%= config.bin %> client show alice@example.org --device phone' },
    {
      description: 'The folder of the certificate that is in use:',
      command:
        '<%= config.bin %> client show alice --json | jq -r \'.certificates[] | select(.state == "valid").directory\'',
    },
  ]

  static override args = {
    name: Args.string({ description: 'username or bare JID', required: true, ignoreStdin: true }),
  }

  static override flags = {
    domain: domainFlag({
      summary: 'domain of a name without one (default: that of the workspace)',
      env: 'XMPPKI_DOMAIN',
    }),
    device: deviceFlag({ summary: 'only the certificates for this device', env: 'XMPPKI_DEVICE' }),
  }

  async run(): Promise<ClientShowResult> {
    const { args, flags } = await this.parse(ClientShow)
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const { listClients } = await import('../../workspace/clients/list-clients.ts')
    const { parsePeriod } = await import('../../workspace/base/period.ts')
    const workspace = openWorkspace(this.homeOf(flags), { warn: (text) => this.sayWarning(text) })
    try {
      const domain = flags.domain ?? workspace.defaultDomain
      const [client] = parseClientNames([args.name], { domain, explicit: flags.domain !== undefined })
      const jid = client?.jid.toString() ?? ''
      const all = listClients(workspace, { jid, expiring: parsePeriod('30d') })
      const wanted = all.filter(({ device }) => flags.device === undefined || device === flags.device)
      if (wanted.length === 0) throw neverIssued(jid, flags.device)
      const { ClientJudge } = await import('../../workspace/clients/client-judge.ts')
      const judge = new ClientJudge(workspace, new Date())
      const certificates = wanted.map((certificate) => judged(certificate, client, judge))
      for (const certificate of certificates) this.#show(certificate)
      return { jid, certificates }
    } finally {
      workspace.close()
    }
  }

  #show(certificate: ListedClient): void {
    const { jid, device, state, serial, fingerprint, notBefore, notAfter, directory } = certificate
    const { revokedAt, revocationReason, lastLogin } = certificate
    const revocation: [string, string][] =
      revokedAt === undefined ? [] : [['revoked on', `${day(revokedAt)} (${revocationReason ?? 'unspecified'})`]]
    this.log(styled('bold', device === '' ? jid : `${jid} (${device})`))
    const rows = columns([
      ['state', state],
      ...refusalRows(certificate),
      ...revocation,
      ['valid from', day(notBefore)],
      ['valid until', day(notAfter)],
      ['last login', lastLogin === undefined ? '-' : lastLogin.toISOString()],
      ['serial', serial],
      ['SHA-256', fingerprint],
      ['folder', directory],
    ])
    for (const row of rows) this.log(row)
  }
}

/** Its file tells more than its row, where it is there. */
function judged(certificate: ListedClient, client: NamedClient | undefined, judge: ClientJudge): ListedClient {
  if (certificate.refusal !== null || client === undefined) return certificate
  const refusal = judge.refusalOf(certificate, { jid: client.jid, device: certificate.device })
  return refusal === undefined ? certificate : { ...certificate, refusal: refusal.check, refusalReason: refusal.reason }
}

function refusalRows({ jid, refusal, refusalReason }: ListedClient): [string, string][] {
  if (refusal === null || refusalReason === undefined) return []
  return [
    ['refused', `${refusal}: ${harmless(refusalReason)}`],
    ['remedy', REFUSALS[refusal].remedy.replaceAll('NAME', jid)],
  ]
}

function neverIssued(jid: string, device: string | undefined): XmppkiError {
  const what = device === undefined ? jid : `${jid} (${device})`
  return new XmppkiError('NOT_FOUND', `${what} never had a certificate from this CA`, {
    hint: 'see who has with: xmppki client list',
  })
}
