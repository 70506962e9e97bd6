import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EventLog, LogEntry } from '../../../src/store/event-log.ts'
import { PostgresDatabase } from '../../../src/store/postgres/database.ts'
import { PostgresEventLog } from '../../../src/store/postgres/event-log.ts'
import { PostgresServer } from '../../interop/databases/postgres-server.ts'
import { LineProcess } from '../../interop/line-process.ts'
import { bundleScript, type Script } from '../../support/processes/bundle-script.ts'
import { appendGroup, GROUP, OWNERS, openLog, type Place } from './event-log-place.ts'
import type { Order } from './event-log-process.ts'

/** Several times what a batch may wait for; one that waits for ever waits longer. */
const LONG_MS = 60_000

let folder: string
let server: PostgresServer
let script: Script
let count = 0
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-log-faults-'))
  script = await bundleScript('test/long/interop/event-log-process.ts', folder)
  server = await PostgresServer.start()
})
afterAll(async () => {
  await server.remove()
  rmSync(folder, { recursive: true })
})

const inFile = async (): Promise<Place> => ({ url: undefined, path: join(folder, `user-data-${count++}.db`) })
const inPostgres = async (): Promise<Place> => ({ url: server.url(await server.createDatabase()), path: '' })
const started = (order: Order) =>
  new LineProcess(process.execPath, [script.path, JSON.stringify(order)], { env: script.env })

/** All entries of an owner, page by page. */
async function everything(log: EventLog, owner: string): Promise<LogEntry[]> {
  const all: LogEntry[] = []
  for (let complete = false; !complete; ) {
    const page = await log.page(owner, { after: all.at(-1)?.id, max: 1_000, from: 'oldest' })
    all.push(...page.entries)
    complete = page.complete
  }
  return all
}

/** What was acknowledged is there, everything is in the order in which it was appended, and no group is there by half. */
async function expectWhole(log: EventLog, acknowledged: readonly string[]): Promise<void> {
  const there = new Set<string>()
  const groups = new Map<string, number>()
  for (const owner of OWNERS) {
    const entries = await everything(log, owner)
    const texts = entries.map(({ text }) => text)
    expect(texts.toSorted()).toEqual(texts)
    expect(entries.map(({ id }) => id).toSorted()).toEqual(entries.map(({ id }) => id))
    for (const { id, text } of entries) {
      there.add(id)
      const group = text.split('/')[0] ?? ''
      groups.set(group, (groups.get(group) ?? 0) + 1)
    }
  }
  expect(acknowledged.filter((id) => !there.has(id))).toEqual([])
  expect([...groups].filter(([, size]) => size !== GROUP)).toEqual([])
}

describe.each([
  { store: 'sqlite', place: inFile },
  { store: 'postgres', place: inPostgres },
])('$store: a process that is killed while it appends', ({ place }) => {
  it('leaves what it was told is durable, in order, and nothing by half', async () => {
    const where = await place()
    const acknowledged: string[] = []
    for (const round of [1, 2, 3]) {
      const victim = started({ ...where, first: round * 1_000_000 })
      for (let groups = 0; groups < 40 * round; groups++) await victim.take('stdout', { event: 'durable' })
      expect(await victim.stop('SIGKILL'), victim.stderr.text).toEqual({ code: null, signal: 'SIGKILL' })
      const lines = victim.stdout.text.split('\n')
      acknowledged.push(...lines.flatMap((line) => (JSON.parse(line) as { ids: string[] }).ids))
    }
    const { log, close } = await openLog(where)
    await expectWhole(log, acknowledged)
    const { ids, durable } = appendGroup(log, 9_000_000)
    await durable
    await expectWhole(log, [...acknowledged, ...ids])
    await close()
  })
})

/** Appends groups, one after the other, until it is told to stop, and keeps what was acknowledged. */
class Load {
  readonly acknowledged: string[] = []
  /** Codes of what was rejected. */
  readonly failures = new Set<unknown>()
  /** Milliseconds of the slowest rejection. */
  slowest = 0
  readonly #work: Promise<void>
  #isOver = false
  #rejections = 0
  #waiting: (() => void)[] = []

  constructor(log: EventLog) {
    this.#work = this.#run(log)
  }

  /** Resolves when so many more entries are durable. */
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
    await this.#work
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  async #run(log: EventLog): Promise<void> {
    for (let number = 1; !this.#isOver; number++) {
      const began = performance.now()
      const { ids, durable } = appendGroup(log, number)
      try {
        await durable
        this.acknowledged.push(...ids)
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
  it.each(['crash', 'stop'] as const)('and comes back (%s): appends fail meanwhile, nothing is lost', async (end) => {
    const { log, close } = await openLog(await inPostgres())
    const load = new Load(log)
    for (let round = 0; round < 2; round++) {
      await load.more(20 * GROUP)
      await server[end]()
      await load.failure()
      await expect(log.count(OWNERS[0] ?? '')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
      await server.start()
    }
    await load.more(20 * GROUP)
    await load.end()
    expect([...load.failures]).toEqual(['UNAVAILABLE'])
    expect(load.slowest).toBeLessThan(LONG_MS)
    await expectWhole(log, load.acknowledged)
    await close()
  })

  it('before the first append: it fails, and what is appended later is kept', async () => {
    const { url = '' } = await inPostgres()
    await server.stop()
    const database = new PostgresDatabase(url)
    const log = new PostgresEventLog(database, 'archive')
    await expect(log.prepare()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(appendGroup(log, 1).durable).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await server.start()
    const { ids, durable } = appendGroup(log, 2)
    await durable
    await expectWhole(log, ids)
    await database.close()
  })
})
