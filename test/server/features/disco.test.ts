import { describe, expect, it } from 'vitest'
import { everyFeature, Realm, resultOf } from '../../support/servers/realm.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const advertised = (...names: string[]) => names.map((name) => `<feature var="${name}"/>`).join('')
const SERVER = advertised(INFO, ITEMS, 'urn:xmpp:ping')
const ACCOUNT = advertised(INFO, ITEMS, 'urn:xmpp:ping')

describe('service discovery (XEP-0030)', () => {
  it.each([
    {
      name: 'the server',
      ask: `<iq to='localhost' type='get' id='1'><query xmlns='${INFO}'/></iq>`,
      answer: `<query xmlns="${INFO}"><identity category="server" type="im" name="xmppki"/>${SERVER}</query>`,
    },
    {
      name: 'own account',
      ask: `<iq to='alice@localhost' type='get' id='1'><query xmlns='${INFO}'/></iq>`,
      answer: `<query xmlns="${INFO}"><identity category="account" type="registered"/>${ACCOUNT}</query>`,
    },
    {
      name: 'items of the server',
      ask: `<iq to='localhost' type='get' id='1'><query xmlns='${ITEMS}'/></iq>`,
      answer: `<query xmlns="${ITEMS}"/>`,
    },
    {
      name: 'own items',
      ask: `<iq type='get' id='1'><query xmlns='${ITEMS}'/></iq>`,
      answer: `<query xmlns="${ITEMS}"/>`,
    },
  ])('$name', ({ ask, answer }) => {
    expect(resultOf(ask)).toBe(answer)
  })

  it.each([INFO, ITEMS])('%s knows no nodes (XEP-0030 §7)', (namespace) => {
    const realm = new Realm(everyFeature())
    const alice = realm.enter('alice@localhost/a')
    realm.send(alice, `<iq to='localhost' type='get' id='1'><query xmlns='${namespace}' node='x'/></iq>`)
    expect(alice.take()).toEqual([expect.stringContaining('<item-not-found')])
  })

  it.each([INFO, ITEMS])("%s of somebody else's account is not told (RFC 6120 §10.5.3.2)", (namespace) => {
    const realm = new Realm(everyFeature())
    const alice = realm.enter('alice@localhost/a')
    realm.enter('bob@localhost/b', 0)
    realm.send(alice, `<iq to='bob@localhost' type='get' id='1'><query xmlns='${namespace}'/></iq>`)
    expect(realm.arrivals()).toEqual([expect.stringMatching(/^alice@localhost\/a: .*<service-unavailable/)])
  })
})
