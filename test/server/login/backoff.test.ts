import { describe, expect, it } from 'vitest'
import { Backoff } from '../../../src/server/login/backoff.ts'

const RULES = { free: 2, firstMs: 1_000, mostMs: 8_000, halfLifeMs: 100_000 }

function world(most?: number) {
  let now = 1_000_000
  const backoff = new Backoff(RULES, () => now, most)
  return { backoff, pass: (ms: number) => (now += ms) }
}

describe('Backoff', () => {
  it('does nothing to the first failures, then doubles, up to the most', () => {
    const { backoff } = world()
    const waits = Array.from({ length: 8 }, () => {
      backoff.failed('mallory')
      return backoff.wait('mallory')
    })
    expect(waits).toEqual([0, 0, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000])
    expect(backoff.wait('alice')).toBe(0)
  })

  it('lets one try again when the time has passed', () => {
    const { backoff, pass } = world()
    for (let failure = 0; failure < 3; failure++) backoff.failed('mallory')
    pass(999)
    expect(backoff.wait('mallory')).toBe(1)
    pass(1)
    expect(backoff.wait('mallory')).toBe(0)
  })

  it('forgets half of the failures in a half-life, and all of them when it is told to', () => {
    const { backoff, pass } = world()
    for (let failure = 0; failure < 4; failure++) backoff.failed('mallory')
    pass(200_000)
    // Of four there is one left.
    backoff.failed('mallory')
    expect(backoff.wait('mallory')).toBe(0)
    backoff.failed('mallory')
    expect(backoff.wait('mallory')).toBe(1_000)
    backoff.forget('mallory')
    expect(backoff.wait('mallory')).toBe(0)
  })

  it('does not let a clock that is put back lock anybody out for longer', () => {
    const { backoff, pass } = world()
    for (let failure = 0; failure < 9; failure++) backoff.failed('mallory')
    pass(-3_600_000)
    expect(backoff.wait('mallory')).toBeLessThanOrEqual(8_000)
  })

  it('remembers no more names than it may, the latest ones', () => {
    const { backoff } = world(3)
    for (const name of ['a', 'b', 'c', 'a', 'a', 'd', 'e']) backoff.failed(name)
    expect(backoff.wait('a')).toBe(1_000)
    for (const name of ['f', 'g', 'h']) backoff.failed(name)
    expect(backoff.wait('a')).toBe(0)
  })
})
