import { describe, expect, it } from 'vitest'
import { SessionEventEmitter } from '../../../src/server/session/session-events.ts'
import { Stanza } from '../../../src/xmpp/stanza.ts'
import { xml } from '../../../src/xmpp/xml/element.ts'
import { featureOf, Realm, Resident } from '../../support/servers/realm.ts'

const { session } = new Resident('alice@localhost/a')

function setUp() {
  const failures: unknown[] = []
  const events = new SessionEventEmitter((error, { jid }) => failures.push(`${jid}: ${error}`))
  return { events, failures }
}

function failing(): never {
  throw new Error('a defect')
}

describe('what features are told of sessions', () => {
  it.each(['bound', 'unavailable', 'resumed', 'ended'] as const)(
    '%s: all of them hear of it in their order, also behind one that fails',
    (event) => {
      const { events, failures } = setUp()
      const told: string[] = []
      events.on(event, ({ jid }) => told.push(`first ${jid}`))
      events.on(event, failing)
      events.on(event, ({ jid }) => told.push(`last ${jid}`))
      events.tell(event, session)
      expect(told).toEqual(['first alice@localhost/a', 'last alice@localhost/a'])
      expect(failures).toEqual(['alice@localhost/a: Error: a defect'])
    },
  )

  it('available comes with the presence, and to nobody who has asked for something else', () => {
    const { events, failures } = setUp()
    const presence = new Stanza(xml('presence'), 'presence', session.jid, undefined)
    const told: unknown[] = []
    events.on('unavailable', failing)
    events.on('available', failing)
    events.on('available', (...given) => told.push(given))
    events.tellAvailable(session, presence)
    expect(told).toEqual([[session, presence]])
    expect(failures).toHaveLength(1)
  })

  it.each([
    { wishes: [], kept: 0 },
    { wishes: [undefined], kept: 0 },
    { wishes: [1_000, undefined, 3_000, 2_000], kept: 3_000 },
    { wishes: ['failure', 1_000], kept: 1_000 },
    { wishes: [-1], kept: 0 },
  ])('detached: a session is kept as long as anybody wants it, $wishes: $kept', ({ wishes, kept }) => {
    const { events } = setUp()
    for (const wish of wishes) events.on('detached', () => (typeof wish === 'string' ? failing() : wish))
    expect(events.tellDetached(session)).toBe(kept)
  })

  it('an end handler that throws does not keep the others from running', () => {
    const ended: string[] = []
    const realm = new Realm([
      featureOf((host) => host.on('ended', failing)),
      featureOf((host) => host.on('ended', ({ jid }) => ended.push(jid.toString()))),
    ])
    realm.leave(realm.enter('alice@localhost/a'))
    expect(ended).toEqual(['alice@localhost/a'])
  })
})
