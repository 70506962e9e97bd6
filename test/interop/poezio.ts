import {
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { program } from './program.ts'
import type { ClientFiles, Service } from './service.ts'

const WAIT_MS = 30_000
const POLL_MS = 50

/** A Poezio that is left behind ends by itself. */
const LIFETIME_SECONDS = 90

/** Poezio refuses to run as root: `nobody` runs it then. */
const NOBODY = 65534

/** A Poezio with the settings that are printed for it, in a terminal and a home of its own (a private tmux server). */
export class Poezio {
  readonly #folder = mkdtempSync(join(tmpdir(), 'xmppki-poezio-'))
  readonly #socket = join(this.#folder, 'tmux')
  readonly #debugLog = join(this.#folder, 'debug.log')

  private constructor() {}

  static async start(service: Service, files: ClientFiles): Promise<Poezio> {
    const args = ['--user', files.jid, '--host', '127.0.0.1', '--port', String(service.port), '--format', 'settings']
    const settings = await service.run('config', 'render', 'client', 'poezio', ...args)
    const poezio = new Poezio()
    const config = poezio.#configure(settings, [files.certificate, files.key, service.rootCertificate])
    const command = [
      'timeout',
      '--foreground',
      String(LIFETIME_SECONDS),
      'poezio',
      '-f',
      config,
      '-d',
      poezio.#debugLog,
    ]
    poezio.#tmux('new-session', '-d', '-x', '120', '-y', '40', ...poezio.#asUser(command))
    return poezio
  }

  /** What the terminal shows. */
  get screen(): string {
    return this.#tmux('capture-pane', '-p')
  }

  /** What Poezio logged, with every element that it sent and received. */
  get log(): string {
    return existsSync(this.#debugLog) ? readFileSync(this.#debugLog, 'utf8') : ''
  }

  /** Presses one key, by its name in tmux. */
  press(key: string): void {
    this.#tmux('send-keys', key)
  }

  /** Types text and, when it is there to see, Enter: in one burst Poezio would take both for pasted text. */
  async type(text: string): Promise<void> {
    this.#tmux('send-keys', '-l', text)
    await this.shows('screen', text)
    this.press('Enter')
  }

  /** Waits until the terminal or the log shows this. */
  async shows(where: 'screen' | 'log', text: string | RegExp): Promise<void> {
    const deadline = Date.now() + WAIT_MS
    while (!this.#has(where, text)) {
      if (Date.now() > deadline) throw new Error(`no ${text} in the ${where}:\n${this[where]}`)
      await pause(POLL_MS)
    }
  }

  end(): void {
    program('tmux', ['-S', this.#socket, 'kill-server'])
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #has(where: 'screen' | 'log', text: string | RegExp): boolean {
    const content = this[where]
    return typeof text === 'string' ? content.includes(text) : text.test(content)
  }

  /** Writes the settings, with copies of the files that they name: the workspace is closed to `nobody`. */
  #configure(settings: string, files: readonly string[]): string {
    const config = join(this.#folder, 'poezio.cfg')
    const home = join(this.#folder, 'home')
    let content = `${settings}auto_reconnect = false\n`
    const copies = files.map((file) => {
      const copy = join(this.#folder, basename(file))
      copyFileSync(file, copy)
      content = content.replaceAll(file, copy)
      return copy
    })
    writeFileSync(config, content)
    mkdirSync(home)
    if (this.#isRoot) for (const path of [this.#folder, ...copies, config, home]) chownSync(path, NOBODY, NOBODY)
    return config
  }

  #asUser(command: readonly string[]): string[] {
    // /usr/games: where Debian puts some packages of this kind.
    const environment = ['HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_CACHE_HOME'].map(
      (name) => `${name}=${join(this.#folder, 'home')}`,
    )
    const settings = [...environment, 'PATH=/usr/bin:/bin:/usr/games', 'LC_ALL=C.UTF-8', 'TERM=screen-256color']
    const user = this.#isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : []
    return [...user, 'env', '-i', ...settings, ...command]
  }

  get #isRoot(): boolean {
    return process.getuid?.() === 0
  }

  #tmux(...args: string[]): string {
    const { code, output } = program('tmux', ['-S', this.#socket, '-f', '/dev/null', ...args])
    if (code !== 0) throw new Error(`tmux ${args[0]} failed: ${output}; Poezio's log:\n${this.log}`)
    return output
  }
}
