import { execFileSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { inject } from 'vitest'
import { postgresPrograms } from '../../support/processes/postgres-programs.mjs'
import { freePort } from '../free-port.ts'
import { LineProcess } from '../line-process.ts'
import { PASSWORD, unprivileged } from './postgres-template.ts'

interface Options {
  /** As `name=value` of postgresql.conf. */
  readonly settings?: readonly string[]
  /** Files that the server reads from its folder. */
  readonly files?: Readonly<Record<string, string>>
}

/** Leaves the tables that say which others there are. */
const EMPTY = `DO $$
  DECLARE names text;
  BEGIN
    SELECT string_agg(tablename, ', ') INTO names FROM pg_tables
      WHERE tablename LIKE 'xmppki%' AND tablename NOT IN ('xmppki_migration', 'xmppki_addition');
    IF names IS NOT NULL THEN EXECUTE 'TRUNCATE ' || names; END IF;
  END $$`

/** A PostgreSQL server of its own, in a temporary folder, on loopback and a socket in that folder. */
export class PostgresServer {
  readonly folder: string
  readonly #programs: string
  readonly #user: { uid?: number; gid?: number }
  readonly #settings: readonly string[]
  #port = 0
  #process: LineProcess | undefined
  #databases = 0
  #emptied: string | undefined

  private constructor({ settings = [], files = {} }: Options) {
    const programs = postgresPrograms()
    if (programs === undefined) throw new Error('PostgreSQL is not installed: run npm run test:setup')
    this.#programs = programs
    this.#user = unprivileged()
    this.#settings = settings
    this.folder = mkdtempSync(join(tmpdir(), 'xmppki-postgres-'))
    this.#give(this.folder)
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(this.folder, name), content, { mode: 0o600 })
      this.#give(join(this.folder, name))
    }
  }

  static async start(options: Options = {}): Promise<PostgresServer> {
    const server = new PostgresServer(options)
    try {
      server.#initialise()
      server.#port = await freePort()
      await server.start()
      return server
    } catch (error) {
      await server.remove()
      throw error
    }
  }

  get socketUrl(): string {
    return `postgres://postgres:${encodeURIComponent(PASSWORD)}@/postgres?host=${this.folder}&port=${this.#port}`
  }

  /** @param host how it is called; the port is that of the server */
  url(database: string, { user = database, password = PASSWORD, host = '127.0.0.1' } = {}): string {
    return `postgres://${user}:${encodeURIComponent(password)}@${host}:${this.#port}/${database}`
  }

  /** A new database that belongs to a user of the same name, who may do nothing else. */
  async createDatabase(): Promise<string> {
    const name = `database_${this.#databases++}`
    await this.sql('postgres', `CREATE ROLE ${name} LOGIN PASSWORD '${PASSWORD}'`)
    await this.sql('postgres', `CREATE DATABASE ${name} OWNER ${name}`)
    return name
  }

  /**
   * A database without rows: the same one each time, with the tables that it has got meanwhile, which takes much less
   * time than to make one. Nobody may have it open.
   */
  async emptyDatabase(): Promise<string> {
    this.#emptied ??= await this.createDatabase()
    await this.sql(this.#emptied, EMPTY)
    return this.#emptied
  }

  /** Runs a statement as the administrator. */
  async sql<Row extends object>(database: string, text: string): Promise<Row[]> {
    const client = new Client({ connectionString: this.url(database, { user: 'postgres' }) })
    client.on('error', () => undefined)
    await client.connect()
    try {
      return (await client.query<Row>(text)).rows
    } finally {
      await client.end()
    }
  }

  /** Starts it, again after {@link stop} and {@link crash}; resolves when it accepts connections. */
  async start(): Promise<void> {
    const settings = [
      'listen_addresses=127.0.0.1',
      `port=${this.#port}`,
      `unix_socket_directories=${this.folder}`,
      'max_connections=40',
      // What was acknowledged here has to survive a crash of the server, not a power failure.
      'fsync=off',
      ...this.#settings,
    ]
    const args = ['-D', join(this.folder, 'data'), ...settings.flatMap((setting) => ['-c', setting])]
    this.#process = new LineProcess(join(this.#programs, 'postgres'), args, this.#spawning())
    await this.#process.stderr.take((line) => line.includes('is ready to accept connections'), 'ready server')
  }

  /** Sessions are told that it goes ("fast"). */
  async stop(): Promise<void> {
    await this.#process?.stop('SIGINT')
  }

  /** Nothing is finished and nothing written: what counts is what is in the WAL ("immediate"). */
  async crash(): Promise<void> {
    await this.#process?.stop('SIGQUIT')
  }

  async remove(): Promise<void> {
    await this.crash()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #initialise(): void {
    // With its owner, whoever copies it.
    const args = ['-a', '--reflink=auto', inject('postgresTemplate'), join(this.folder, 'data')]
    execFileSync('cp', args, { timeout: 100_000 })
  }

  #spawning() {
    return { ...this.#user, cwd: this.folder, env: { PATH: process.env['PATH'], LC_ALL: 'C' } }
  }

  #give(path: string): void {
    const { uid, gid } = this.#user
    if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid)
  }
}
