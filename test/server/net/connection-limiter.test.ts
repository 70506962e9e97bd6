import { describe, expect, it } from 'vitest'
import { ConnectionLimiter } from '../../../src/server/net/connection-limiter.ts'

describe('ConnectionLimiter', () => {
  it('gives so many places to an address, whatever others have', () => {
    const places = new ConnectionLimiter()
    expect(places.take('192.0.2.1', 2)).toBeDefined()
    expect(places.take('::ffff:192.0.2.1', 2)).toBeDefined()
    expect(places.take('192.0.2.1', 2)).toBeUndefined()
    expect(places.take('192.0.2.2', 2)).toBeDefined()
    expect(places.take('2001:db8::1', 1)).toBeDefined()
    expect(places.take('2001:db8::2', 1)).toBeUndefined()
    expect(places.take('2001:db8:0:1::2', 1)).toBeDefined()
  })

  it('has a place again when one is given back', () => {
    const places = new ConnectionLimiter()
    const leave = places.take('192.0.2.1', 1)
    expect(places.take('192.0.2.1', 1)).toBeUndefined()
    leave?.()
    expect(places.take('192.0.2.1', 1)).toBeDefined()
  })

  it('goes by the limit as it is now', () => {
    const places = new ConnectionLimiter()
    const leave = [1, 2, 3].map(() => places.take('192.0.2.1', 3))
    expect(places.take('192.0.2.1', 2)).toBeUndefined()
    leave[0]?.()
    expect(places.take('192.0.2.1', 2)).toBeUndefined()
    leave[1]?.()
    expect(places.take('192.0.2.1', 2)).toBeDefined()
  })
})
