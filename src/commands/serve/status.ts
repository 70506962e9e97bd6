import { XmppkiCommand } from '../../cli/base-command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { columns, styled } from '../../cli/output.ts'
import type { ServeStatus } from '../../service/admin/admin-protocol.ts'

const NAMES = { starttls: 'STARTTLS', tls: 'direct TLS', http: 'CRL and OCSP' } as const

export default class ServeStatusCommand extends XmppkiCommand<ServeStatus> {
  static override summary = 'Show whether the server of the workspace runs, since when, where, and for how many.'

  static override description = [
    'Asks the running `serve` over the socket serve.sock in the workspace, which only the user that runs it can open: process, versions, addresses that it listens on, number of clients that are online. The exit code tells whether a server answers.',
    exitCodes({ DONE: 'it runs', NOT_FOUND: 'no server runs on this workspace' }),
  ].join('\n\n')

  static override examples = [
    { description: 'Does it run?', command: '<%= config.bin %> serve status' },
    {
      description: 'The server of another workspace:',
      command: '<%= config.bin %> serve status --home /var/lib/xmppki',
    },
    {
      description: 'For monitoring, the number of clients:',
      command: '<%= config.bin %> serve status --json | jq .sessions',
    },
  ]

  async run(): Promise<ServeStatus> {
    const { flags } = await this.parse(ServeStatusCommand)
    const { askServer } = await import('../../service/admin/admin-client.ts')
    const { WorkspacePaths } = await import('../../workspace/base/paths.ts')
    const status = await askServer(new WorkspacePaths(this.homeOf(flags)).adminSocket, 'status', {})
    this.#show(status)
    return status
  }

  #show({ pid, versions, startedAt, domains, listeners, sessions }: ServeStatus): void {
    this.log(`serving ${styled('bold', domains.join(', '))}`)
    const rows = columns([
      ['process', String(pid)],
      ['since', startedAt],
      ['version', `xmppki ${versions.xmppki}, Node ${versions.node}`],
      ...listeners.map(({ mode, host, port }) => [NAMES[mode], `${host}:${port}`] as const),
      ['online', String(sessions)],
    ])
    for (const row of rows) this.log(row)
  }
}
