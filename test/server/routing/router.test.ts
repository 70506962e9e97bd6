import { describe, expect, it } from 'vitest'
import type { Feature, FeatureHost } from '../../../src/server/features/feature.ts'
import { xml } from '../../../src/xmpp/xml/element.ts'
import { everyFeature, Realm } from '../../support/realm.ts'

const ERROR = (condition: string) => new RegExp(`^(iq|message|presence) error ${condition}$`)

/** `kind type condition` of an answer. */
function describeAnswer(stanza: string): string {
  const kind = /^<(\w+)/.exec(stanza)?.[1]
  const type = / type="(\w+)"/.exec(stanza)?.[1]
  const condition = /<error type="\w+"><([\w-]+)/.exec(stanza)?.[1]
  return [kind, type, condition].filter((part) => part !== undefined).join(' ')
}

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

describe('addresses', () => {
  const setUp = () => {
    const realm = new Realm(everyFeature())
    return { realm, alice: realm.enter('alice@localhost/a', 0), bob: realm.enter('bob@localhost/b', 0) }
  }

  it.each([
    { from: undefined },
    { from: 'alice@localhost' },
    { from: 'alice@localhost/a' },
    { from: 'ALICE@LOCALHOST/a' },
  ])('from $from becomes the full JID (RFC 6120 §8.1.2.1)', ({ from }) => {
    const { realm, alice } = setUp()
    realm.send(
      alice,
      `<message to='bob@localhost' ${from === undefined ? '' : `from='${from}'`}><body>x</body></message>`,
    )
    expect(realm.arrivals()).toEqual([
      expect.stringMatching(/^bob@localhost\/b: <message [^>]*from="alice@localhost\/a"/),
    ])
  })

  it.each(['bob@localhost', 'bob@localhost/b', 'alice@localhost/other', 'alice@other.example', 'localhost', '@', ''])(
    'from %j is invalid-from, and nothing is delivered (RFC 6120 §4.9.3.9)',
    (from) => {
      const { realm, alice } = setUp()
      expect(realm.send(alice, `<message to='bob@localhost' from='${from}'><body>x</body></message>`)).toEqual({
        condition: 'invalid-from',
      })
      expect(realm.arrivals()).toEqual([])
    },
  )

  it.each([
    {
      name: 'message to a remote domain',
      stanza: "<message to='x@other.example'><body/></message>",
      answer: ERROR('remote-server-not-found'),
    },
    {
      name: 'presence to a remote domain',
      stanza: "<presence to='x@other.example'/>",
      answer: ERROR('remote-server-not-found'),
    },
    {
      name: 'iq to a remote domain',
      stanza: "<iq to='other.example' type='get' id='1'><a/></iq>",
      answer: ERROR('remote-server-not-found'),
    },
    {
      name: 'a subdomain is remote',
      stanza: "<message to='x@conference.localhost'><body/></message>",
      answer: ERROR('remote-server-not-found'),
    },
    {
      name: 'message to the server',
      stanza: "<message to='localhost'><body/></message>",
      answer: ERROR('service-unavailable'),
    },
    { name: 'message to no JID', stanza: "<message to='a@b@c'><body/></message>", answer: ERROR('jid-malformed') },
    { name: 'iq to no JID', stanza: "<iq to='@' type='get' id='1'><a/></iq>", answer: ERROR('jid-malformed') },
  ])('$name', ({ stanza, answer }) => {
    const { realm, alice } = setUp()
    expect(realm.send(alice, stanza)).toBeUndefined()
    expect(alice.take().map(describeAnswer)).toEqual([expect.stringMatching(answer)])
  })

  it.each([
    "<message to='x@other.example' type='error'><body/></message>",
    "<presence to='x@other.example' type='error'/>",
    "<message to='a@b@c' type='error'/>",
    "<iq to='@' type='result' id='1'/>",
    "<iq to='other.example' type='error' id='1'/>",
    "<iq to='other.example' type='result' id='1'/>",
    "<iq to='nobody@localhost/x' type='result' id='1'/>",
    "<iq to='localhost' type='result' id='1'/>",
    "<iq type='error' id='1'/>",
    "<iq type='result'/>",
  ])('%s is never answered (RFC 6120 §8.3.1)', (stanza) => {
    const { realm, alice } = setUp()
    expect(realm.send(alice, stanza)).toBeUndefined()
    expect(realm.arrivals()).toEqual([])
  })

  it.each(['<a/>', "<a xmlns='urn:x'/>", "<message xmlns='urn:x'/>", "<message xmlns=''/>"])(
    '%s is no stanza',
    (text) => {
      const { realm, alice } = setUp()
      expect(realm.send(alice, text)).toEqual({ condition: 'unsupported-stanza-type' })
    },
  )
})

