import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { ClientFiles, Service } from '../../../interop/service.ts'
import { Terminal } from './terminal.ts'

/** A Poezio with the settings that are printed for it; its log has every element that it sent and received. */
export async function startPoezio(service: Service, files: ClientFiles): Promise<Terminal> {
  const args = ['--user', files.jid, '--host', '127.0.0.1', '--port', String(service.port), '--format', 'settings']
  let settings = await service.run('config', 'render', 'client', 'poezio', ...args)
  const terminal = new Terminal('poezio', 'debug.log')
  // With copies of the files that they name: the workspace is closed to `nobody`.
  for (const file of [files.certificate, files.key, service.rootCertificate]) {
    settings = settings.replaceAll(file, terminal.place(basename(file), readFileSync(file)))
  }
  const config = terminal.place('poezio.cfg', `${settings}auto_reconnect = false\n`)
  terminal.run(['poezio', '-f', config, '-d', terminal.path('debug.log')])
  return terminal
}
