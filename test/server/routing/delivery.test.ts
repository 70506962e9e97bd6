import { describe, expect, it } from 'vitest'
import {
  type Destination,
  destinationOf,
  type MessageType,
  messageType,
  recipients,
} from '../../../src/server/routing/delivery.ts'
import { Resident } from '../../support/servers/realm.ts'

describe('messageType (RFC 6121 §5.2.2)', () => {
  it.each([
    [undefined, 'normal'],
    ['', 'normal'],
    ['chat', 'chat'],
    ['Chat', 'normal'],
    ['carrier-pigeon', 'normal'],
    ['constructor', 'normal'],
    ['error', 'error'],
  ])('%s is %s', (value, expected) => {
    expect(messageType(value)).toBe(expected)
  })
})

describe('destinationOf (RFC 6121 §8.5.4)', () => {
  it.each<[MessageType, Destination, Destination]>([
    ['normal', 'most-available', 'bounce'],
    ['chat', 'most-available', 'most-available'],
    ['groupchat', 'bounce', 'bounce'],
    ['headline', 'all-available', 'drop'],
    ['error', 'drop', 'drop'],
  ])('%s: bare JID %s, stale full JID %s', (type, bare, full) => {
    expect([destinationOf(type, false), destinationOf(type, true)]).toEqual([bare, full])
  })
})

describe('recipients', () => {
  const at = (priorities: readonly number[]) =>
    priorities.map((p, n) => new Resident(`alice@localhost/${n}`).withPriority(p).session.resource)
  it.each<{ destination: Destination; priorities: number[]; expected: number[] }>([
    { destination: 'most-available', priorities: [0, 5, 5, -1], expected: [5, 5] },
    { destination: 'most-available', priorities: [-1, -128], expected: [] },
    { destination: 'most-available', priorities: [], expected: [] },
    { destination: 'most-available', priorities: [0], expected: [0] },
    { destination: 'all-available', priorities: [0, 5, -1], expected: [0, 5] },
    { destination: 'bounce', priorities: [5], expected: [] },
    { destination: 'drop', priorities: [5], expected: [] },
  ])('$destination of $priorities: $expected', ({ destination, priorities, expected }) => {
    expect(recipients(destination, at(priorities)).map(({ presence }) => presence?.priority)).toEqual(expected)
  })
})
