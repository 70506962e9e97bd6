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
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { program } from './program.ts'
import type { ClientFiles, Service } from './service.ts'

const WAIT_MS = 30_000
const POLL_MS = 50

/** A Poezio that is left behind ends by itself. */
const LIFETIME_SECONDS = 90

/** Poezio refuses to run as root: `nobody` runs it then. */
const NOBODY = 65534

/** A Poezio in a terminal of its own (a private tmux server), with a home of its own. */
export class Poezio {
  readonly #folder = mkdtempSync(join(tmpdir(), 'xmppki-poezio-'))
  readonly #socket = join(this.#folder, 'tmux')
  readonly #debugLog = join(this.#folder, 'debug.log')

  private constructor() {}

  static start(service: Service, files: ClientFiles): Poezio {
    const poezio = new Poezio()
    const config = poezio.#configure(service, files)
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

  #configure(service: Service, files: ClientFiles): string {
    const [certificate, key, ca] = ['client.crt', 'client.key', 'root.crt'].map((name) => join(this.#folder, name)) as [
      string,
      string,
      string,
    ]
    copyFileSync(files.certificate, certificate)
    copyFileSync(files.key, key)
    copyFileSync(service.rootCertificate, ca)
    const config = join(this.#folder, 'poezio.cfg')
    const settings = {
      jid: files.jid,
      certfile: certificate,
      keyfile: key,
      ca_cert_path: ca,
      custom_host: '127.0.0.1',
      custom_port: service.port,
      auto_reconnect: false,
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
    writeFileSync(config, ['[Poezio]', ...lines, ''].join('\n'))
    mkdirSync(join(this.#folder, 'home'))
    if (this.#isRoot) {
      for (const path of [this.#folder, certificate, key, ca, config, join(this.#folder, 'home')]) {
        chownSync(path, NOBODY, NOBODY)
      }
    }
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
