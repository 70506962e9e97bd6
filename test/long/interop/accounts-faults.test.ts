import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Accounts } from '../../../src/store/accounts.ts'
import { openAccounts } from '../../../src/store/open/open-accounts.ts'
import { PostgresServer } from '../../interop/databases/postgres-server.ts'
import { LineProcess } from '../../interop/line-process.ts'
import { account, keysOf } from '../../store/accounts-contract.ts'
import { bundleScript, type Script } from '../../support/processes/bundle-script.ts'
import type { Order } from './accounts-process.ts'

/** Several times what a call may wait for; somebody who waits for ever waits longer. */
const LONG_MS = 60_000

let folder: string
let server: PostgresServer
let script: Script
let count = 0
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-faults-'))
  script = await bundleScript('test/long/interop/accounts-process.ts', folder)
  server = await PostgresServer.start()
})
afterAll(async () => {
  await server.remove()
  rmSync(folder, { recursive: true })
})

type Place = Omit<Order, 'work'>
const inFile = async (): Promise<Place> => ({ url: undefined, path: join(folder, `accounts-${count++}.db`) })
const inPostgres = async (): Promise<Place> => ({ url: server.url(await server.createDatabase()), path: '' })
const started = (order: Order) =>
  new LineProcess(process.execPath, [script.path, JSON.stringify(order)], { env: script.env })

describe.each([
  { store: 'sqlite', place: inFile },
  { store: 'postgres', place: inPostgres },
])('$store: processes', ({ place }) => {
  it('may begin at once with a new database', async () => {
    const where = await place()
    const jids = Array.from({ length: 4 }, (_, index) => `u${index}@example.org`)
    const processes = jids.map((jid) => started({ ...where, work: { create: jid } }))
    for (const one of processes) {
      await one.take('stdout', { event: 'created', conflict: null })
      expect(await one.ended, one.stderr.text).toEqual({ code: 0, signal: null })
    }
    const accounts = await openAccounts(where)
    expect((await accounts.list()).map(({ jid }) => jid)).toEqual(jids)
    await accounts.close()
  })

  it('that are killed in an import leave nothing of it, and no lock', async () => {
    const where = await place()
    const accounts = await openAccounts(where)
    await accounts.create(account('u7@example.org'), {})
    const victim = started({ ...where, work: { import: 20_000 } })
    await victim.take('stdout', { event: 'halfway' })
    expect(await accounts.list()).toStrictEqual([account('u7@example.org')])
    expect(await victim.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' })
    expect(await accounts.create(account('u8@example.org'), { perDomain: 2 })).toBeUndefined()
    expect(await accounts.list()).toStrictEqual([account('u7@example.org'), account('u8@example.org')])
    await accounts.close()
  })
})

/** Makes accounts and looks for them until it is told to stop, and keeps what it was answered. */
class Load {
  readonly acknowledged: string[] = []
  /** Codes of what was rejected. */
  readonly failures = new Set<unknown>()
  /** Milliseconds of the slowest rejection. */
  slowest = 0
  #isOver = false
  #rejections = 0
  readonly #accounts: Accounts
  readonly #workers: Promise<void>[]
  #waiting: (() => void)[] = []

  constructor(accounts: Accounts, workers: number) {
    this.#accounts = accounts
    this.#workers = Array.from({ length: workers }, (_, worker) => this.#work(worker))
  }

  /** Resolves when so many more have been made. */
  async more(wanted: number): Promise<void> {
    const goal = this.acknowledged.length + wanted
    await this.#until(() => this.acknowledged.length >= goal)
  }

  /** Resolves at the next rejection. */
  async failure(): Promise<void> {
    const before = this.#rejections
    await this.#until(() => this.#rejections > before)
  }

  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#workers)
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  async #work(worker: number): Promise<void> {
    for (let number = 0; !this.#isOver; number++) {
      const jid = `u${number}@domain-${worker}.example`
      const began = performance.now()
      try {
        const conflict = await this.#accounts.create(account(jid), {})
        expect(conflict).toBeUndefined()
        this.acknowledged.push(jid)
        expect(await this.#accounts.find(jid)).toStrictEqual(account(jid))
      } catch (error) {
        this.failures.add(error instanceof Error && 'code' in error ? error.code : error)
        this.slowest = Math.max(this.slowest, performance.now() - began)
        this.#rejections++
      }
      for (const wake of this.#waiting.splice(0)) wake()
    }
  }
}

describe('a PostgreSQL server that goes away', () => {
  it.each(['crash', 'stop'] as const)('and comes back (%s): calls fail meanwhile, nothing is lost', async (end) => {
    const accounts = await openAccounts(await inPostgres())
    const load = new Load(accounts, 4)
    for (let round = 0; round < 3; round++) {
      await load.more(20)
      await server[end]()
      await load.failure()
      await expect(accounts.find('u0@domain-0.example')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
      await server.start()
    }
    await load.more(20)
    await load.end()
    expect([...load.failures]).toEqual(['UNAVAILABLE'])
    expect(load.slowest).toBeLessThan(LONG_MS)
    const there = new Map((await accounts.list()).map((one) => [one.jid, one]))
    for (const jid of load.acknowledged) expect(there.get(jid)).toStrictEqual(account(jid))
    // What was not acknowledged may be there all the same, but whole.
    for (const [jid, one] of there) expect(one).toStrictEqual(account(jid))
    await accounts.close()
  })

  it('while nobody asks: the next call that finds it is as good as any', async () => {
    const accounts = await openAccounts(await inPostgres())
    await accounts.create(account('alice@example.org'), {})
    await server.stop()
    await server.start()
    const changed = async () => accounts.setKeys('alice@example.org', keysOf('new'), 2).catch(() => false)
    while (!(await changed())) {}
    expect((await accounts.find('alice@example.org'))?.keys).toStrictEqual(keysOf('new'))
    await accounts.close()
  })

  it('before the first call: told to whoever wants to know, and made up for later', async () => {
    const place = await inPostgres()
    await server.stop()
    await expect(openAccounts(place)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    const told: string[] = []
    const accounts = await openAccounts({ ...place, onUnavailable: ({ code }) => told.push(code) })
    expect(told).toEqual(['UNAVAILABLE'])
    await server.start()
    expect(await accounts.create(account('alice@example.org'), {})).toBeUndefined()
    expect(await accounts.list()).toHaveLength(1)
    await accounts.close()
  })

  it('and falls silent: whoever asks is not kept waiting for ever', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const { port } = silent.address() as { port: number }
    const began = performance.now()
    const accounts = await openAccounts({
      url: `postgres://u:sesame@127.0.0.1:${port}/d`,
      path: '',
      onUnavailable: () => undefined,
    })
    await expect(accounts.find('alice@example.org')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(performance.now() - began).toBeLessThan(LONG_MS)
    await accounts.close()
    silent.close()
  })
})
