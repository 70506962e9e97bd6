import { describe, expect, it } from 'vitest'
import { LocalSessions } from '../../../src/server/session/local-sessions.ts'
import type { Session } from '../../../src/server/session/session.ts'
import { type Binding, type ConflictPolicy, SessionBinding } from '../../../src/server/session/session-binding.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import type { StanzaError } from '../../../src/xmpp/stanza.ts'
import type { StreamError } from '../../../src/xmpp/stream/stream.ts'
import { xml } from '../../../src/xmpp/xml/element.ts'
import { Resident } from '../../support/servers/realm.ts'
import { gate } from '../../support/streams/gate.ts'

const ALICE = { account: parseJid('alice@localhost'), credential: { mechanism: 'PLAIN' } }

function setUp(conflict: ConflictPolicy) {
  const sessions = new LocalSessions()
  const closed: [string, StreamError][] = []
  const { open, passed } = gate()
  const binding = new SessionBinding({
    sessions,
    conflict: () => conflict,
    serves: (domain) => domain === 'localhost',
    close: ({ jid }, error) => void closed.push([jid.toString(), error]),
    inline: (requests) => passed.then(() => requests.map(({ name }) => xml(`${name}d`))),
    leaving: [],
    now: () => new Date(),
    onFailure: () => undefined,
  })
  const { stream } = new Resident('nobody@localhost/x')
  const bind = (resource: string | undefined, more = {}) => binding.bind(ALICE, { resource, ...more }, stream, 1_000)
  /** That a client has been told. */
  const tell = (session: Session) => {
    binding.release(session)
    sessions.add(session)
  }
  return { sessions, closed, binding, bind, tell, open, stream }
}

function bound(result: Binding | StanzaError | Promise<Binding | StanzaError>): Session {
  if (result instanceof Promise || 'condition' in result) throw new Error(JSON.stringify(result))
  return result.session
}

describe('a resource that is given out', () => {
  it('is seen by nobody before its client knows of it, and taken all the same', () => {
    const { sessions, bind, tell } = setUp('refuse')
    const session = bound(bind('r'))
    expect([sessions.size, sessions.session(session.jid)?.resource]).toEqual([0, undefined])
    expect(bind('r')).toEqual({ condition: 'conflict' })
    tell(session)
    expect(sessions.session(session.jid)?.resource.jid).toBe(session.jid)
    expect(bind('r')).toEqual({ condition: 'conflict' })
  })

  it('is free again when its client has gone before it was told', () => {
    const { bind, binding } = setUp('refuse')
    binding.release(bound(bind('r')))
    expect(bound(bind('r')).jid.toString()).toBe('alice@localhost/r')
  })

  it.each([true, false])('is taken over from whoever has it, told (%s) or not', (isTold) => {
    const { bind, tell, closed } = setUp('replace')
    const first = bound(bind('r'))
    if (isTold) tell(first)
    const second = bound(bind('r'))
    expect(closed).toEqual([['alice@localhost/r', { condition: 'conflict' }]])
    expect(second.jid.equals(first.jid)).toBe(true)
  })

  it('is another one where resources are renamed', () => {
    const { bind, closed } = setUp('rename')
    expect(bound(bind('r')).jid.equals(bound(bind('r')).jid)).toBe(false)
    expect(closed).toEqual([])
  })

  it('is not given out for a domain that is not served any more', () => {
    const { binding, stream } = setUp('replace')
    const login = { ...ALICE, account: parseJid('alice@gone.example') }
    expect(binding.bind(login, { resource: 'r' }, stream, 1_000)).toMatchObject({ condition: 'not-allowed' })
  })

  it('is taken while something is switched on along with it (XEP-0386 §3.2)', async () => {
    const { bind, open } = setUp('refuse')
    const pending = bind('r', { inline: [xml('enable', { xmlns: 'urn:x' })] })
    expect(pending).toBeInstanceOf(Promise)
    expect(bind('r')).toEqual({ condition: 'conflict' })
    open()
    expect(await pending).toMatchObject({ results: [{ name: 'enabled' }] })
  })
})

describe('an installation that comes back (XEP-0386 §3.2)', () => {
  it('ends what it has lost, of the same account', () => {
    const { bind, tell, closed } = setUp('replace')
    tell(bound(bind('a', { agent: 'one' })))
    tell(bound(bind('b', { agent: 'two' })))
    bound(bind('c', { agent: 'one' }))
    expect(closed.map(([jid]) => jid)).toEqual(['alice@localhost/a'])
  })
})
