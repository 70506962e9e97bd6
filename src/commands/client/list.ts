import { Flags } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { day, holderText, styled } from '../../cli/output.ts'
import { table } from '../../cli/table.ts'
import { EXIT_CODES } from '../../errors.ts'
import { type Period, parsePeriod } from '../../workspace/base/period.ts'
import { CLIENT_STATES, type ClientState, type ListedClient } from '../../workspace/clients/list-clients.ts'

/** The result of `client list`. */
export interface ClientListResult {
  readonly clients: readonly ListedClient[]
}

const DEFAULT_EXPIRING = '30d'

const STYLES = { valid: 'green', expiring: 'yellow', superseded: 'dim', expired: 'red', revoked: 'red' } as const

export default class ClientList extends XmppkiCommand<ClientListResult> {
  static override summary = 'List the client certificates of the workspace and what they are good for.'

  static override description = [
    'One row for each certificate in the ledger: the user, the device, the state, the last day of validity, the last login that `serve` has seen, and the serial number. Needs no key and changes nothing.',
    'The states: valid; expiring, which is valid but not for long; superseded, which is valid although the user has a newer one for the same device; expired; revoked. What a CA has issued that was revoked or has expired is so as well. With --json `refusal` is why `serve` refuses it, as far as ledger and CAs tell without reading the certificate; `client show` reads it.',
    'For monitoring: with --expiring only certificates are listed that end within this period and have no newer one, and the exit code is 10 when there are any, 0 when there are none. Errors have other exit codes.',
    exitCodes({
      NOT_FOUND: 'there is no CA',
      CORRUPT: 'files and ledger disagree',
      EXPIRING: '--expiring has found some',
    }),
  ].join('\n\n')

  static override examples = [
    { description: 'All of them:', command: '<%= config.bin %> client list' },
    {
      description: 'Who needs a new certificate within a month; exit code 10 when somebody does:',
      command: '<%= config.bin %> client list --expiring 30d',
    },
    {
      description: 'The serial numbers of everything revoked:',
      command: "<%= config.bin %> client list --state revoked --json | jq -r '.clients[].serial'",
    },
  ]

  static override flags = {
    expiring: Flags.custom<Period>({
      summary: 'only certificates that end within this time: 30d, 12h, 2w, or a part of their validity: 25%',
      helpValue: 'PERIOD',
      env: 'XMPPKI_EXPIRING',
      parse: async (text) => parsePeriod(text),
    })(),
    state: Flags.option({
      summary: 'only certificates in this state; may be given several times',
      options: CLIENT_STATES,
      multiple: true,
      exclusive: ['expiring'],
      env: 'XMPPKI_LIST_STATE',
    })(),
  }

  async run(): Promise<ClientListResult> {
    const { flags } = await this.parse(ClientList)
    const { openWorkspace } = await import('../../workspace/base/workspace.ts')
    const { listClients } = await import('../../workspace/clients/list-clients.ts')
    const workspace = openWorkspace(this.homeOf(flags), { warn: (text) => this.sayWarning(text) })
    try {
      workspace.root()
      const all = listClients(workspace, { expiring: flags.expiring ?? parsePeriod(DEFAULT_EXPIRING) })
      const wanted: readonly ClientState[] =
        flags.expiring === undefined ? (flags.state ?? CLIENT_STATES) : ['expiring']
      const clients = all.filter(({ state }) => wanted.includes(state))
      if (flags.expiring !== undefined && clients.length > 0) process.exitCode = EXIT_CODES.EXPIRING
      await this.#show(clients, all.length)
      return { clients }
    } finally {
      workspace.close()
    }
  }

  async #show(clients: readonly ListedClient[], total: number): Promise<void> {
    if (clients.length === 0) {
      this.say(total === 0 ? 'no client certificates; make one with: xmppki client issue NAME' : 'none of them')
      return
    }
    const rows = clients.map(({ jid, device, state, notAfter, lastLogin, serial }) => [
      holderText(jid),
      device || '-',
      state,
      day(notAfter),
      lastLogin === undefined ? '-' : day(lastLogin),
      serial,
    ])
    const columns = ['user', 'device', 'state', 'valid until', 'last login', 'serial']
    const [heading = '', ...lines] = await table(columns, rows)
    this.log(styled('bold', heading))
    // After the padding: escape sequences have no width on the screen.
    for (const [index, line] of lines.entries()) {
      const state = clients[index]?.state ?? 'valid'
      this.log(line.replace(` ${state} `, ` ${styled(STYLES[state], state)} `))
    }
  }
}
