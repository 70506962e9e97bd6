import { readFileSync } from 'node:fs'
import { Client, Pool, type PoolClient, type PoolConfig } from 'pg'
import { XmppkiError } from '../../errors.ts'
import type { Listening } from '../revocations.ts'
import { migrate } from './migrations.ts'
import { inTransaction, type Query } from './query.ts'
import { explainedBy, isRefusal } from './sql-errors.ts'
import { type PostgresTarget, parsePostgresUrl } from './url.ts'

/** A server of 100 connections serves several processes of ours. */
const MAX_CONNECTIONS = 8
/** To connect, and to wait for one of those connections. A login that waits for it is refused, not forgotten. */
const CONNECT_MS = 3_000
/** For one statement, waiting for locks included: by the server, and by us when the server does not answer any more. */
const STATEMENT_MS = 5_000
const ANSWER_MS = STATEMENT_MS + 1_000
/** In a transaction whose process stands still; what it has locked is free again after that. */
const IDLE_IN_TRANSACTION_MS = 30_000
const KEEP_ALIVE_MS = 10_000
/** For connections to end when the store is closed. */
const CLOSE_MS = 2_000

/**
 * Connections to one PostgreSQL database whose tables are up to date. While the server is away every call rejects with
 * UNAVAILABLE, and each one tries again: there is nothing to restart.
 */
export class PostgresDatabase {
  readonly #pool: Pool
  readonly #config: PoolConfig
  readonly #place: string
  #migration: Promise<void> | undefined

  /** Connects to nothing yet. @throws {XmppkiError} BAD_INPUT, IO about the file with the CA */
  constructor(url: string) {
    const target = parsePostgresUrl(url)
    this.#place = `${target.database} at ${target.host}`
    this.#config = poolConfig(target)
    this.#pool = new Pool(this.#config)
    // Connections that end while nobody uses them, which the next call replaces. Without a listener it would end the process.
    this.#pool.on('error', () => undefined)
  }

  /** Connects and brings the tables up to date. @throws {XmppkiError} UNAVAILABLE, CORRUPT, IO */
  async prepare(): Promise<void> {
    this.#migration ??= this.#withClient((query) => migrate(query, `the database ${this.#place}`)).catch(
      (error: unknown) => {
        this.#migration = undefined
        throw error
      },
    )
    await this.#migration
  }

  /** Connects and leaves the tables alone. @throws {XmppkiError} UNAVAILABLE, IO */
  async reach(): Promise<void> {
    await this.#withClient((query) => query('SELECT 1'))
  }

  /** @throws {XmppkiError} UNAVAILABLE, CORRUPT, IO */
  async query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    await this.prepare()
    return this.#withClient((query) => query<Row>(text, values))
  }

  /**
   * Runs `work` in one transaction, `READ COMMITTED`. When the connection is lost before the answer to COMMIT this rejects,
   * though the server may have committed. @throws {XmppkiError} UNAVAILABLE, CORRUPT, IO; what `work` throws
   */
  async transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    await this.prepare()
    return this.#withClient((query) => inTransaction(query, work))
  }

  /**
   * Hears of every NOTIFY on a channel, over a connection of its own. @throws {XmppkiError} UNAVAILABLE, CORRUPT, IO
   */
  async listen(channel: string, onNews: () => void): Promise<Listening> {
    await this.prepare()
    const client = new Client(this.#config)
    let isOpen = true
    client.on('error', () => undefined)
    client.on('end', () => {
      isOpen = false
    })
    client.on('notification', onNews)
    try {
      await client.connect()
      await client.query(`LISTEN ${channel}`)
    } catch (error) {
      void client.end().catch(() => undefined)
      throw explainedBy(error, this.#place)
    }
    return {
      get isOpen() {
        return isOpen
      },
      close: () => withPatience(client.end()),
    }
  }

  /** Waits for what is under way, though not for a server that is silent. */
  close(): Promise<void> {
    return withPatience(this.#pool.end())
  }

  async #withClient<T>(work: (query: Query) => Promise<T>): Promise<T> {
    let client: PoolClient | undefined
    let failure: unknown
    // What a connection says while it is lost is also what its statement rejects with.
    const ignore = () => undefined
    try {
      client = await this.#pool.connect()
      client.on('error', ignore)
      return await work(queryOf(client))
    } catch (error) {
      failure = error
      throw explainedBy(error, this.#place)
    } finally {
      client?.off('error', ignore)
      client?.release(failure !== undefined && !isRefusal(failure))
    }
  }
}

async function withPatience(end: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_MS)
  })
  await Promise.race([end, patience])
  clearTimeout(timer)
}

function queryOf(client: PoolClient): Query {
  return async <Row>(text: string, values: readonly unknown[] = []) => {
    const { rows } = await client.query(text, [...values])
    return rows as Row[]
  }
}

function poolConfig({ host, port, database, user, password, tls, caFile }: PostgresTarget): PoolConfig {
  return {
    host,
    port,
    database,
    user,
    ...(password === undefined ? {} : { password }),
    ssl: tls ? { rejectUnauthorized: true, ...(caFile === undefined ? {} : { ca: readCa(caFile) }) } : false,
    application_name: 'xmppki',
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    query_timeout: ANSWER_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  }
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new XmppkiError('IO', `cannot read ${path}, the sslrootcert of the database: ${code}`, { cause })
  }
}
