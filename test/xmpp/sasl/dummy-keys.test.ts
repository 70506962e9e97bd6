import { describe, expect, it } from 'vitest'
import { type DummyKeySource, dummyKeySet, dummyKeys } from '../../../src/xmpp/sasl/dummy-keys.ts'
import type { CountedForm, KeyForm, KeyFormSet } from '../../../src/xmpp/sasl/scram-keys.ts'

const NAMES = Array.from({ length: 4_000 }, (_, index) => `u${index}@example.org`)
const form = (iterations: number, saltBytes = 16, saltIsUuid = false): KeyForm => ({
  iterations,
  saltBytes,
  saltIsUuid,
})
const NATIVE: KeyFormSet = { 'sha-1': form(12_000), 'sha-256': form(12_000), 'sha-512': form(12_000) }
const EJABBERD: KeyFormSet = { 'sha-1': form(4_096) }
const PROSODY: KeyFormSet = { 'sha-1': form(10_000, 36, true) }

const ground = (...counts: (readonly [KeyFormSet, number])[]): DummyKeySource => ({
  secret: Buffer.alloc(32, 7),
  forms: counts.map(([one, accounts]): CountedForm => ({ form: one, accounts })),
  iterations: 20_000,
  strongest: 'sha-512',
})

/** Which share of the names has so many iterations. */
function share(iterations: number, of: DummyKeySource, hash: 'sha-1' | 'sha-256' = 'sha-1'): number {
  return NAMES.filter((name) => dummyKeys(hash, name, of).iterations === iterations).length / NAMES.length
}

describe('dummies', () => {
  it('are the same every time, whatever the order of the forms, and others with another secret', () => {
    const one = ground([NATIVE, 50], [EJABBERD, 30], [PROSODY, 20])
    const other = ground([PROSODY, 20], [NATIVE, 50], [EJABBERD, 30])
    for (const name of NAMES.slice(0, 50)) {
      expect(dummyKeys('sha-1', name, other)).toEqual(dummyKeys('sha-1', name, one))
      expect(dummyKeys('sha-1', name, { ...one, secret: Buffer.alloc(32) }).storedKey).not.toBe(
        dummyKeys('sha-1', name, one).storedKey,
      )
    }
  })

  it('are made as keys of real accounts are, and as often', () => {
    const mixed = ground([NATIVE, 50], [EJABBERD, 30], [PROSODY, 20])
    expect(share(12_000, mixed)).toBeCloseTo(0.5, 1)
    expect(share(4_096, mixed)).toBeCloseTo(0.3, 1)
    expect(share(10_000, mixed)).toBeCloseTo(0.2, 1)
    // Of accounts that have keys of this hash all are of one form.
    expect(share(12_000, mixed, 'sha-256')).toBe(1)
  })

  it('have for each hash what one account could have', () => {
    const old: KeyFormSet = { 'sha-1': form(5_000), 'sha-256': form(5_000) }
    const mixed = ground([NATIVE, 1], [old, 1])
    for (const name of NAMES.slice(0, 200)) {
      const { iterations } = dummyKeys('sha-1', name, mixed)
      expect(dummyKeys('sha-256', name, mixed).iterations).toBe(iterations)
      expect(Object.keys(dummyKeySet(name, mixed))).toHaveLength(iterations === 5_000 ? 2 : 3)
    }
  })

  it.each([1, 16, 23, 36, 100, 1_024])('have salts of %i octets where accounts have such', (bytes) => {
    const { salt } = dummyKeys('sha-1', 'a', ground([{ 'sha-1': form(4_096, bytes) }, 1]))
    expect(Buffer.from(salt, 'base64')).toHaveLength(bytes)
  })

  it('have the text of a random UUID for a salt where accounts have such', () => {
    for (const name of NAMES.slice(0, 100)) {
      const text = Buffer.from(dummyKeys('sha-1', name, ground([PROSODY, 1])).salt, 'base64').toString('latin1')
      expect(text).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }
  })

  it('are made as a new password would be where there is nothing to be like', () => {
    for (const empty of [ground(), ground([{}, 3])]) {
      const { salt, iterations } = dummyKeys('sha-256', 'a', empty)
      expect([Buffer.from(salt, 'base64').length, iterations]).toEqual([16, 20_000])
      expect(Object.keys(dummyKeySet('a', empty))).toEqual(['sha-512'])
    }
  })

  it('come to the form of accounts that are added, no more than have to, and go nowhere else', () => {
    const [before, after] = [ground([NATIVE, 60], [EJABBERD, 40]), ground([NATIVE, 75], [EJABBERD, 40])]
    const moved = NAMES.filter((name) => {
      const [was, is] = [dummyKeys('sha-1', name, before), dummyKeys('sha-1', name, after)]
      if (was.iterations === is.iterations) {
        expect(is).toEqual(was)
        return false
      }
      // As if the password had been changed.
      expect(is.iterations).toBe(12_000)
      expect(is.salt).not.toBe(was.salt)
      return true
    })
    expect(moved.length / NAMES.length).toBeCloseTo(75 / 115 - 60 / 100, 1)
    expect(moved.length).toBeGreaterThan(0)
  })

  it('stay the same when there are more accounts of the only form', () => {
    for (const name of NAMES.slice(0, 50)) {
      expect(dummyKeys('sha-1', name, ground([NATIVE, 9_999]))).toEqual(dummyKeys('sha-1', name, ground([NATIVE, 1])))
    }
  })

  it('are of the most frequent forms when there are very many', () => {
    const many = Array.from({ length: 1_000 }, (_, index) => [{ 'sha-1': form(5_000 + index) }, 1] as const)
    const used = new Set(NAMES.slice(0, 500).map((name) => dummyKeys('sha-1', name, ground(...many)).iterations))
    expect(used.size).toBeGreaterThan(40)
    expect(used.size).toBeLessThanOrEqual(64)
  })
})
