import { describe, expect, it } from 'vitest'
import type { Feature, FeatureHost } from '../../../src/server/features/feature.ts'
import type { IqReply } from '../../../src/server/routing/iq.ts'
import { Stanza } from '../../../src/xmpp/stanza.ts'
import { xml } from '../../../src/xmpp/xml/element.ts'
import { Realm } from '../../support/servers/realm.ts'
import { gate, turn } from '../../support/streams/gate.ts'

/** The rules in `src/server/routing/lane.ts`, in its order. */

const feature = (install: (host: FeatureHost) => void): Feature => ({ name: 'test', claims: [], install })
const payload = { name: 'a', namespace: 'urn:test' }
const RESULT: IqReply = { type: 'result' }

/** Answers in the order in which it is told to, whatever the order of the questions. */
function answering() {
  const begun: string[] = []
  const pending = new Map<string, () => void>()
  const handle = ({ iq }: { iq: { id: string | undefined } }): Promise<IqReply> => {
    const id = iq.id ?? ''
    begun.push(id)
    return new Promise((resolve) => pending.set(id, () => resolve(RESULT)))
  }
  const answer = async (id: string) => {
    pending.get(id)?.()
    await turn()
  }
  return { begun, handle, answer }
}

const idsOf = (stanzas: readonly string[]) => stanzas.map((stanza) => / id="([^"]*)"/.exec(stanza)?.[1])
const iq = (type: 'get' | 'set', id: string) => `<iq type='${type}' id='${id}'><a xmlns='urn:test'/></iq>`

describe('1. what one session sends is processed in order', () => {
  it('a message behind one whose handler waits waits as well, and those of others do not', async () => {
    const { open, passed } = gate()
    const realm = new Realm([
      feature((host) =>
        host.onStanza('sent', 'message', ({ id }) => (id === 'slow' ? passed.then(() => 'pass' as const) : 'pass')),
      ),
    ])
    const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => realm.enter(`${name}@localhost/r`, 0))
    if (alice === undefined || bob === undefined || carol === undefined) throw new Error('nobody')
    realm.send(alice, "<message to='bob@localhost' id='slow'/>")
    realm.send(alice, "<message to='bob@localhost' id='behind'/>")
    realm.send(carol, "<message to='bob@localhost' id='other'/>")
    expect(idsOf(bob.take())).toEqual(['other'])
    open()
    await turn()
    expect(idsOf(bob.take())).toEqual(['slow', 'behind'])
  })
})

describe('2. what one account receives is processed in order', () => {
  it('whoever has sent it, and whatever a handler of it waits for', async () => {
    const { open, passed } = gate()
    const realm = new Realm([
      feature((host) =>
        host.onStanza('received', 'message', ({ id }) => (id === 'slow' ? passed.then(() => 'pass' as const) : 'pass')),
      ),
    ])
    const alice = realm.enter('alice@localhost/r', 0)
    const bob = realm.enter('bob@localhost/r', 0)
    const carol = realm.enter('carol@localhost/r', 0)
    realm.send(alice, "<message to='bob@localhost' id='slow'/>")
    realm.send(carol, "<message to='bob@localhost/r' id='second'/>")
    realm.send(carol, "<iq to='bob@localhost/r' type='get' id='third'><a xmlns='urn:x'/></iq>")
    // Carol's lane does not wait for that of bob's account.
    realm.send(carol, "<message to='alice@localhost' id='elsewhere'/>")
    expect([idsOf(bob.take()), idsOf(alice.take())]).toEqual([[], ['elsewhere']])
    open()
    await turn()
    expect(idsOf(bob.take())).toEqual(['slow', 'second', 'third'])
  })
})

describe('3. a lane never waits for another lane', () => {
  it('what a handler routes to the account that it is called for comes behind what it is called with', () => {
    const realm = new Realm([
      feature((host) =>
        host.onStanza('received', 'message', ({ id, from }, account) => {
          if (id !== 'first') return 'pass'
          const made = xml('message', { id: 'made', from: from.toString(), to: account.toString() })
          host.route(new Stanza(made, 'message', from, account))
          return 'pass'
        }),
      ),
    ])
    const alice = realm.enter('alice@localhost/r', 0)
    realm.send(alice, "<message to='alice@localhost' id='first'/>")
    expect(idsOf(alice.take())).toEqual(['first', 'made'])
  })

  it('two accounts whose handlers route to one another get on', async () => {
    const realm = new Realm([
      feature((host) =>
        host.onStanza('received', 'message', async (stanza, account) => {
          await turn()
          const other = host.resources(stanza.from.bare())[0]?.jid
          if (stanza.type === 'chat' && other !== undefined && !other.bare().equals(account)) host.route(stanza, other)
          return 'pass' as const
        }),
      ),
    ])
    const alice = realm.enter('alice@localhost/r', 0)
    const bob = realm.enter('bob@localhost/r', 0)
    realm.send(alice, "<message to='bob@localhost' type='chat' id='1'/>")
    realm.send(bob, "<message to='alice@localhost' type='chat' id='2'/>")
    for (let n = 0; n < 10; n++) await turn()
    expect([idsOf(alice.take()).sort(), idsOf(bob.take()).sort()]).toEqual([
      ['1', '2'],
      ['1', '2'],
    ])
  })
})

