import { describe, expect, it } from 'vitest'
import { presence } from '../../../src/server/features/presence.ts'
import { Realm } from '../../support/servers/realm.ts'

const from = (jid: string, rest = '') => `<presence from="${jid}"${rest}/>`
const BYE = ' type="unavailable"'

describe('presence of own resources (RFC 6121 §4)', () => {
  it('tells the resources of each other', () => {
    const realm = new Realm([presence])
    const phone = realm.enter('alice@localhost/phone')
    const tablet = realm.enter('alice@localhost/tablet')
    realm.enter('bob@localhost/b', 0)
    realm.send(phone, '<presence/>')
    expect(realm.arrivals()).toEqual([`alice@localhost/phone: ${from('alice@localhost/phone')}`])
    // §4.2.2: the newcomer learns of those who were there
    realm.send(tablet, '<presence/>')
    expect(realm.arrivals()).toEqual([
      `alice@localhost/phone: ${from('alice@localhost/tablet')}`,
      `alice@localhost/tablet: ${from('alice@localhost/phone')}`,
      `alice@localhost/tablet: ${from('alice@localhost/tablet')}`,
    ])
    realm.send(tablet, '<presence><show>away</show></presence>')
    expect(realm.arrivals()).toHaveLength(2)
    // §4.5.2
    realm.send(tablet, "<presence type='unavailable'/>")
    expect(realm.arrivals()).toEqual([
      `alice@localhost/phone: <presence type="unavailable" from="alice@localhost/tablet"/>`,
    ])
    realm.send(tablet, "<presence type='unavailable'/>")
    expect(realm.arrivals()).toEqual([])
  })

  it('speaks for a resource that goes without a word (§4.5.2)', () => {
    const realm = new Realm([presence])
    const phone = realm.enter('alice@localhost/phone')
    const tablet = realm.enter('alice@localhost/tablet')
    realm.send(phone, '<presence/>')
    realm.send(tablet, '<presence/>')
    realm.arrivals()
    realm.leave(tablet)
    expect(realm.arrivals()).toEqual([`alice@localhost/phone: ${from('alice@localhost/tablet', BYE)}`])
  })

  it.each([
    ['-128', -128],
    ['127', 127],
    ['0', 0],
    ['+5', 5],
    [' 7 ', 7],
  ])('priority %j', (text, expected) => {
    const realm = new Realm([presence])
    const alice = realm.enter('alice@localhost/a')
    realm.send(alice, `<presence><priority>${text}</priority></presence>`)
    expect(alice.priority).toBe(expected)
  })

  it.each(['128', '-129', '', 'high', '1.5', '0x1', '1e1'])('priority %j is bad-request (§4.7.2.3)', (text) => {
    const realm = new Realm([presence])
    const alice = realm.enter('alice@localhost/a')
    realm.send(alice, `<presence><priority>${text}</priority></presence>`)
    expect(alice.take()).toEqual([expect.stringContaining('<bad-request')])
    expect(alice.priority).toBeUndefined()
  })

  it.each(['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'error'])(
    '%s to nobody is nothing',
    (type) => {
      const realm = new Realm([presence])
      const alice = realm.enter('alice@localhost/a', 0)
      realm.send(alice, `<presence type='${type}'/>`)
      expect(realm.arrivals()).toEqual([])
      expect(alice.priority).toBe(0)
    },
  )
})

describe('directed presence (RFC 6121 §4.6)', () => {
  const setUp = () => {
    const realm = new Realm([presence])
    return {
      realm,
      alice: realm.enter('alice@localhost/a'),
      bob: realm.enter('bob@localhost/b', 0),
      carol: realm.enter('carol@localhost/c', 0),
    }
  }

  it.each(['bob@localhost', 'bob@localhost/b'])('to %s: who heard the beginning hears the end (§4.6.3)', (to) => {
    const { realm, alice, bob, carol } = setUp()
    realm.send(alice, `<presence to='${to}'/>`)
    expect(bob.take()).toEqual([`<presence to="${to}" from="alice@localhost/a"/>`])
    realm.leave(alice)
    expect(bob.take()).toEqual([from('alice@localhost/a', BYE)])
    expect(carol.take()).toEqual([])
  })

  it('once is enough: who was told of the end is not told again', () => {
    const { realm, alice, bob } = setUp()
    realm.send(alice, "<presence to='bob@localhost'/>")
    realm.send(alice, "<presence to='bob@localhost' type='unavailable'/>")
    bob.take()
    realm.leave(alice)
    expect(bob.take()).toEqual([])
  })

  it.each(['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe'])(
    '%s tells nothing of whether somebody is there',
    (type) => {
      const { realm, alice, bob } = setUp()
      realm.send(alice, `<presence to='bob@localhost/b' type='${type}'/>`)
      realm.send(alice, `<presence to='bob@localhost' type='${type}'/>`)
      realm.leave(alice)
      expect(realm.arrivals()).toEqual([])
      expect(bob.take()).toEqual([])
    },
  )

  it('to a resource that is gone reaches nobody (§8.5.3.2.2)', () => {
    const { realm, alice } = setUp()
    realm.send(alice, "<presence to='bob@localhost/gone'/>")
    realm.leave(alice)
    expect(realm.arrivals()).toEqual([])
  })

  it('is not sent to a session that is gone', () => {
    const { realm, alice, bob } = setUp()
    realm.send(alice, "<presence to='bob@localhost'/>")
    bob.take()
    realm.leave(bob)
    realm.leave(alice)
    expect(realm.arrivals()).toEqual([])
  })
})

describe('a logout', () => {
  it('asks those who told it of their presence, and nobody else', () => {
    const realm = new Realm([presence])
    const bob = realm.enter('bob@localhost/b', 0)
    const tellers = ['a1', 'a2'].map((resource) => realm.enter(`alice@localhost/${resource}`))
    for (const teller of tellers) realm.send(teller, "<presence to='bob@localhost/b'/>")
    // Of this one every look at what it remembers is counted.
    let looks = 0
    const other = realm.enter('dave@localhost/d')
    realm.send(other, "<presence to='alice@localhost/a1'/>")
    const { slots } = other.session
    Object.defineProperty(other.session, 'slots', {
      get: () => {
        looks += 1
        return slots
      },
    })
    realm.arrivals()
    realm.leave(bob)
    expect(looks).toBe(0)
    for (const teller of tellers) realm.leave(teller)
    expect(looks).toBe(1)
    expect(bob.take()).toEqual([])
  })
})
