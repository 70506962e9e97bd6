import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeFolder } from '../processes/remove-folder.ts'
import { ROOT } from './documents.ts'

/** A new user's machine: an empty home and `xmppki` on the PATH. Ports are free ones, whatever is printed. */
export class NewUser {
  readonly home = mkdtempSync(join(tmpdir(), 'xmppki-manual-'))
  readonly #env: NodeJS.ProcessEnv
  #serving: ChildProcess | undefined

  constructor() {
    const bin = join(this.home, 'bin')
    mkdirSync(bin)
    symlinkSync(join(ROOT, 'bin', 'xmppki.cjs'), join(bin, 'xmppki'))
    this.#env = {
      HOME: this.home,
      PATH: `${bin}:${process.env.PATH}`,
      NO_COLOR: '1',
      COLUMNS: '200',
      XMPPKI_PORT: '0',
      XMPPKI_TLS_PORT: '0',
    }
  }

  /** Runs one line in bash; what it exports holds for the next one. @returns both streams, in the order of their writing */
  async run(command: string): Promise<string> {
    const exported = /^export (\w+)='([^']*)'$/.exec(command)
    if (exported) {
      this.#env[String(exported[1])] = exported[2]
      return ''
    }
    const child = this.#spawn(`(${command}) 2>&1`)
    let output = ''
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      output += text
    })
    await once(child, 'close')
    return output
  }

  /** Starts a command that serves until {@link stop}. @param lines how many it prints before it listens */
  async serve(command: string, lines: number): Promise<string> {
    this.#serving = this.#spawn(`exec ${command}`)
    const { stdout } = this.#serving
    let output = ''
    while (output.split('\n').length <= lines && stdout !== null) {
      const [text] = await Promise.race([once(stdout, 'data'), once(this.#serving, 'close').then(() => [undefined])])
      if (text === undefined) break
      output += text
    }
    return output
  }

  /** @returns the exit code of what serves, if anything does */
  async stop(): Promise<number | undefined> {
    const child = this.#serving
    if (child === undefined) return undefined
    this.#serving = undefined
    child.kill('SIGTERM')
    const [code] = await once(child, 'exit')
    return code
  }

  async leave(): Promise<void> {
    await this.stop()
    removeFolder(this.home)
  }

  #spawn(script: string): ChildProcess {
    return spawn('bash', ['-c', script], {
      env: this.#env,
      cwd: this.home,
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 100_000,
    })
  }
}
