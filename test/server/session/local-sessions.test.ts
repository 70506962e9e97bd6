import { describe, expect, it } from 'vitest'
import { LocalSessions } from '../../../src/server/session/local-sessions.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { Stanza } from '../../../src/xmpp/stanza.ts'
import { xml } from '../../../src/xmpp/xml/element.ts'
import { Resident } from '../../support/servers/realm.ts'

describe('LocalSessions', () => {
  const phone = new Resident('alice@localhost/phone').withPriority(1)
  const tablet = new Resident('alice@localhost/tablet')
  const bob = new Resident('bob@localhost/phone').withPriority(0)
  const alice = parseJid('alice@localhost')

  it('finds sessions by full JID and by account', () => {
    const sessions = new LocalSessions()
    for (const { session } of [phone, tablet, bob]) sessions.add(session)
    expect(sessions.session(parseJid('alice@localhost/phone'))).toBe(phone.session)
    expect(sessions.session(parseJid('alice@localhost/Phone'))).toBeUndefined()
    expect(sessions.session(alice)).toBeUndefined()
    expect(sessions.sessionsOf(alice)).toEqual([phone.session, tablet.session])
    expect(sessions.resources(alice).map(({ presence }) => presence?.priority)).toEqual([1, undefined])
    expect(sessions.all()).toEqual([phone.session, tablet.session, bob.session])
    expect(sessions.size).toBe(3)
  })

  it('forgets an account with its last session', () => {
    const sessions = new LocalSessions()
    sessions.add(phone.session)
    sessions.remove(phone.session)
    sessions.remove(phone.session)
    expect(sessions.sessionsOf(alice)).toEqual([])
    expect(sessions.size).toBe(0)
  })

  it('keeps the session that has taken over a resource when the old one goes', () => {
    const sessions = new LocalSessions()
    const newer = new Resident('alice@localhost/phone').withPriority(2)
    sessions.add(phone.session)
    sessions.add(newer.session)
    sessions.remove(phone.session)
    expect(sessions.session(newer.session.jid)).toBe(newer.session)
    expect(sessions.sessionsOf(alice)).toEqual([newer.session])
  })

  it('tells what becomes of a stanza', () => {
    const sessions = new LocalSessions()
    const reader = new Resident('carol@localhost/r')
    sessions.add(reader.session)
    const stanza = new Stanza(xml('message'), 'message', alice, reader.session.jid)
    expect(sessions.deliver(parseJid('carol@localhost/gone'), stanza)).toBe('gone')
    expect(sessions.deliver(reader.session.jid, stanza)).toBe('taken')
    expect(reader.take()).toEqual(['<message/>'])
  })

  it('hands out values: what is known of a session does not change in the hands of who has asked', () => {
    const sessions = new LocalSessions()
    const resident = new Resident('dave@localhost/r').withPriority(1)
    sessions.add(resident.session)
    const [before] = sessions.resources(resident.session.account)
    resident.withPriority(7)
    expect(before?.presence?.priority).toBe(1)
    expect(sessions.session(resident.session.jid)?.resource.presence?.priority).toBe(7)
  })
})
