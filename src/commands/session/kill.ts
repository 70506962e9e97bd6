import { Args } from '@oclif/core'
import { XmppkiCommand } from '../../cli/base-command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { XmppkiError } from '../../errors.ts'
import { parseSessionJid } from './session-jid.ts'

/** The result of `session kill`. */
export interface SessionKillResult {
  /** Full JIDs. */
  readonly killed: readonly string[]
}

export default class SessionKill extends XmppkiCommand<SessionKillResult> {
  static override summary = 'End a session of the running server, or all sessions of an account.'

  static override description = [
    'JID with a resource ends that session, without one all sessions of the account. The client is told with the stream error policy-violation and disconnected. Nothing keeps it from logging in again: to lock somebody out, revoke the certificate with `client revoke`.',
    exitCodes({ NOT_FOUND: 'no such session, or no server runs on this workspace' }),
  ].join('\n\n')

  static override examples = [
    { description: 'All sessions of an account:', command: '<%= config.bin %> session kill alice@example.org' },
    { description: 'One of them:', command: '<%= config.bin %> session kill alice@example.org/phone' },
    {
      description: 'In a script, how many there were:',
      command: '<%= config.bin %> session kill alice@example.org --json | jq ".killed | length"',
    },
  ]

  static override args = {
    jid: Args.string({ description: 'bare or full JID', required: true, ignoreStdin: true }),
  }

  async run(): Promise<SessionKillResult> {
    const { args, flags } = await this.parse(SessionKill)
    const jid = parseSessionJid(args.jid).toString()
    const { askServer } = await import('../../service/admin/admin-client.ts')
    const { WorkspacePaths } = await import('../../workspace/base/paths.ts')
    const result = await askServer(new WorkspacePaths(this.homeOf(flags)).adminSocket, 'kill', { jid })
    if (result.killed.length === 0) {
      throw new XmppkiError('NOT_FOUND', `${jid} is not logged in`, { hint: 'see: xmppki session list' })
    }
    for (const killed of result.killed) this.log(`ended ${killed}`)
    return result
  }
}
