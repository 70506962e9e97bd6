import type { Configuration } from '../config/schema.ts'
import { XmppkiError } from '../errors.ts'
import { isListening } from '../probe/listening.ts'
import { askServer } from '../service/admin/admin-client.ts'
import type { ServeStatus } from '../service/admin/admin-protocol.ts'
import type { Workspace } from '../workspace/base/workspace.ts'
import { about, type Finding } from './finding.ts'

const LOOPBACK = /^(?:127\.|::1$|localhost$)/

/** Where `serve` runs; where it does not, whether somebody else has its ports. */
export async function examinePorts({ paths }: Workspace, { listen }: Configuration): Promise<Finding[]> {
  const note = about('ports')
  try {
    return [note('ok', described(await askServer(paths.adminSocket, 'status', {})))]
  } catch (error) {
    if (!(error instanceof XmppkiError)) throw error
    if (error.code !== 'NOT_FOUND') return [note('note', error.message, error.hint)]
  }
  const places = listen.http === undefined ? listen.c2s : [...listen.c2s, listen.http]
  const findings: Finding[] = []
  for (const { ip_address: address, port } of places) {
    // Port 0 is another one every time.
    if (port === 0 || !(await isListening(address, port))) continue
    const text = `serve does not run, and another program has port ${port} of ${address}`
    findings.push(note('failed', text, `find it with: ss -ltnp 'sport = :${port}'`))
  }
  return findings.length > 0 ? findings : [note('note', 'serve does not run, and nobody else has its ports')]
}

function described({ listeners }: ServeStatus): string {
  const places = listeners.map(({ host, port }) => `${host} port ${port}`).join(', ')
  const isPrivate = listeners.filter(({ mode }) => mode !== 'http').every(({ host }) => LOOPBACK.test(host))
  return `serve runs: ${places}${isPrivate ? '; only this machine can connect, see --host' : ''}`
}
