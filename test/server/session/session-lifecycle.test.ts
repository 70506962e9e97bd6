import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Feature, FeatureHost } from '../../../src/server/features/feature.ts'
import { Realm, Resident } from '../../support/servers/realm.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Keeps sessions for so long, and notes what it is told. */
function keeping(ms: number | undefined) {
  const told: string[] = []
  const feature: Feature = {
    name: 'test',
    claims: [],
    install(host: FeatureHost) {
      host.on('detached', ({ jid }) => {
        told.push(`detached ${jid}`)
        return ms
      })
      for (const event of ['bound', 'resumed', 'ended'] as const)
        host.on(event, ({ jid }) => told.push(`${event} ${jid}`))
    },
  }
  return { feature, told }
}

const ALICE = 'alice@localhost/a'

describe('a session whose stream is gone', () => {
  it('ends at once when nobody wants to keep it', () => {
    const { feature, told } = keeping(undefined)
    const realm = new Realm([feature])
    realm.leave(realm.enter(ALICE))
    expect(told).toEqual([`bound ${ALICE}`, `detached ${ALICE}`, `ended ${ALICE}`])
    expect(realm.sessions.size).toBe(0)
  })

  it('is kept for its time, and gets on another stream what came meanwhile', () => {
    const { feature, told } = keeping(1_000)
    const realm = new Realm([feature])
    const [alice, bob] = [realm.enter(ALICE, 0), realm.enter('bob@localhost/b')]
    realm.leave(alice)
    realm.send(bob, `<message to='${ALICE}' id='1'/>`)
    realm.send(bob, "<message to='alice@localhost' id='2'/>")
    vi.advanceTimersByTime(999)
    const { stream } = new Resident(ALICE)
    expect(realm.lifecycle.resume(alice.session, stream)).toBe(true)
    realm.send(bob, `<message to='${ALICE}' id='3'/>`)
    expect(stream.take().map((text) => / id="(.)"/.exec(text)?.[1])).toEqual(['1', '2', '3'])
    // The time that was given has ended, and so has the stream of before: neither matters any more.
    vi.advanceTimersByTime(5_000)
    realm.leave(alice)
    expect(realm.sessions.session(alice.session.jid)).toBe(alice.session)
    expect(told.filter((line) => line.includes(ALICE))).toEqual(
      ['bound', 'detached', 'resumed'].map((event) => `${event} ${ALICE}`),
    )
  })

  it('ends when its time is over: who has written to it hears of it, and it comes too late', () => {
    const { feature, told } = keeping(1_000)
    const realm = new Realm([feature])
    const [alice, bob] = [realm.enter(ALICE, 0), realm.enter('bob@localhost/b')]
    realm.leave(alice)
    realm.send(bob, `<message to='${ALICE}' id='1' type='chat'/>`)
    realm.send(bob, `<iq to='${ALICE}' id='2' type='get'><a xmlns='urn:x'/></iq>`)
    expect(bob.take()).toEqual([])
    vi.advanceTimersByTime(1_000)
    expect(told.at(-1)).toBe(`ended ${ALICE}`)
    expect(bob.take()).toEqual([
      expect.stringMatching(/^<message type="error" id="1".*<service-unavailable/),
      expect.stringMatching(/^<iq type="error" id="2".*<service-unavailable/),
    ])
    expect(realm.lifecycle.resume(alice.session, alice.stream)).toBe(false)
  })

  it('can be ended by others while it waits', () => {
    const { feature, told } = keeping(1_000)
    const realm = new Realm([feature])
    const alice = realm.enter(ALICE)
    realm.leave(alice)
    realm.lifecycle.close(alice.session, { condition: 'conflict' })
    expect(told.at(-1)).toBe(`ended ${ALICE}`)
    vi.advanceTimersByTime(5_000)
    expect(told.filter((line) => line.startsWith('ended'))).toHaveLength(1)
  })
})

describe('what a client was given and never got', () => {
  it('is kept by whoever keeps what comes for accounts that nobody is there for', () => {
    const kept: string[] = []
    const offline: Feature = {
      name: 'offline',
      claims: [],
      install: (host) =>
        host.onStanza('offline', 'message', ({ id = '' }) => {
          kept.push(id)
          return 'done'
        }),
    }
    const realm = new Realm([offline])
    const [alice, bob] = [realm.enter(ALICE, 0), realm.enter('bob@localhost/b')]
    alice.stream.isClogged = true
    for (const type of ['chat', 'normal', 'headline', 'error']) {
      realm.send(bob, `<message to='${ALICE}' type='${type}' id='${type}'/>`)
    }
    realm.send(bob, `<presence to='${ALICE}'/>`)
    realm.leave(alice)
    expect(kept).toEqual(['chat', 'normal'])
    expect(bob.take()).toEqual([])
  })
})

describe('a client that does not read', () => {
  it('gets what fits, what it asks for, and all of it when it reads; the rest goes back', () => {
    const realm = new Realm([keeping(undefined).feature], { outboundOctets: 100 })
    const [alice, bob] = [realm.enter(ALICE, 0), realm.enter('bob@localhost/b')]
    alice.stream.isClogged = true
    const body = 'x'.repeat(150)
    realm.send(bob, `<message to='${ALICE}' id='fits'><body>${body}</body></message>`)
    realm.send(bob, `<message to='${ALICE}' id='full'/>`)
    realm.send(bob, "<message to='alice@localhost' id='bare'/>")
    realm.send(bob, `<iq to='${ALICE}' type='get' id='iq'><a xmlns='urn:x'/></iq>`)
    realm.send(bob, `<presence to='${ALICE}'/>`)
    expect(bob.take()).toEqual(
      ['full', 'bare', 'iq'].map((id) => expect.stringMatching(`type="error" id="${id}".*<resource-constraint`)),
    )
    realm.send(alice, "<iq type='get' id='own'><a xmlns='urn:x'/></iq>")
    expect(alice.stream.error).toBeUndefined()
    alice.stream.isClogged = false
    alice.session.flush()
    expect(alice.take()).toEqual([expect.stringContaining('id="fits"'), expect.stringContaining('id="own"')])
    realm.send(bob, `<message to='${ALICE}' id='later'/>`)
    expect(alice.take()).toEqual([expect.stringContaining('id="later"')])
  })
})
