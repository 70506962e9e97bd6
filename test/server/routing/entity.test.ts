import { describe, expect, it } from 'vitest'
import type { Feature } from '../../../src/server/features/feature.ts'
import type { Entity } from '../../../src/server/routing/entity.ts'
import { Realm } from '../../support/servers/realm.ts'
import { gate, turn } from '../../support/streams/gate.ts'

const serving = (entity: Entity): Feature => ({ name: 'test', claims: [], install: (host) => host.serve(entity) })

describe('whoever answers for a domain', () => {
  it('gets what is sent to it and to addresses at it, and what it refuses goes back', () => {
    const seen: string[] = []
    const rooms: Entity = {
      domain: 'rooms.localhost',
      receive: ({ name, id }, to, session) => {
        seen.push(`${name} ${id} to ${to} from ${session?.jid}`)
        return id === 'bad' ? { condition: 'not-acceptable' } : undefined
      },
    }
    const realm = new Realm([serving(rooms)])
    const alice = realm.enter('alice@localhost/a', 0)
    realm.send(alice, "<presence to='room@rooms.localhost/nick' id='1'/>")
    realm.send(alice, "<iq to='rooms.localhost' type='get' id='2'><a xmlns='urn:x'/></iq>")
    realm.send(alice, "<message to='room@rooms.localhost' id='bad'/>")
    expect(seen).toEqual([
      'presence 1 to room@rooms.localhost/nick from alice@localhost/a',
      'iq 2 to rooms.localhost from alice@localhost/a',
      'message bad to room@rooms.localhost from alice@localhost/a',
    ])
    expect(alice.take()).toEqual([expect.stringMatching(/^<message type="error" id="bad".*<not-acceptable/)])
  })

  it('gets what is for one address one after the other, and other addresses do not wait', async () => {
    const { open, passed } = gate()
    const seen: string[] = []
    const rooms: Entity = {
      domain: 'rooms.localhost',
      receive: async ({ id = '' }) => {
        if (id === 'slow') await passed
        seen.push(id)
        return undefined
      },
    }
    const realm = new Realm([serving(rooms)])
    const alice = realm.enter('alice@localhost/a')
    realm.send(alice, "<message to='one@rooms.localhost' id='slow'/>")
    realm.send(alice, "<message to='one@rooms.localhost/nick' id='behind'/>")
    realm.send(alice, "<message to='two@rooms.localhost' id='elsewhere'/>")
    await turn()
    expect(seen).toEqual(['elsewhere'])
    open()
    await turn()
    expect(seen).toEqual(['elsewhere', 'slow', 'behind'])
  })

  it('costs a stanza when it fails, and two cannot answer for one', async () => {
    const fail = () => {
      throw new Error('secret')
    }
    const failing: Entity = { domain: 'rooms.localhost', receive: fail }
    for (const receive of [fail, async () => fail()]) {
      const realm = new Realm([serving({ ...failing, receive })])
      const alice = realm.enter('alice@localhost/a')
      expect(realm.send(alice, "<message to='a@rooms.localhost' id='1'/>")).toBeUndefined()
      await turn()
      expect(alice.take()).toEqual([expect.stringMatching(/^<message type="error" id="1".*<internal-server-error/)])
      expect(realm.log.find('a feature failed')).toMatchObject({ jid: 'alice@localhost/a' })
    }
    expect(() => new Realm([serving(failing), serving(failing)])).toThrow('two features answer for rooms.localhost')
  })
})

describe('elements that are not stanzas', () => {
  const nonza: Feature = {
    name: 'test',
    claims: [],
    install(host) {
      const seen = host.slot(0)
      host.onNonza({ name: 'r', namespace: 'urn:x' }, (_, session) => {
        seen.set(session, seen.get(session) + 1)
        return seen.get(session) > 2 ? { condition: 'policy-violation' } : undefined
      })
    },
  }

  it('go to the feature that takes them, each session by itself; others end the stream', () => {
    const realm = new Realm([nonza])
    const [alice, bob] = [realm.enter('alice@localhost/a'), realm.enter('bob@localhost/b')]
    const send = (from = alice) => realm.send(from, "<r xmlns='urn:x'/>")
    expect([send(), send(), send(bob), send()]).toEqual([
      undefined,
      undefined,
      undefined,
      { condition: 'policy-violation' },
    ])
    expect(realm.send(alice, "<r xmlns='urn:y'/>")).toEqual({ condition: 'unsupported-stanza-type' })
    expect(() => new Realm([nonza, nonza])).toThrow('two features take {urn:x}r')
  })
})
