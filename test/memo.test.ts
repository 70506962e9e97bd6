import { describe, expect, it } from 'vitest'
import { Memo } from '../src/memo.ts'

describe('Memo', () => {
  it('remembers values by their texts', () => {
    const memo = new Memo<number>(2)
    expect(memo.get('one')).toBeUndefined()
    expect(memo.keep('one', 1)).toBe(1)
    expect(memo.keep('two', 2)).toBe(2)
    expect([memo.get('one'), memo.get('two')]).toEqual([1, 2])
  })

  it('forgets what has not come for long', () => {
    const memo = new Memo<number>(2)
    for (const number of [1, 2, 3]) memo.keep(String(number), number)
    expect([memo.get('1'), memo.get('3')]).toEqual([1, 3])
    // One and three have come since.
    memo.keep('4', 4)
    expect(['1', '2', '3', '4'].map((text) => memo.get(text))).toEqual([1, undefined, 3, 4])
  })

  it('never remembers more than twice as many', () => {
    const memo = new Memo<number>(10)
    for (let number = 0; number < 1000; number++) memo.keep(String(number), number)
    const known = Array.from({ length: 1000 }, (_, number) => memo.get(String(number)))
    expect(known.filter((value) => value !== undefined).length).toBeLessThanOrEqual(20)
  })
})
