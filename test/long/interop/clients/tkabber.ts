import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LineProcess } from '../../../interop/line-process.ts'
import { program } from '../../../interop/program.ts'
import type { ClientFiles, Service } from '../../../interop/service.ts'
import { removeFolder } from '../../../support/processes/remove-folder.ts'
import { VirtualScreen } from './virtual-screen.ts'

/** A Tkabber that is left behind ends by itself. */
const LIFETIME_SECONDS = 300

/** A Tkabber that is set up as `config render client` says, on a screen that nobody sees, with a home of its own. */
export class Tkabber {
  readonly #home = mkdtempSync(join(tmpdir(), 'xmppki-tkabber-'))
  readonly #screen = new VirtualScreen()
  #client: LineProcess | undefined

  private constructor() {}

  static async start(service: Service, { jid }: ClientFiles): Promise<Tkabber> {
    const tkabber = new Tkabber()
    try {
      await tkabber.#setUp(service, jid)
      const display = await tkabber.#screen.display()
      tkabber.#client = new LineProcess('timeout', [String(LIFETIME_SECONDS), 'tkabber'], {
        env: { PATH: process.env['PATH'], HOME: tkabber.#home, DISPLAY: display, LC_ALL: 'C.UTF-8' },
      })
    } catch (error) {
      await tkabber.end()
      throw error
    }
    return tkabber
  }

  async end(): Promise<void> {
    await this.#client?.stop('SIGTERM')
    await this.#screen.end()
    removeFolder(this.#home)
  }

  async #setUp(service: Service, jid: string): Promise<void> {
    const args = ['config', 'render', 'client', 'tkabber', '--user', jid]
    const address = ['--host', '127.0.0.1', '--port', String(service.port)]
    const steps = await service.run(...args, ...address)
    const settings = await service.run(...args, ...address, '--format', 'settings')
    const [commands = ''] = /^mkdir .*\n.*$/m.exec(steps) ?? []
    const { code, output } = program('sh', ['-euc', commands], { env: { HOME: this.#home } })
    if (code !== 0) throw new Error(`the commands for Tkabber failed: ${output}\n${steps}`)
    writeFileSync(join(this.#home, '.tkabber', 'config.tcl'), `${settings}set autologin 1\n`)
  }
}