describe('IQ (RFC 6120 §8.2.3, RFC 6121 §8.5)', () => {
  const PING = "<ping xmlns='urn:xmpp:ping'/>"
  it.each([
    { name: 'no id', iq: `<iq type='get'>${PING}</iq>`, answer: 'iq error bad-request' },
    { name: 'no child', iq: "<iq type='get' id='1'/>", answer: 'iq error bad-request' },
    { name: 'two children', iq: `<iq type='get' id='1'>${PING}${PING}</iq>`, answer: 'iq error bad-request' },
    { name: 'no type', iq: `<iq id='1'>${PING}</iq>`, answer: 'iq error bad-request' },
    { name: 'unknown type', iq: `<iq type='Get' id='1'>${PING}</iq>`, answer: 'iq error bad-request' },
    {
      name: 'unknown payload',
      iq: "<iq type='get' id='1'><a xmlns='urn:x'/></iq>",
      answer: 'iq error service-unavailable',
    },
    {
      name: 'payload in no namespace',
      iq: "<iq type='get' id='1'><ping xmlns=''/></iq>",
      answer: 'iq error service-unavailable',
    },
    {
      name: 'set where get is known',
      iq: `<iq type='set' id='1'>${PING}</iq>`,
      answer: 'iq error service-unavailable',
    },
    {
      name: 'unknown account',
      iq: `<iq to='nobody@localhost' type='get' id='1'>${PING}</iq>`,
      answer: 'iq error service-unavailable',
    },
    {
      name: "somebody else's account",
      iq: `<iq to='bob@localhost' type='get' id='1'>${PING}</iq>`,
      answer: 'iq error service-unavailable',
    },
    {
      name: 'a resource that is gone',
      iq: `<iq to='bob@localhost/gone' type='get' id='1'>${PING}</iq>`,
      answer: 'iq error service-unavailable',
    },
    { name: 'own account', iq: `<iq to='alice@localhost' type='get' id='1'>${PING}</iq>`, answer: 'iq result' },
    { name: 'nobody', iq: `<iq type='get' id='1'>${PING}</iq>`, answer: 'iq result' },
    { name: 'the server', iq: `<iq to='localhost' type='get' id='1'>${PING}</iq>`, answer: 'iq result' },
  ])('$name: $answer', ({ iq, answer }) => {
    const realm = new Realm(everyFeature())
    const alice = realm.enter('alice@localhost/a')
    const bob = realm.enter('bob@localhost/b')
    realm.send(alice, iq)
    expect(alice.take().map(describeAnswer)).toEqual([answer])
    expect(bob.take()).toEqual([])
  })

  it('turns the addresses round and keeps the id', () => {
    const realm = new Realm(everyFeature())
    const alice = realm.enter('alice@localhost/a')
    realm.send(alice, `<iq to='localhost' type='get' id='&lt;"&amp;'>${PING}</iq>`)
    realm.send(alice, "<iq to='localhost' type='set' id='2'><a xmlns='urn:x'/></iq>")
    expect(alice.take()).toEqual([
      '<iq type="result" id="&lt;&quot;&amp;" from="localhost" to="alice@localhost/a"/>',
      '<iq type="error" id="2" from="localhost" to="alice@localhost/a"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>',
    ])
  })

  it.each(['get', 'set', 'result', 'error'])('%s goes to a resource as it is', (type) => {
    const realm = new Realm(everyFeature())
    const alice = realm.enter('alice@localhost/a')
    const bob = realm.enter('bob@localhost/b')
    realm.send(alice, `<iq to='bob@localhost/b' type='${type}' id='1'><a xmlns='urn:x'/></iq>`)
    expect(bob.take()).toEqual([
      `<iq to="bob@localhost/b" type="${type}" id="1" from="alice@localhost/a"><a xmlns="urn:x"/></iq>`,
    ])
    expect(alice.take()).toEqual([])
  })
})

