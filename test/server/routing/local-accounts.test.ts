import { describe, expect, it } from 'vitest'
import { describeAnswer, everyFeature, featureOf, Realm } from '../../support/servers/realm.ts'

describe('messages to an account (RFC 6121 §8.5)', () => {
  // Who gets a message, by the resources that bob has: their priorities, '-' for one without presence.
  type Outcome = readonly string[] | 'error' | 'nothing'
  interface Row {
    readonly bob: readonly (number | '-')[]
    readonly to: 'bare' | 'r0' | 'stale'
    readonly normal: Outcome
    readonly chat: Outcome
    readonly groupchat: Outcome
    readonly headline: Outcome
  }
  const rows: readonly Row[] = [
    // §8.5.2.2, §8.5.3.2: no available resource
    { bob: [], to: 'bare', normal: 'error', chat: 'error', groupchat: 'error', headline: 'nothing' },
    { bob: [], to: 'stale', normal: 'error', chat: 'error', groupchat: 'error', headline: 'nothing' },
    { bob: ['-'], to: 'bare', normal: 'error', chat: 'error', groupchat: 'error', headline: 'nothing' },
    { bob: ['-'], to: 'r0', normal: ['r0'], chat: ['r0'], groupchat: ['r0'], headline: ['r0'] },
    // negative priorities only
    { bob: [-1], to: 'bare', normal: 'error', chat: 'error', groupchat: 'error', headline: 'nothing' },
    { bob: [-1], to: 'r0', normal: ['r0'], chat: ['r0'], groupchat: ['r0'], headline: ['r0'] },
    { bob: [-1], to: 'stale', normal: 'error', chat: 'error', groupchat: 'error', headline: 'nothing' },
    // one that takes messages
    { bob: [0], to: 'bare', normal: ['r0'], chat: ['r0'], groupchat: 'error', headline: ['r0'] },
    { bob: [0], to: 'r0', normal: ['r0'], chat: ['r0'], groupchat: ['r0'], headline: ['r0'] },
    { bob: [0], to: 'stale', normal: 'error', chat: ['r0'], groupchat: 'error', headline: 'nothing' },
    // several
    {
      bob: [1, 5, 5, -1, '-'],
      to: 'bare',
      normal: ['r1', 'r2'],
      chat: ['r1', 'r2'],
      groupchat: 'error',
      headline: ['r0', 'r1', 'r2'],
    },
    { bob: [1, 5, 5, -1, '-'], to: 'r0', normal: ['r0'], chat: ['r0'], groupchat: ['r0'], headline: ['r0'] },
    {
      bob: [1, 5, 5, -1, '-'],
      to: 'stale',
      normal: 'error',
      chat: ['r1', 'r2'],
      groupchat: 'error',
      headline: 'nothing',
    },
  ]
  const cases = rows.flatMap(({ bob, to, ...types }) =>
    Object.entries({ ...types, error: Array.isArray(types.normal) && to === 'r0' ? types.normal : 'nothing' }).map(
      ([type, outcome]) => ({ bob, to, type, outcome }),
    ),
  )

  it.each(cases)('$type to $to, bob has $bob: $outcome', ({ bob, to, type, outcome }) => {
    const realm = new Realm(everyFeature())
    const alice = realm.enter('alice@localhost/a', 0)
    bob.forEach((priority, n) => {
      realm.enter(`bob@localhost/r${n}`, priority === '-' ? undefined : priority)
    })
    const address = to === 'bare' ? 'bob@localhost' : `bob@localhost/${to}`
    realm.send(alice, `<message to='${address}' type='${type}' id='1'><body>x</body></message>`)
    const answers = alice.take().map(describeAnswer)
    expect(answers).toEqual(outcome === 'error' ? ['message error service-unavailable'] : [])
    const got = realm.arrivals().map((line) => line.replace(/^bob@localhost\/(\w+): .*$/, '$1'))
    expect(got).toEqual(Array.isArray(outcome) ? outcome : [])
  })

  it('without an address is for oneself (RFC 6120 §10.3.1)', () => {
    const realm = new Realm(everyFeature())
    const alice = realm.enter('alice@localhost/a', 0)
    realm.send(alice, "<message type='chat'><body>x</body></message>")
    expect(realm.arrivals()).toEqual([
      'alice@localhost/a: <message type="chat" from="alice@localhost/a"><body>x</body></message>',
    ])
  })
})

describe('presence to an account (RFC 6121 §8.5)', () => {
  it.each([
    { to: 'bob@localhost', type: undefined, got: ['r0', 'r1'] },
    { to: 'bob@localhost', type: 'unavailable', got: ['r0', 'r1'] },
    { to: 'bob@localhost', type: 'subscribe', got: [] },
    { to: 'bob@localhost', type: 'probe', got: [] },
    { to: 'bob@localhost/r2', type: undefined, got: ['r2'] },
    { to: 'bob@localhost/r2', type: 'unavailable', got: ['r2'] },
    { to: 'bob@localhost/r2', type: 'error', got: ['r2'] },
    { to: 'bob@localhost/r2', type: 'subscribe', got: [] },
    { to: 'bob@localhost/gone', type: undefined, got: [] },
  ])('$type to $to, where r2 is not available: $got', ({ to, type, got }) => {
    const realm = new Realm([])
    const alice = realm.enter('alice@localhost/a', 0)
    for (const [resource, priority] of [
      ['r0', 0],
      ['r1', -1],
      ['r2', undefined],
    ] as const) {
      realm.enter(`bob@localhost/${resource}`, priority)
    }
    realm.send(alice, `<presence to='${to}'${type === undefined ? '' : ` type='${type}'`}/>`)
    expect(realm.arrivals().map((line) => line.replace(/^bob@localhost\/(\w+): .*$/, '$1'))).toEqual(got)
  })
})

describe('what nobody takes', () => {
  it.each([
    { type: 'chat', to: 'bob@localhost', kept: true },
    { type: 'normal', to: 'bob@localhost', kept: true },
    { type: 'chat', to: 'bob@localhost/gone', kept: true },
    { type: 'headline', to: 'bob@localhost', kept: false },
    { type: 'groupchat', to: 'bob@localhost', kept: false },
    { type: 'error', to: 'bob@localhost', kept: false },
  ])('offline gets what nobody takes: $type to $to: $kept', ({ type, to, kept }) => {
    const store: string[] = []
    const realm = new Realm([
      featureOf((host) =>
        host.onStanza('offline', 'message', ({ to }) => {
          store.push(String(to))
          return 'done'
        }),
      ),
    ])
    const alice = realm.enter('alice@localhost/a')
    realm.send(alice, `<message to='${to}' type='${type}'/>`)
    expect(store).toEqual(kept ? [to] : [])
    expect(alice.take().map(describeAnswer)).toEqual(type === 'groupchat' ? ['message error service-unavailable'] : [])
  })

  it('offline is not asked when somebody is there', () => {
    const realm = new Realm([
      featureOf((host) =>
        host.onStanza('offline', 'message', () => {
          throw new Error('asked')
        }),
      ),
    ])
    const alice = realm.enter('alice@localhost/a', 0)
    realm.send(alice, "<message to='alice@localhost'/>")
    expect(alice.take()).toHaveLength(1)
    expect(realm.log.lines).toEqual([])
  })
})
