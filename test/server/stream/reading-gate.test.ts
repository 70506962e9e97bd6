import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Lane } from '../../../src/server/routing/lane.ts'
import { type InboundLimits, ReadingGate } from '../../../src/server/stream/reading-gate.ts'
import { gate } from '../../support/streams/gate.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const LIMITS: InboundLimits = { octetsPerSecond: 1_000, stanzasPerSecond: 10, burstSeconds: 2 }
const UNLIMITED: InboundLimits = { octetsPerSecond: Infinity, stanzasPerSecond: Infinity, burstSeconds: 0 }

function setUp(limits: InboundLimits) {
  let isRead = true
  const transport = {
    pause: () => {
      isRead = false
    },
    resume: () => {
      isRead = true
    },
  }
  const lane = new Lane(() => undefined)
  const reading = new ReadingGate(transport, limits)
  const send = (octets: number, stanzas: number) => {
    for (let n = 0; n < stanzas; n++) reading.count()
    reading.passed(octets, lane)
  }
  return { lane, send, isRead: () => isRead }
}

describe('a client that sends more than it may', () => {
  it.each([
    { name: 'octets', octets: 3_000, stanzas: 1, waitMs: 1_000 },
    { name: 'stanzas', octets: 1, stanzas: 50, waitMs: 3_000 },
    { name: 'whichever is more', octets: 5_000, stanzas: 30, waitMs: 3_000 },
    { name: 'neither', octets: 2_000, stanzas: 20, waitMs: 0 },
  ])('is read again when its time has come: $name', ({ octets, stanzas, waitMs }) => {
    const { send, isRead } = setUp(LIMITS)
    send(octets, stanzas)
    expect(isRead()).toBe(waitMs === 0)
    vi.advanceTimersByTime(Math.max(0, waitMs - 1))
    expect(isRead()).toBe(waitMs === 0)
    vi.advanceTimersByTime(1)
    expect(isRead()).toBe(true)
  })

  it('may send at once what it has not sent before, and no more than a burst', () => {
    const { send, isRead } = setUp(LIMITS)
    vi.advanceTimersByTime(60_000)
    send(2_000, 1)
    expect(isRead()).toBe(true)
    send(1, 1)
    expect(isRead()).toBe(false)
  })

  it('goes on at its rate', () => {
    const { send, isRead } = setUp(LIMITS)
    send(2_000, 1)
    for (let second = 0; second < 10; second++) {
      vi.advanceTimersByTime(1_000)
      send(1_000, 1)
      expect(isRead()).toBe(true)
    }
    send(1_000, 1)
    expect(isRead()).toBe(false)
  })
})

describe('a client whose stanzas cannot be processed as fast as it sends them', () => {
  it.each([
    { name: 'many stanzas', octets: 100, waiting: 65, isRead: false },
    { name: 'large ones', octets: 300_000, waiting: 1, isRead: false },
    { name: 'few', octets: 100, waiting: 64, isRead: true },
  ])('is read again when they are: $name', async ({ octets, waiting, isRead }) => {
    const t = setUp(UNLIMITED)
    const { open, passed } = gate()
    t.lane.run(() => passed)
    for (let n = 0; n < waiting; n++) t.lane.run(() => undefined)
    t.send(octets, waiting)
    expect(t.isRead()).toBe(isRead)
    open()
    await vi.advanceTimersByTimeAsync(0)
    expect(t.isRead()).toBe(true)
  })

  it('is counted anew when everything has been processed', () => {
    const t = setUp(UNLIMITED)
    for (let n = 0; n < 100; n++) t.send(100_000, 1)
    expect(t.isRead()).toBe(true)
  })
})
