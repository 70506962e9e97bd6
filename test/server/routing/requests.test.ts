import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Feature, FeatureHost } from '../../../src/server/features/feature.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { xml } from '../../../src/xmpp/xml/element.ts'
import { Realm } from '../../support/servers/realm.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A server that asks clients, with what it has been told. */
function asking() {
  let host: FeatureHost | undefined
  const feature: Feature = {
    name: 'test',
    claims: [],
    install(given) {
      host = given
    },
  }
  const realm = new Realm([feature])
  const alice = realm.enter('alice@localhost/a')
  const ask = async () => {
    const answer = await host?.request('get', alice.session.jid, xml('query', { xmlns: 'urn:x' }))
    return answer === undefined ? 'nothing' : `${answer.attrs['type']} ${answer.attrs['id']}`
  }
  return { realm, alice, ask }
}

const idOf = (iq = '') => / id="([^"]*)"/.exec(iq)?.[1] ?? ''

describe('what the server asks of a client (RFC 6120 §8.2.3)', () => {
  it.each(['result', 'error'])('is answered by a %s with its id, whoever it is addressed to', async (type) => {
    for (const to of ["to='localhost'", '', "to='alice@localhost'"]) {
      const { realm, alice, ask } = asking()
      const answer = ask()
      const [iq = ''] = alice.take()
      expect(iq).toMatch(
        /^<iq type="get" id="[^"]+" from="localhost" to="alice@localhost\/a"><query xmlns="urn:x"\/><\/iq>$/,
      )
      realm.send(alice, `<iq type='${type}' id='${idOf(iq)}' ${to}/>`)
      expect(await answer).toBe(`${type} ${idOf(iq)}`)
      expect(alice.take()).toEqual([])
    }
  })

  it('is answered by nobody else', async () => {
    const { realm, alice, ask } = asking()
    const mallory = realm.enter('mallory@localhost/m')
    const other = realm.enter('alice@localhost/other')
    const answer = ask()
    const id = idOf(alice.take()[0])
    for (const stranger of [mallory, other]) realm.send(stranger, `<iq type='result' id='${id}' to='localhost'/>`)
    realm.send(alice, "<iq type='result' id='unknown' to='localhost'/>")
    realm.send(alice, `<iq type='error' id='${id}' to='localhost'/>`)
    expect(await answer).toBe(`error ${id}`)
  })

  it('is over when the client is gone', async () => {
    const { realm, alice, ask } = asking()
    const answer = ask()
    realm.leave(alice)
    expect(await answer).toBe('nothing')
    expect(await ask()).toBe('nothing')
  })

  it('is over when the client says nothing for half a minute', async () => {
    const { alice, realm, ask } = asking()
    const answer = ask()
    vi.advanceTimersByTime(30_000)
    expect(await answer).toBe('nothing')
    realm.send(alice, `<iq type='result' id='${idOf(alice.take()[0])}' to='localhost'/>`)
    expect(alice.take()).toEqual([])
  })

  it('is of nobody who is not there', async () => {
    const { realm } = asking()
    expect(await realm.router.request('set', parseJid('bob@localhost/b'), xml('a', { xmlns: 'urn:x' }))).toBeUndefined()
  })
})
