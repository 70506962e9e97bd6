import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Credentials } from '../../support/certificates/certificates.ts'
import { issuedCredentials } from '../../support/certificates/issued-credentials.ts'
import { type CliResult, runCli } from '../../support/processes/cli.ts'
import { type Listening, ServeProcess } from '../../support/processes/serve.ts'
import { RawClient } from '../../support/streams/xmpp-client.ts'
import { PostgresServer } from './postgres-server.ts'

/** Workspaces of two machines with one database: one is a copy of the other, and each goes its way. */
interface Machines {
  readonly here: string
  readonly there: string
  readonly database: string
}

interface Facts {
  /** Who has a certificate. */
  readonly users: readonly string[]
  /** More of the configuration. */
  readonly settings?: string
}

export class TwoMachines {
  readonly folder = mkdtempSync(join(tmpdir(), 'xmppki-machines-'))
  readonly server: PostgresServer
  readonly #template = join(this.folder, 'template')
  readonly #settings: string
  #serving: ServeProcess[] = []
  #clients: RawClient[] = []

  private constructor(server: PostgresServer, settings: string) {
    this.server = server
    this.#settings = settings
  }

  static async create({ users, settings = '' }: Facts): Promise<TwoMachines> {
    const machines = new TwoMachines(await PostgresServer.start(), settings)
    try {
      await machines.run(['ca', 'init', '--no-passphrase'])
      await machines.run(['server', 'issue', 'localhost'])
      await machines.run(['client', 'issue', ...users])
      return machines
    } catch (error) {
      await machines.remove()
      throw error
    }
  }

  /** Two that nothing has happened to. */
  async renew(): Promise<Machines> {
    const id = mkdtempSync(join(this.folder, 'machines-'))
    const machines = { here: join(id, 'here'), there: join(id, 'there'), database: await this.server.createDatabase() }
    for (const home of [machines.here, machines.there]) {
      cpSync(this.#template, home, { recursive: true })
      writeFileSync(join(home, 'database.url'), `${this.server.url(machines.database)}\n`, { mode: 0o600 })
      writeFileSync(join(home, 'xmppki.toml'), `[store]\nurl_file = "database.url"\n${this.#settings}`)
    }
    return machines
  }

  async run(args: string[], home = this.#template): Promise<CliResult> {
    const result = await runCli([...args, '--home', home])
    expect(result.code, result.stderr).toBe(0)
    return result
  }

  async serve(home: string): Promise<Listening & { readonly process: ServeProcess }> {
    const process = new ServeProcess(['--home', home])
    this.#serving.push(process)
    return { ...(await process.listening()), process }
  }

  /** What the servers have logged since {@link clear}. */
  get logs(): string {
    return this.#serving.map(({ stderr }) => stderr).join('')
  }

  credentials(user: string): Credentials {
    return issuedCredentials(this.#template, user)
  }

  async online({ port }: Pick<Listening, 'port'>, credentials: Credentials): Promise<RawClient> {
    const client = await RawClient.online({ port, credentials })
    this.#clients.push(client)
    return client
  }

  async direct({ tlsPort }: Pick<Listening, 'tlsPort'>, credentials: Credentials): Promise<RawClient> {
    const client = await RawClient.direct({ port: tlsPort, credentials })
    this.#clients.push(client)
    return client
  }

  /** Whether EXTERNAL is offered to this user. */
  async isLetIn(server: Pick<Listening, 'tlsPort'>, user: string): Promise<boolean> {
    const client = await this.direct(server, this.credentials(user))
    return (await client.open()).includes('EXTERNAL')
  }

  /** Ends clients and servers. */
  async clear(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.destroy()
    await Promise.all(this.#serving.splice(0).map((one) => one.stop()))
  }

  async remove(): Promise<void> {
    await this.server.remove()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
