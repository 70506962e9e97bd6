import { describe, expect, it } from 'vitest'
import { deriveAll, writeAccounts } from '../../src/accounts/import-accounts.ts'
import type { PreparedAccount } from '../../src/accounts/prepare.ts'
import type { Account } from '../../src/store/accounts.ts'
import { MemoryAccounts } from '../../src/store/memory/accounts.ts'
import { verifyPassword } from '../../src/xmpp/sasl/scram-credentials.ts'

const OPTIONS = { hashes: ['sha-1', 'sha-256'], iterations: 4096 } as const

const accountOf = (index: number): PreparedAccount => ({
  place: `a:${index}`,
  jid: `user${index}@localhost`,
  credential: { kind: 'password', password: `secret ${index}` },
})

describe('the keys of many accounts', () => {
  it('come in order, from passwords or as they are', async () => {
    const keys = { 'sha-1': { salt: 'AAAA', iterations: 4096, storedKey: 'AAAA', serverKey: 'AAAA' } }
    const accounts: PreparedAccount[] = [
      ...Array.from({ length: 20 }, (_, index) => accountOf(index)),
      { place: 'a:20', jid: 'x@localhost', credential: { kind: 'keys', keys } },
      { place: 'a:21', jid: 'y@localhost', credential: { kind: 'none' } },
    ]
    const progress: number[] = []
    const all = (await deriveAll(accounts, { ...OPTIONS, onProgress: (done) => progress.push(done) })) ?? []
    expect(all.slice(20)).toEqual([keys, {}])
    expect(progress).toEqual(Array.from({ length: 22 }, (_, index) => index + 1))
    for (const [index, derived] of all.slice(0, 20).entries()) {
      expect(Object.keys(derived)).toEqual(['sha-1', 'sha-256'])
      expect(await verifyPassword(`secret ${index}`, derived)).toBe(true)
    }
  })

  it('are given up when the signal comes', async () => {
    const stop = new AbortController()
    const onProgress = (done: number) => void (done === 3 && stop.abort())
    const accounts = Array.from({ length: 50 }, (_, index) => accountOf(index))
    expect(await deriveAll(accounts, { ...OPTIONS, onProgress, signal: stop.signal })).toBeUndefined()
  })
})

describe('writing accounts', () => {
  const account = (jid: string): Account => ({ jid, keys: {}, createdAt: 1, changedAt: 1 })
  const all = ['a@x', 'b@x', 'c@x', 'd@y'].map(account)

  it.each([
    [{ replace: false }, ['created', 'exists', 'created', 'created']],
    [{ replace: true }, ['created', 'replaced', 'created', 'created']],
    [{ replace: true, perDomain: 2 }, ['created', 'replaced', 'full', 'created']],
  ])('with %j is foretold by the dry run', async (options, outcomes) => {
    const store = new MemoryAccounts()
    await store.create(account('b@x'), {})
    expect(await writeAccounts(store, all, { ...options, dryRun: true })).toEqual(outcomes)
    expect(await store.list()).toHaveLength(1)
    expect(await writeAccounts(store, all, { ...options, dryRun: false })).toEqual(outcomes)
    expect(await store.list()).toHaveLength(1 + outcomes.filter((outcome) => outcome === 'created').length)
  })
})
