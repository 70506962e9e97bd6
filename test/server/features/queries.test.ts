import { describe, expect, it } from 'vitest'
import { everyFeature, Realm } from '../../support/realm.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const ADVERTISED = [INFO, ITEMS, 'urn:xmpp:ping'].map((name) => `<feature var="${name}"/>`).join('')

describe('queries that the server answers', () => {
  it.each([
    {
      name: 'XEP-0030: the server',
      ask: `<iq to='localhost' type='get' id='1'><query xmlns='${INFO}'/></iq>`,
      answer: `<query xmlns="${INFO}"><identity category="server" type="im" name="xmppki"/>${ADVERTISED}</query>`,
    },
    {
      name: 'XEP-0030: own account',
      ask: `<iq to='alice@localhost' type='get' id='1'><query xmlns='${INFO}'/></iq>`,
      answer: `<query xmlns="${INFO}"><identity category="account" type="registered"/>${ADVERTISED}</query>`,
    },
    {
      name: 'XEP-0030: items of the server',
      ask: `<iq to='localhost' type='get' id='1'><query xmlns='${ITEMS}'/></iq>`,
      answer: `<query xmlns="${ITEMS}"/>`,
    },
    {
      name: 'XEP-0030: own items',
      ask: `<iq type='get' id='1'><query xmlns='${ITEMS}'/></iq>`,
      answer: `<query xmlns="${ITEMS}"/>`,
    },
    {
      name: 'RFC 6121 §2.2: roster',
      ask: "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>",
      answer: '<query xmlns="jabber:iq:roster"/>',
    },
    { name: 'XEP-0199: ping without to', ask: "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", answer: '' },
    {
      name: 'XEP-0199: ping to the server',
      ask: "<iq to='localhost' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
      answer: '',
    },
    {
      name: 'RFC 3921 §3: session',
      ask: "<iq type='set' id='1'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
      answer: '',
    },
    {
      name: 'RFC 3921 §3: session, to the server',
      ask: "<iq to='localhost' type='set' id='1'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
      answer: '',
    },
  ])('$name', ({ ask, answer }) => {
    const realm = new Realm(everyFeature())
    const alice = realm.enter('alice@localhost/a')
    realm.send(alice, ask)
    const [reply = '', ...more] = alice.take()
    expect(more).toEqual([])
    expect(reply).toMatch(/^<iq type="result" id="1"/)
    expect(reply.replace(/^<iq [^>]*?\/?>|<\/iq>$/g, '')).toBe(answer)
  })

  it.each([INFO, ITEMS])('%s knows no nodes (XEP-0030 §7)', (namespace) => {
    const realm = new Realm(everyFeature())
    const alice = realm.enter('alice@localhost/a')
    realm.send(alice, `<iq to='localhost' type='get' id='1'><query xmlns='${namespace}' node='x'/></iq>`)
    expect(alice.take()).toEqual([expect.stringContaining('<item-not-found')])
  })

  it.each([INFO, ITEMS, 'jabber:iq:roster'])(
    "%s of somebody else's account is not told (RFC 6120 §10.5.3.2)",
    (namespace) => {
      const realm = new Realm(everyFeature())
      const alice = realm.enter('alice@localhost/a')
      realm.enter('bob@localhost/b', 0)
      realm.send(alice, `<iq to='bob@localhost' type='get' id='1'><query xmlns='${namespace}'/></iq>`)
      expect(realm.arrivals()).toEqual([expect.stringMatching(/^alice@localhost\/a: .*<service-unavailable/)])
    },
  )
})
