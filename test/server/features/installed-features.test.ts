import { describe, expect, it } from 'vitest'
import type { Feature, FeatureHost } from '../../../src/server/features/feature.ts'
import { InstalledFeatures } from '../../../src/server/features/installed-features.ts'
import { Router } from '../../../src/server/routing/router.ts'
import { LocalSessions } from '../../../src/server/session/local-sessions.ts'
import { SessionEventEmitter } from '../../../src/server/session/session-events.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { Stanza } from '../../../src/xmpp/stanza.ts'
import { serialize, xml } from '../../../src/xmpp/xml/element.ts'
import { featureOf, Resident } from '../../support/servers/realm.ts'
import { LogBook } from '../../support/servers/server.ts'
import { gate, turn } from '../../support/streams/gate.ts'

/** These features in their places, and the host that they were given. */
function setUp(...features: readonly Feature[]) {
  const [sessions, log] = [new LocalSessions(), new LogBook()]
  const events = new SessionEventEmitter((error) => {
    throw error
  })
  const router = new Router({ sessions, domains: ['localhost'], log })
  const hosts: FeatureHost[] = []
  const last = featureOf((host) => hosts.push(host))
  const installed = new InstalledFeatures([...features, last], {
    router,
    events,
    sessions,
    log,
    now: () => new Date(0),
  })
  const [host] = hosts
  if (host === undefined) throw new Error('not installed')
  return { installed, host }
}

const alice = new Resident('alice@localhost/a').session

describe('what features remember of sessions', () => {
  it('is their own, of each session, and what it was at first until it is set', () => {
    const { host } = setUp()
    const [first, second] = [host.slot(0), host.slot<string | undefined>('nothing')]
    const bob = new Resident('bob@localhost/b').session
    first.set(bob, 7)
    second.set(bob, undefined)
    expect([first.get(bob), second.get(bob), first.get(alice), second.get(alice)]).toEqual([7, undefined, 0, 'nothing'])
  })

  it('is the same where it is known to others, in whatever order it is set', () => {
    const { host } = setUp()
    const slots = ['a', 'b', 'c'].map((initial) => host.sharedSlot(initial))
    const { session } = new Resident('bob@localhost/b')
    const before = session.resource
    const values = () => slots.map((slot) => slot.get(session.resource))
    slots[1]?.set(session, 'B')
    expect(values()).toEqual(['a', 'B', 'c'])
    slots[2]?.set(session, 'C')
    expect(values()).toEqual(['a', 'B', 'C'])
    expect(slots.map((slot) => slot.get(before))).toEqual(['a', 'b', 'c'])
  })
})

describe('what is switched on along with a resource (XEP-0386 §3.2)', () => {
  it('is done in the order in which it is asked for, and answered by whoever has an answer', async () => {
    const { open, passed } = gate()
    const done: string[] = []
    const { installed } = setUp(
      featureOf((host) => {
        host.onBind('urn:a', () => passed.then(() => void done.push('a')))
        host.onBind('urn:b', ({ name }, { jid }) => {
          done.push('b')
          return xml(`${name}d`, { for: jid.toString() })
        })
      }),
    )
    expect(installed.bindInline).toEqual(['urn:a', 'urn:b'])
    const requests = ['urn:a', 'urn:b', 'urn:x'].map((xmlns) => xml('enable', { xmlns }))
    const results = installed.bind(requests, alice)
    await turn()
    expect(done).toEqual([])
    open()
    expect((await results).map(serialize)).toEqual(['<enabled for="alice@localhost/a"/>'])
    expect(done).toEqual(['a', 'b'])
  })
})

describe('an account that is removed', () => {
  it('is free when all features are through with it, one after the other', async () => {
    const { open, passed } = gate()
    const done: string[] = []
    const { installed } = setUp(
      featureOf((host) => host.onAccountRemoved((account) => passed.then(() => void done.push(`first ${account}`)))),
      featureOf((host) => host.onAccountRemoved(async (account) => void done.push(`second ${account}`))),
    )
    const removed = installed.accountRemoved(parseJid('alice@localhost'))
    await turn()
    expect(done).toEqual([])
    open()
    await removed
    expect(done).toEqual(['first alice@localhost', 'second alice@localhost'])
  })

  it('is not free when one of them cannot let it go', async () => {
    const failing = featureOf((host) => host.onAccountRemoved(() => Promise.reject(new Error('not now'))))
    await expect(setUp(failing).installed.accountRemoved(alice.account)).rejects.toThrow('not now')
  })
})

describe('what a client says of itself', () => {
  it('is told to all who want to know, and that it goes only where it was there', () => {
    const told: string[] = []
    const { host } = setUp(
      featureOf((host) => {
        host.on('available', (_, { id }) => told.push(`available ${id}`))
        host.on('unavailable', ({ resource }) => told.push(`unavailable ${resource.presence}`))
      }),
    )
    const { session } = new Resident('bob@localhost/b')
    const stanza = (id: string) => new Stanza(xml('presence', { id }), 'presence', session.jid, undefined)
    host.announce(session, undefined)
    host.announce(session, { priority: 1, stanza: stanza('1') })
    host.announce(session, { priority: 2, stanza: stanza('2') })
    expect(session.resource.presence?.priority).toBe(2)
    host.announce(session, undefined)
    host.announce(session, undefined)
    expect(told).toEqual(['available 1', 'available 2', 'unavailable undefined'])
  })
})

describe('service discovery', () => {
  it('is what all features say, in their order, whenever it is asked', () => {
    const turnedOn: string[] = []
    const dynamic: Feature = {
      name: 'dynamic',
      claims: [],
      get disco() {
        return { server: turnedOn }
      },
      install: () => undefined,
    }
    const { host } = setUp(
      { name: 'static', claims: [], disco: { server: ['urn:a'], account: ['urn:b'] }, install: () => undefined },
      dynamic,
    )
    expect([host.discovery('server'), host.discovery('account')]).toEqual([['urn:a'], ['urn:b']])
    turnedOn.push('urn:c')
    expect(host.discovery('server')).toEqual(['urn:a', 'urn:c'])
  })
})