describe('4. IQ', () => {
  const setUp = () => {
    const { begun, handle, answer } = answering()
    const realm = new Realm([
      feature((host) => {
        host.onIq('get', 'self', payload, handle)
        host.onIq('set', 'self', payload, handle)
      }),
    ])
    return { realm, alice: realm.enter('alice@localhost/r', 0), begun, answer }
  }

  it('a set holds what the client sends behind it until it is answered', async () => {
    const { realm, alice, begun, answer } = setUp()
    realm.send(alice, iq('set', '1'))
    realm.send(alice, iq('set', '2'))
    realm.send(alice, "<message to='alice@localhost' id='3'/>")
    expect([begun, alice.take()]).toEqual([['1'], []])
    await answer('1')
    expect([begun, idsOf(alice.take())]).toEqual([['1', '2'], ['1']])
    await answer('2')
    expect(idsOf(alice.take())).toEqual(['2', '3'])
  })

  it('a get begins in order and holds nothing', async () => {
    const { realm, alice, begun, answer } = setUp()
    realm.send(alice, iq('get', '1'))
    realm.send(alice, iq('get', '2'))
    realm.send(alice, iq('set', '3'))
    expect(begun).toEqual(['1', '2', '3'])
    await answer('2')
    await answer('3')
    await answer('1')
    expect(idsOf(alice.take())).toEqual(['2', '3', '1'])
  })

  it.each(['get', 'set'] as const)('exactly one answer to a %s, also when what follows it throws', async (type) => {
    const after = () => {
      throw new Error('secret')
    }
    for (const reply of [{ ...RESULT, after }, Promise.resolve({ ...RESULT, after })]) {
      const realm = new Realm([feature((host) => host.onIq(type, 'self', payload, () => reply))])
      const alice = realm.enter('alice@localhost/r', 0)
      realm.send(alice, iq(type, '1'))
      await turn()
      expect(alice.take()).toEqual(['<iq type="result" id="1" to="alice@localhost/r"/>'])
      expect(realm.log.find('a feature failed')).toBeDefined()
    }
  })

  it('two features cannot answer one payload', () => {
    const answer = () => RESULT
    const one = feature((host) => host.onIq('get', 'self', payload, answer))
    expect(() => new Realm([one, one])).toThrow('two features answer get self {urn:test}a')
    // What is asked of the server, or by a set, is another matter.
    const others = feature((host) => {
      host.onIq('get', 'server', payload, answer)
      host.onIq('get', 'account', payload, answer)
      host.onIq('set', 'self', payload, answer)
    })
    expect(() => new Realm([one, others])).not.toThrow()
  })
})

describe('5. what leaves is in the order of the wire', () => {
  it('one that is held goes with the next that is let go, before it', () => {
    const realm = new Realm([feature((host) => host.onLeaving(({ name }) => (name === 'presence' ? 'hold' : 'send')))])
    const alice = realm.enter('alice@localhost/r', 0)
    const bob = realm.enter('bob@localhost/r', 0)
    realm.send(alice, "<presence to='bob@localhost' id='1'/>")
    realm.send(alice, "<presence to='bob@localhost' id='2'/>")
    expect(bob.take()).toEqual([])
    realm.send(alice, "<message to='bob@localhost' id='3'/>")
    expect(idsOf(bob.take())).toEqual(['1', '2', '3'])
  })
})

describe('6. handlers run in the order of the features', () => {
  it('each sees what the one before it has made of the stanza, in every stage', async () => {
    const seen: string[] = []
    const mark = (name: string, isLate: boolean) =>
      feature((host) => {
        for (const stage of ['sent', 'received', 'offline'] as const) {
          host.onStanza(stage, 'message', (stanza) => {
            seen.push(`${stage} ${name}: ${stanza.element.children.length}`)
            const marked = stanza.with(xml('mark', { xmlns: 'urn:test', by: `${name} ${stage}` }))
            return isLate ? Promise.resolve(marked) : marked
          })
        }
      })
    for (const isLate of [false, true]) {
      const realm = new Realm([mark('one', isLate), mark('two', !isLate), mark('three', isLate)])
      const alice = realm.enter('alice@localhost/r')
      const bob = realm.enter('bob@localhost/r', 0)
      realm.send(alice, "<message to='bob@localhost' id='1'/>")
      await turn()
      const [text = ''] = bob.take()
      const orderOf = (stage: string) => ['one', 'two', 'three'].map((name) => `${name} ${stage}`)
      expect([...text.matchAll(/by="([^"]*)"/g)].map(([, by]) => by)).toEqual([
        ...orderOf('sent'),
        ...orderOf('received'),
      ])
    }
    expect(seen.slice(0, 6)).toEqual([
      'sent one: 0',
      'sent two: 1',
      'sent three: 2',
      'received one: 3',
      'received two: 4',
      'received three: 5',
    ])
  })
})
