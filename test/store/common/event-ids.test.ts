import { describe, expect, it } from 'vitest'
import { BEHIND_ALL, EventIds, timeOfId, timePrefix } from '../../../src/store/common/event-ids.ts'

const NOON = Date.UTC(2026, 0, 1, 12)

describe('EventIds', () => {
  it('borrows from the future when a millisecond is full', () => {
    const ids = new EventIds()
    const all = Array.from({ length: 4_097 }, () => ids.next(NOON))
    expect(all.toSorted()).toEqual(all)
    expect(all.map(timeOfId)).toEqual([...Array.from({ length: 4_096 }, () => NOON), NOON + 1])
  })

  it.each([
    ['a later millisecond', NOON + 5],
    ['the same millisecond', NOON],
  ])('continues after an id of %s', (_, at) => {
    const [ids, others] = [new EventIds(), new EventIds()]
    for (let count = 0; count < 10; count++) ids.next(NOON)
    const theirs = Array.from({ length: 4_096 }, () => others.next(at)).at(-1) ?? ''
    ids.continueAfter(theirs)
    expect(ids.next(NOON) > theirs).toBe(true)
  })

  it('does not go back for an id that is lower', () => {
    const [ids, others] = [new EventIds(), new EventIds()]
    const earlier = [others.next(NOON - 5), others.next(NOON)]
    const mine = [ids.next(NOON), ids.next(NOON)]
    for (const id of earlier) ids.continueAfter(id)
    expect(ids.next(NOON) > (mine[1] ?? '')).toBe(true)
  })
})

describe('timePrefix', () => {
  it('parts the ids of a millisecond from those before', () => {
    const ids = new EventIds()
    const [before, first] = [ids.next(NOON - 1), ids.next(NOON)]
    expect(before < timePrefix(NOON)).toBe(true)
    expect(timePrefix(NOON) < first).toBe(true)
    expect(timePrefix(0) < before).toBe(true)
  })

  it('takes times that no id has', () => {
    expect(timePrefix(-1)).toBe(timePrefix(0))
    expect(timePrefix(8.64e15)).toBe(BEHIND_ALL)
    expect(timePrefix(2 ** 48 - 1) < BEHIND_ALL).toBe(true)
  })
})
