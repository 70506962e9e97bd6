import { Args } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { table } from '../../cli/table.ts'
import type { ListedSession } from '../../service/admin/admin-protocol.ts'
import { parseSessionJid } from './session-jid.ts'

/** The result of `session list`. */
export interface SessionListResult {
  readonly sessions: readonly ListedSession[]
}

export default class SessionList extends XmppkiCommand<SessionListResult> {
  static override summary = 'List who is logged in at the running server.'

  static override description = [
    'Asks the running `serve` over the socket serve.sock in the workspace, which only the user that runs it can open. For every client that has bound a resource: its address, since when, the version of TLS, how it logged in, the serial number of its certificate (see `client list`) and where it comes from.',
    exitCodes({ NOT_FOUND: 'no server runs on this workspace' }),
  ].join('\n\n')

  static override examples = [
    { description: 'Everybody:', command: '<%= config.bin %> session list' },
    { description: 'The sessions of one account:', command: '<%= config.bin %> session list alice@example.org' },
    {
      description: 'In a script, the addresses:',
      command: '<%= config.bin %> session list --json | jq -r ".sessions[].jid"',
    },
  ]

  static override args = {
    jid: Args.string({ description: 'only the sessions of this account (bare JID)', ignoreStdin: true }),
  }

  async run(): Promise<SessionListResult> {
    const { args, flags } = await this.parse(SessionList)
    const { askServer } = await import('../../service/admin/admin-client.ts')
    const { WorkspacePaths } = await import('../../workspace/base/paths.ts')
    const account = args.jid === undefined ? undefined : parseSessionJid(args.jid).bare()
    const { sessions } = await askServer(new WorkspacePaths(this.homeOf(flags)).adminSocket, 'sessions', {})
    const wanted = sessions.filter(({ jid }) => account === undefined || jid.startsWith(`${account}/`))
    await this.#show(wanted)
    return { sessions: wanted }
  }

  async #show(sessions: readonly ListedSession[]): Promise<void> {
    if (sessions.length === 0) {
      this.log('nobody is logged in')
      return
    }
    const rows = sessions.map(({ jid, since, tls, mechanism, serial, remote }) => {
      return [jid, since, tls ?? 'none', mechanism, serial ?? '-', remote]
    })
    for (const line of await table(['jid', 'since', 'tls', 'login', 'serial', 'remote'], rows)) this.log(line)
  }
}
