import { copyFileSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LineProcess } from '../../../interop/line-process.ts'
import { program } from '../../../interop/program.ts'
import type { Service } from '../../../interop/service.ts'
import { removeFolder } from '../../../support/processes/remove-folder.ts'
import { asNobody, giveToNobody } from './nobody.ts'
import { VirtualScreen } from './virtual-screen.ts'

const SETTINGS = fileURLToPath(new URL('./gajim-settings.py', import.meta.url))

/** A Gajim that is left behind ends by itself. */
const LIFETIME_SECONDS = 300

/** A Gajim with one account, which it logs in with at once, on a screen that nobody sees. */
export class Gajim {
  readonly #home = mkdtempSync(join(tmpdir(), 'xmppki-gajim-'))
  readonly #screen = new VirtualScreen()
  #client: LineProcess | undefined

  private constructor() {}

  static async start(service: Service, jid: string, password: string): Promise<Gajim> {
    const gajim = new Gajim()
    try {
      gajim.#setUp(service, jid, password)
      const command = ['dbus-run-session', '--', 'gajim', '--separate', '--config-path', gajim.#config, '--verbose']
      gajim.#client = new LineProcess('timeout', [String(LIFETIME_SECONDS), ...asNobody(), ...command], {
        env: { ...gajim.#environment, DISPLAY: await gajim.#screen.display() },
      })
    } catch (error) {
      await gajim.end()
      throw error
    }
    return gajim
  }

  /** Waits until it has received this, or is about to send it. */
  async exchanged(element: RegExp): Promise<string> {
    if (this.#client === undefined) throw new Error('it has not been started')
    return this.#client.stderr.take((line) => element.test(line), String(element))
  }

  async end(): Promise<void> {
    await this.#client?.stop('SIGTERM')
    await this.#screen.end()
    removeFolder(this.#home)
  }

  get #config(): string {
    return join(this.#home, 'config')
  }

  get #environment(): Record<string, string> {
    const runtime = join(this.#home, 'run')
    return { PATH: '/usr/bin:/bin', HOME: this.#home, XDG_RUNTIME_DIR: runtime, LC_ALL: 'C.UTF-8' }
  }

  #setUp(service: Service, jid: string, password: string): void {
    mkdirSync(join(this.#home, 'run'), { mode: 0o700 })
    const env = { ...this.#environment, GAJIM_PASSWORD: password }
    const { code, output } = program('/usr/bin/python3', [SETTINGS, this.#config, jid, String(service.port)], { env })
    if (code !== 0) throw new Error(`the settings of Gajim cannot be written: ${output}`)
    // What users get who say yes when it asks about the certificate of the server.
    const certificate = join(service.cli.home, 'server', 'localhost', 'server.crt')
    copyFileSync(certificate, join(this.#config, 'cert_store', 'localhost'))
    const entries = readdirSync(this.#home, { recursive: true, encoding: 'utf8' })
    for (const path of ['', ...entries]) giveToNobody(join(this.#home, path))
  }
}
