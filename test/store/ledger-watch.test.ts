import { describe, expect, it } from 'vitest'
import { LedgerWatch } from '../../src/store/ledger-watch.ts'

/** A ledger that counts how often it is read, and fails when it is told to. */
function setUp() {
  const ledger = { state: 1, reads: 0, failure: undefined as Error | undefined }
  const changes = () => {
    ledger.reads += 1
    if (ledger.failure !== undefined) throw ledger.failure
    return ledger.state
  }
  return { ledger, watch: new LedgerWatch({ changes }, 1) }
}

/** Resolves at the next turn with what a watcher is told; nobody watches any more then. */
function nextTurn(watch: LedgerWatch): Promise<() => number> {
  return new Promise((resolve) => {
    const stop = watch.watch((changes) => {
      stop()
      resolve(changes)
    })
  })
}

describe('LedgerWatch', () => {
  it('reads the ledger once a turn, however many watch', async () => {
    const { ledger, watch } = setUp()
    const told: number[] = []
    const stops = [1, 2, 3].map((factor) => watch.watch((changes) => told.push(factor * changes())))
    await nextTurn(watch)
    for (const stop of stops) stop()
    expect(told.slice(0, 3)).toEqual([1, 2, 3])
    expect(told).toHaveLength(3 * ledger.reads)
  })

  it('tells at every turn what the ledger is like', async () => {
    const { ledger, watch } = setUp()
    expect((await nextTurn(watch))()).toBe(1)
    ledger.state = 7
    expect((await nextTurn(watch))()).toBe(7)
  })

  it('throws at the watchers what reading has thrown, and goes on', async () => {
    const { ledger, watch } = setUp()
    ledger.failure = new Error('locked')
    expect(await nextTurn(watch)).toThrow('locked')
    ledger.failure = undefined
    expect((await nextTurn(watch))()).toBe(1)
  })

  it('does not read while nobody watches', async () => {
    const { ledger, watch } = setUp()
    await nextTurn(watch)
    const { reads } = ledger
    await nextTurn(new LedgerWatch({ changes: () => 0 }, 20))
    expect(ledger.reads).toBe(reads)
  })

  it('tells nobody who has stopped in the same turn', async () => {
    const { watch } = setUp()
    const told: string[] = []
    const stops: (() => void)[] = []
    stops.push(
      watch.watch(() => {
        told.push('first')
        for (const stop of stops) stop()
      }),
      watch.watch(() => told.push('second')),
    )
    await nextTurn(watch)
    expect(told).toEqual(['first'])
  })
})
