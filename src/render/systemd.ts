import { fill } from './fill.ts'
import { systemdWord } from './quote.ts'
import type { ReadTemplate } from './rendered-server.ts'

/**
 * The unit of `xmppki serve`.
 * @param program the words that start xmppki, the first one an absolute path
 * @throws {XmppkiError} BAD_INPUT
 */
export function renderSystemd(
  { domain, program, command }: { domain: string; program: readonly string[]; command: string },
  read: ReadTemplate,
): string {
  return fill(read, 'systemd/xmppki.service', {
    command,
    domain,
    program: program.map(systemdWord).join(' '),
  })
}
