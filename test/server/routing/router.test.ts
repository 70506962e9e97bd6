import { describe, expect, it } from 'vitest'
import { describeAnswer, everyFeature, Realm } from '../../support/servers/realm.ts'

const ERROR = (condition: string) => new RegExp(`^(iq|message|presence) error ${condition}$`)

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
    '%s is not a stanza',
    (text) => {
      const { realm, alice } = setUp()
      expect(realm.send(alice, text)).toEqual({ condition: 'unsupported-stanza-type' })
    },
  )
})
