import { describe, expect, it } from 'vitest'
import { everyFeature, Realm, resultOf } from '../../support/servers/realm.ts'

describe('the roster (RFC 6121 §2)', () => {
  it('is there, and empty', () => {
    expect(resultOf("<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>")).toBe(
      '<query xmlns="jabber:iq:roster"/>',
    )
  })

  it("of somebody else's account is not told (RFC 6120 §10.5.3.2)", () => {
    const realm = new Realm(everyFeature())
    const alice = realm.enter('alice@localhost/a')
    realm.enter('bob@localhost/b', 0)
    realm.send(alice, "<iq to='bob@localhost' type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>")
    expect(realm.arrivals()).toEqual([expect.stringMatching(/^alice@localhost\/a: .*<service-unavailable/)])
  })
})
