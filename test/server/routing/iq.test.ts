import { describe, expect, it } from 'vitest'
import { xml } from '../../../src/xmpp/xml/element.ts'
import { describeAnswer, everyFeature, featureOf, Realm } from '../../support/servers/realm.ts'

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

describe('IQ handlers of features', () => {
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
    const realm = new Realm([featureOf((host) => host.onIq('get', 'self', payload, handle))])
    const alice = realm.enter('alice@localhost/a')
    realm.send(alice, ASK)
    await new Promise(setImmediate)
    const answers = alice.take()
    expect(answers.map(describeAnswer)).toEqual([answer])
    expect(answers.join()).not.toContain('secret')
    expect(realm.log.find('a feature failed') !== undefined).toBe(answer.endsWith('internal-server-error'))
  })
})
