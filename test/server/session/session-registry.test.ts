import { describe, expect, it } from 'vitest'
import { Directory } from '../../../src/server/session/session-registry.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { Resident } from '../../support/realm.ts'

describe('Directory', () => {
  const phone = new Resident('alice@localhost/phone', 1)
  const tablet = new Resident('alice@localhost/tablet', undefined)
  const bob = new Resident('bob@localhost/phone', 0)
  const alice = parseJid('alice@localhost')

  it('finds sessions by full JID and by account', () => {
    const directory = new Directory()
    for (const session of [phone, tablet, bob]) directory.add(session)
    expect(directory.find(parseJid('alice@localhost/phone'))).toBe(phone)
    expect(directory.find(parseJid('alice@localhost/Phone'))).toBeUndefined()
    expect(directory.find(alice)).toBeUndefined()
    expect(directory.sessionsOf(alice)).toEqual([phone, tablet])
    expect(directory.availableOf(alice)).toEqual([phone])
    expect(directory.all()).toEqual([phone, tablet, bob])
    expect(directory.size).toBe(3)
  })

  it('forgets an account with its last session', () => {
    const directory = new Directory()
    directory.add(phone)
    directory.remove(phone)
    directory.remove(phone)
    expect(directory.sessionsOf(alice)).toEqual([])
    expect(directory.size).toBe(0)
  })

  it('keeps the session that has taken over a resource when the old one goes', () => {
    const directory = new Directory()
    const newer = new Resident('alice@localhost/phone', 2)
    directory.add(phone)
    directory.add(newer)
    directory.remove(phone)
    expect(directory.find(newer.jid)).toBe(newer)
    expect(directory.sessionsOf(alice)).toEqual([newer])
  })
})
