import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LineProcess } from './line-process.ts'
import { program } from './program.ts'
import type { ClientFiles, Service } from './service.ts'

/** A Tkabber that is left behind ends by itself. */
const LIFETIME_SECONDS = 90

/** A Tkabber that is set up as `config render client` says, on a screen that nobody sees, with a home of its own. */
export class Tkabber {
  readonly #home = mkdtempSync(join(tmpdir(), 'xmppki-tkabber-'))
  readonly #screen: LineProcess
  #client: LineProcess | undefined

  private constructor() {
    const options = ['-displayfd', '1', '-nolisten', 'tcp', '-screen', '0', '800x600x24']
    this.#screen = new LineProcess('timeout', [String(LIFETIME_SECONDS), 'Xvfb', ...options])
  }

  static async start(service: Service, { jid }: ClientFiles): Promise<Tkabber> {
    const tkabber = new Tkabber()
    try {
      await tkabber.#setUp(service, jid)
      // It finds a free one and says which.
      const display = await tkabber.#screen.stdout.take((line) => /^\d+$/.test(line), 'the number of a display')
      tkabber.#client = new LineProcess('timeout', [String(LIFETIME_SECONDS), 'tkabber'], {
        env: { PATH: process.env['PATH'], HOME: tkabber.#home, DISPLAY: `:${display}`, LC_ALL: 'C.UTF-8' },
      })
    } catch (error) {
      await tkabber.end()
      throw error
    }
    return tkabber
  }

  async end(): Promise<void> {
    await this.#client?.stop('SIGTERM')
    await this.#screen.stop('SIGTERM')
    rmSync(this.#home, { recursive: true, force: true })
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
