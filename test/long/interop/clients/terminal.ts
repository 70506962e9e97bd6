import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { program } from '../../../interop/program.ts'
import { removeFolder } from '../../../support/processes/remove-folder.ts'
import { asNobody, giveToNobody } from './nobody.ts'

const WAIT_MS = 60_000
const POLL_MS = 50

/** A program that is left behind ends by itself. */
const LIFETIME_SECONDS = 300

/** A terminal of its own (a private tmux server) for one program, with a home of its own. */
export class Terminal {
  readonly #folder: string
  readonly #socket: string
  readonly #log: string

  /** @param log name of the file in its folder that the program writes its log to */
  constructor(name: string, log: string) {
    this.#folder = mkdtempSync(join(tmpdir(), `xmppki-${name}-`))
    this.#socket = join(this.#folder, 'tmux')
    this.#log = this.path(log)
    mkdirSync(this.home)
    giveToNobody(this.#folder)
    giveToNobody(this.home)
  }

  get home(): string {
    return this.path('home')
  }

  path(name: string): string {
    return join(this.#folder, name)
  }

  /** Puts a file where the program can read it. @returns its path */
  place(name: string, content: string | Uint8Array): string {
    return this.#write(this.path(name), content)
  }

  /** Puts a file into its home. @param name path below it, in a folder that is made */
  placeAtHome(name: string, content: string): void {
    const folder = join(this.home, dirname(name))
    mkdirSync(folder, { recursive: true })
    giveToNobody(folder)
    this.#write(join(this.home, name), content)
  }

  /** Runs the program with a small environment. */
  run(command: readonly string[], environment: Readonly<Record<string, string>> = {}): void {
    const home = Object.fromEntries(
      ['HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_CACHE_HOME'].map((name) => [name, this.home]),
    )
    // /usr/games: where Debian puts some packages of this kind.
    const small = { PATH: '/usr/bin:/bin:/usr/games', LC_ALL: 'C.UTF-8', TERM: 'screen-256color' }
    const settings = Object.entries({ ...home, ...small, ...environment }).map(([name, value]) => `${name}=${value}`)
    const bounded = ['timeout', '--foreground', String(LIFETIME_SECONDS), ...command]
    this.#tmux('new-session', '-d', '-x', '120', '-y', '40', ...asNobody(), 'env', '-i', ...settings, ...bounded)
  }

  /** What it shows. */
  get screen(): string {
    return this.#tmux('capture-pane', '-p')
  }

  /** What the program logged. */
  get log(): string {
    return existsSync(this.#log) ? readFileSync(this.#log, 'utf8') : ''
  }

  /** Presses one key, by its name in tmux. */
  press(key: string): void {
    this.#tmux('send-keys', key)
  }

  /** Types text and, when it is there to see, Enter: in one burst some programs would take both for pasted text. */
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
    removeFolder(this.#folder)
  }

  #has(where: 'screen' | 'log', text: string | RegExp): boolean {
    const content = this[where]
    return typeof text === 'string' ? content.includes(text) : text.test(content)
  }

  #write(path: string, content: string | Uint8Array): string {
    writeFileSync(path, content)
    giveToNobody(path)
    return path
  }

  #tmux(...args: string[]): string {
    const { code, output } = program('tmux', ['-S', this.#socket, '-f', '/dev/null', ...args])
    if (code !== 0) throw new Error(`tmux ${args[0]} failed: ${output}; the log:\n${this.log}`)
    return output
  }
}
