import { describe, expect, it } from 'vitest'
import { ConnectionPlaces, networkOf } from '../../src/server/connection-places.ts'

describe('one address', () => {
  it.each([
    { address: '192.0.2.1', network: '192.0.2.1' },
    { address: '::ffff:192.0.2.1', network: '192.0.2.1' },
    { address: '2001:db8:1:2:3:4:5:6', network: '2001:db8:1:2' },
    { address: '2001:db8:1:2::', network: '2001:db8:1:2' },
    { address: '2001:db8:1:2::7', network: '2001:db8:1:2' },
    { address: '2001:db8::7', network: '2001:db8:0:0' },
    { address: '2001::3:4:5:6:7', network: '2001:0:0:3' },
    { address: '::1', network: '0:0:0:0' },
    { address: '::', network: '0:0:0:0' },
    { address: 'fe80::1%eth0', network: 'fe80:0:0:0' },
  ])('is for $address $network', ({ address, network }) => {
    expect(networkOf(address)).toBe(network)
  })
})

describe('ConnectionPlaces', () => {
  it('gives so many places to an address, whatever others have', () => {
    const places = new ConnectionPlaces()
    expect(places.take('192.0.2.1', 2)).toBeDefined()
    expect(places.take('::ffff:192.0.2.1', 2)).toBeDefined()
    expect(places.take('192.0.2.1', 2)).toBeUndefined()
    expect(places.take('192.0.2.2', 2)).toBeDefined()
    expect(places.take('2001:db8::1', 1)).toBeDefined()
    expect(places.take('2001:db8::2', 1)).toBeUndefined()
    expect(places.take('2001:db8:0:1::2', 1)).toBeDefined()
  })

  it('has a place again when one is given back', () => {
    const places = new ConnectionPlaces()
    const leave = places.take('192.0.2.1', 1)
    expect(places.take('192.0.2.1', 1)).toBeUndefined()
    leave?.()
    expect(places.take('192.0.2.1', 1)).toBeDefined()
  })

  it('goes by the limit as it is now', () => {
    const places = new ConnectionPlaces()
    const leave = [1, 2, 3].map(() => places.take('192.0.2.1', 3))
    expect(places.take('192.0.2.1', 2)).toBeUndefined()
    leave[0]?.()
    expect(places.take('192.0.2.1', 2)).toBeUndefined()
    leave[1]?.()
    expect(places.take('192.0.2.1', 2)).toBeDefined()
  })
})
