import { expect, it } from 'vitest'
import { Memo } from '../src/memo.ts'

it('remembers values by their texts, and starts again when there are too many', () => {
  const memo = new Memo<number>(2)
  expect(memo.get('one')).toBeUndefined()
  expect(memo.keep('one', 1)).toBe(1)
  memo.keep('two', 2)
  expect([memo.get('one'), memo.get('two')]).toEqual([1, 2])
  memo.keep('three', 3)
  expect([memo.get('one'), memo.get('two'), memo.get('three')]).toEqual([undefined, undefined, 3])
})
