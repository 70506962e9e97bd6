import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { CliHome } from '../support/processes/cli.ts'
import { LineProcess } from './line-process.ts'

const BINARY = fileURLToPath(new URL('../../bin/xmppki.cjs', import.meta.url))

/** What a client is given to log in with. */
export interface ClientFiles {
  readonly jid: string
  readonly key: string
  readonly certificate: string
  readonly p12: string
  readonly p12Password: string
}

interface IssueDocument {
  readonly issued: readonly { readonly jid: string; readonly files: Omit<ClientFiles, 'jid'> }[]
}

/** A workspace made by the real program, and its server when started. */
export class Service {
  readonly cli = new CliHome()
  readonly rootCertificate = join(this.cli.home, 'ca', 'root.crt')
  #process: LineProcess | undefined
  port = 0
  tlsPort = 0

  /** A workspace with a CA; `args` are further ones of `ca init`. */
  static async create(...args: string[]): Promise<Service> {
    const service = new Service()
    try {
      await service.run('ca', 'init', '--no-passphrase', ...args)
    } catch (error) {
      service.cli.remove()
      throw error
    }
    return service
  }

  /** Runs the program, which must succeed, and answers its standard output. */
  async run(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.cli.run(args)
    expect(code, `xmppki ${args.join(' ')}: ${stderr}`).toBe(0)
    return stdout
  }

  async issue(name: string, ...args: string[]): Promise<ClientFiles> {
    const document = JSON.parse(await this.run('client', 'issue', name, '--json', ...args)) as IssueDocument
    const [client] = document.issued
    if (client === undefined) throw new Error(`nothing was issued for ${name}`)
    return { jid: client.jid, ...client.files }
  }

  /** Makes an account with a password, and lets accounts log in beside certificates. */
  async addAccount(name: string, password: string): Promise<void> {
    const file = this.cli.path(`${name}.password`)
    writeFileSync(file, `${password}\n`, { mode: 0o600 })
    writeFileSync(join(this.cli.home, 'xmppki.toml'), '[auth]\nmethods = ["rdbms", "pki"]\n')
    await this.run('user', 'add', name, '--password-file', file)
  }

  /** Starts `serve` on free loopback ports. */
  async start(): Promise<void> {
    this.#process = new LineProcess(process.execPath, [BINARY, 'serve', '--port', '0', '--json'], {
      cwd: this.cli.folder,
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', XMPPKI_HOME: this.cli.home, XMPPKI_LOG_LEVEL: 'debug' },
    })
    const { port, tlsPort } = await this.#process.take('stdout', { event: 'listening' })
    this.port = Number(port)
    this.tlsPort = Number(tlsPort)
  }

  /** The next line of the server's log with these members. */
  logged(wanted: Record<string, unknown>): Promise<Record<string, unknown>> {
    if (this.#process === undefined) throw new Error('the server has not been started')
    return this.#process.take('stderr', wanted)
  }

  /** Stops the server as an operator would, and removes the workspace. */
  async end(): Promise<void> {
    try {
      if (this.#process === undefined) return
      expect(await this.#process.stop('SIGTERM'), this.#process.stderr.text).toEqual({ code: 0, signal: null })
    } finally {
      this.cli.remove()
    }
  }
}
