import { describe, expect, it } from 'vitest'
import { RefusalLog } from '../../../src/server/net/refusal-log.ts'
import { LogBook } from '../../support/servers/server.ts'

function setUp() {
  const log = new LogBook()
  const clock = { now: 1_000_000 }
  const refusals = new RefusalLog(log, () => new Date(clock.now))
  const note = (listener: string, limit: 'max_connections' | 'max_connections_per_address' = 'max_connections') =>
    refusals.note({ listener, limit, address: '192.0.2.1' })
  return { log, clock, refusals, note }
}

describe('RefusalLog', () => {
  it('speaks of a limit once in a minute, and then of how many it was', () => {
    const { log, clock, note } = setUp()
    for (let n = 0; n < 500; n++) note('a')
    clock.now += 59_999
    note('a')
    clock.now += 1
    note('a')
    expect(log.lines).toEqual([
      {
        level: 'warn',
        message: 'connections are refused: too many',
        listener: 'a',
        limit: 'max_connections',
        address: '192.0.2.1',
        refused: 1,
      },
      expect.objectContaining({ refused: 501 }),
    ])
  })

  it('speaks of each listener and each limit', () => {
    const { log, note } = setUp()
    note('a')
    note('b')
    note('a', 'max_connections_per_address')
    expect(log.lines).toHaveLength(3)
  })

  it('speaks again when the clock has been set back', () => {
    const { log, clock, note } = setUp()
    note('a')
    clock.now -= 3_600_000
    note('a')
    expect(log.lines).toHaveLength(2)
  })

  it('speaks of handshakes that fail once in a minute, by what is wrong with them', () => {
    const { log, clock, refusals } = setUp()
    const failed = (code: string) =>
      refusals.noteHandshake({ listener: 'a', remote: '192.0.2.1:1000', code, reason: 'no shared cipher' })
    for (let n = 0; n < 500; n++) failed('ERR_SSL_NO_SHARED_CIPHER')
    failed('ERR_SSL_HTTP_REQUEST')
    clock.now += 60_000
    failed('ERR_SSL_NO_SHARED_CIPHER')
    expect(log.lines).toEqual([
      {
        level: 'info',
        message: 'TLS handshakes fail',
        listener: 'a',
        remote: '192.0.2.1:1000',
        code: 'ERR_SSL_NO_SHARED_CIPHER',
        reason: 'no shared cipher',
        failed: 1,
      },
      expect.objectContaining({ code: 'ERR_SSL_HTTP_REQUEST', failed: 1 }),
      expect.objectContaining({ code: 'ERR_SSL_NO_SHARED_CIPHER', failed: 500 }),
    ])
  })
})
