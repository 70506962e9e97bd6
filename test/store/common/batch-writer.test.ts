import { describe, expect, it } from 'vitest'
import { BatchWriter } from '../../../src/store/common/batch-writer.ts'
import type { EventRow } from '../../../src/store/common/event-rows.ts'

const row = (text: string, owner = 'alice@example.org'): EventRow => ({
  collection: 'archive',
  owner,
  id: text,
  at: 1,
  peer: '',
  resource: '',
  text,
})

/** A database that writes when it is told to, and keeps what it has been given. */
class Database {
  readonly batches: string[] = []
  readonly writer: BatchWriter
  #begun: (() => void)[] = []
  #end: { resolve(): void; reject(reason: Error): void } | undefined

  constructor() {
    this.writer = new BatchWriter((rows) => {
      this.batches.push(rows.map(({ text }) => text).join(''))
      for (const wake of this.#begun.splice(0)) wake()
      return new Promise<void>((resolve, reject) => {
        this.#end = { resolve, reject }
      })
    })
  }

  /** Resolves when it is given the next batch. */
  begin(): Promise<void> {
    return new Promise((resolve) => this.#begun.push(resolve))
  }

  end(): void {
    this.#end?.resolve()
  }

  fail(): void {
    this.#end?.reject(new Error('no room'))
  }
}

describe('BatchWriter', () => {
  it('writes what comes together together, and one batch after the other', async () => {
    const database = new Database()
    const { writer } = database
    const first = [writer.add(row('a')), writer.add(row('b', 'bob@example.org'))]
    expect(database.batches).toEqual([])
    await database.begin()
    const second = [writer.add(row('c')), writer.add(row('d'))]
    const begun = database.begin()
    expect(database.batches).toEqual(['ab'])
    database.end()
    await Promise.all(first)
    await begun
    expect(database.batches).toEqual(['ab', 'cd'])
    database.end()
    await Promise.all(second)
    await writer.idle()
  })

  it('tells all of a batch that it has failed, and goes on', async () => {
    const database = new Database()
    const { writer } = database
    const lost = [writer.add(row('a')), writer.add(row('b'))]
    await database.begin()
    database.fail()
    for (const one of lost) await expect(one).rejects.toThrow('no room')
    const kept = writer.add(row('c'))
    await database.begin()
    database.end()
    await kept
    await writer.idle()
  })

  it('knows whose rows are still on their way', async () => {
    const database = new Database()
    const { writer } = database
    const order: string[] = []
    const bob = { collection: 'archive', owner: 'bob@example.org' }
    void writer.add(row('a', bob.owner))
    await database.begin()
    void writer.add(row('b', bob.owner))
    await writer.settled({ collection: 'archive', owner: 'carol@example.org' })
    await writer.settled({ collection: 'offline', owner: bob.owner })
    const settled = writer.settled(bob).then(() => order.push('settled'))
    const begun = database.begin()
    database.fail()
    await begun
    order.push('second batch')
    database.fail()
    await settled
    expect(order).toEqual(['second batch', 'settled'])
  })

  it('refuses more than it should keep in memory, and only for as long', async () => {
    const database = new Database()
    const { writer } = database
    const long = 'x'.repeat(20 * 1024 * 1024)
    const accepted = writer.add(row(long))
    await expect(writer.add(row(long))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    const small = writer.add(row('y'))
    await database.begin()
    database.end()
    await Promise.all([accepted, small])
    await writer.idle()
    expect(database.batches.map(({ length }) => length)).toEqual([long.length + 1])
  })
})