describe('features', () => {
  const feature = (install: (host: FeatureHost) => void): Feature => ({
    name: 'test',
    claims: [],
    install,
  })
  const payload = { name: 'a', namespace: 'urn:test' }
  const ASK = "<iq type='get' id='1'><a xmlns='urn:test'/></iq>"

  it.each([
    {
      name: 'answers',
      handle: () => ({ type: 'result', payload: xml('b', { xmlns: 'urn:test' }) }) as const,
      answer: 'iq result',
    },
    {
      name: 'refuses',
      handle: () => ({ type: 'error', error: { condition: 'forbidden' } }) as const,
      answer: 'iq error forbidden',
    },
    { name: 'answers later', handle: async () => ({ type: 'result' }) as const, answer: 'iq result' },
    {
      name: 'throws',
      handle: () => {
        throw new Error('secret')
      },
      answer: 'iq error internal-server-error',
    },
    {
      name: 'throws later',
      handle: () => Promise.reject(new Error('secret')),
      answer: 'iq error internal-server-error',
    },
  ])('an IQ handler that $name: exactly one answer', async ({ handle, answer }) => {
    const realm = new Realm([feature((host) => host.onIq('get', 'self', payload, handle))])
    const alice = realm.enter('alice@localhost/a')
    realm.send(alice, ASK)
    await new Promise(setImmediate)
    const answers = alice.take()
    expect(answers.map(describeAnswer)).toEqual([answer])
    expect(answers.join()).not.toContain('secret')
    expect(realm.log.find('a feature failed') !== undefined).toBe(answer.endsWith('internal-server-error'))
  })

  it.each(['message', 'presence'] as const)('a %s handler that throws costs the stanza, not the session', (kind) => {
    const realm = new Realm([
      feature((host) =>
        host.onStanza('sent', kind, () => {
          throw new Error('secret')
        }),
      ),
    ])
    const alice = realm.enter('alice@localhost/a', 0)
    expect(realm.send(alice, `<${kind} to='alice@localhost' id='1'/>`)).toBeUndefined()
    expect(
      realm
        .arrivals()
        .map((line) => line.slice('alice@localhost/a: '.length))
        .map(describeAnswer),
    ).toEqual([`${kind} error internal-server-error`])
    expect(realm.log.find('a feature failed')).toMatchObject({ level: 'error', jid: 'alice@localhost/a' })
  })

  it('an end handler that throws does not keep the others from running', () => {
    const ended: string[] = []
    const realm = new Realm([
      feature((host) =>
        host.on('ended', () => {
          throw new Error('secret')
        }),
      ),
      feature((host) => host.on('ended', ({ jid }) => ended.push(jid.toString()))),
    ])
    realm.leave(realm.enter('alice@localhost/a'))
    expect(ended).toEqual(['alice@localhost/a'])
  })

  it.each([
    { verdict: 'pass' as const, arrives: true, answer: [] },
    { verdict: 'done' as const, arrives: false, answer: [] },
    { verdict: { condition: 'forbidden' } as const, arrives: false, answer: ['message error forbidden'] },
  ])('what sent and received decide: $verdict', async ({ verdict, arrives, answer }) => {
    for (const stage of ['sent', 'received'] as const) {
      for (const decision of [verdict, Promise.resolve(verdict)]) {
        let isSeen = false
        const realm = new Realm([
          feature((host) => {
            host.onStanza(stage, 'message', () => decision)
            host.onStanza(stage, 'message', () => {
              isSeen = true
              return 'pass'
            })
          }),
        ])
        const alice = realm.enter('alice@localhost/a')
        const bob = realm.enter('bob@localhost/b', 0)
        realm.send(alice, "<message to='bob@localhost' id='1'/>")
        await new Promise(setImmediate)
        expect(bob.take().length > 0).toBe(arrives)
        expect(alice.take().map(describeAnswer)).toEqual(answer)
        expect(isSeen).toBe(arrives)
      }
    }
  })

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
      feature((host) =>
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
      feature((host) =>
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
