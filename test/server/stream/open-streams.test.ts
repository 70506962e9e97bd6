import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { OpenStreams } from '../../../src/server/stream/open-streams.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { MemoryClient } from '../../support/streams/memory-client.ts'
import { testAuth, testHost } from '../../support/streams/stream-host.ts'
import { streamHeader } from '../../support/streams/xmpp-client.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const HEADER = streamHeader({ to: 'localhost' })
const SHUTDOWN = { condition: 'system-shutdown' } as const

function setUp() {
  const streams = new OpenStreams()
  const host = testHost({ closed: (stream) => streams.closed(stream) })
  /** A client that has sent this. */
  const connect = (text: string) => {
    const client = new MemoryClient({ secured: true })
    streams.accept(client.transport, host)
    client.send(text)
    return client
  }
  return { streams, connect }
}

const isClosed = ({ pending }: MemoryClient) => pending.endsWith('</stream:stream>')

describe('open streams', () => {
  it('are closed all of them, whatever they have come to', () => {
    const { streams, connect } = setUp()
    const clients = [
      connect(''),
      connect(HEADER),
      connect(HEADER + testAuth('alice')),
      connect(HEADER + testAuth('bob')),
    ]
    streams.close(SHUTDOWN)
    expect(clients.map(isClosed)).toEqual([true, true, true, true])
    for (const { pending } of clients) expect(pending).toContain('<system-shutdown ')
  })

  it('are closed of one account, bound or not, and of nobody else', () => {
    const { streams, connect } = setUp()
    const bind = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
    const clients = [
      connect(HEADER + testAuth('alice')),
      connect(HEADER + testAuth('alice') + HEADER + bind),
      connect(HEADER + testAuth('bob')),
      connect(HEADER),
    ]
    streams.close({ condition: 'not-authorized' }, parseJid('alice@localhost'))
    expect(clients.map(isClosed)).toEqual([true, true, false, false])
  })

  it('are waited for, until the last one is closed', async () => {
    const { streams, connect } = setUp()
    const [first, last] = [connect(HEADER), connect('')]
    let isEmpty = false
    const empty = streams.empty(60_000).then(() => {
      isEmpty = true
    })
    first.destroy()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(isEmpty).toBe(false)
    last.destroy()
    await empty
    await streams.empty(60_000)
  })

  it('are not waited for any longer than that', async () => {
    const { streams, connect } = setUp()
    connect(HEADER)
    let isOver = false
    const empty = streams.empty(1_000).then(() => {
      isOver = true
    })
    await vi.advanceTimersByTimeAsync(999)
    expect(isOver).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await empty
  })
})
