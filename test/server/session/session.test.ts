import { describe, expect, it } from 'vitest'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { Stanza } from '../../../src/xmpp/stanza.ts'
import { xml } from '../../../src/xmpp/xml/element.ts'
import { certificateCredential } from '../../support/certificates/credentials.ts'
import { Resident } from '../../support/servers/realm.ts'

const message = (id: string) => new Stanza(xml('message', { id }), 'message', parseJid('bob@localhost/b'), undefined)
const ids = (texts: readonly string[]) => texts.map((text) => / id="(.*?)"/.exec(text)?.[1])

const certificate = certificateCredential()

const resident = (given: ConstructorParameters<typeof Resident>[1] = {}) => new Resident('alice@localhost/a', given)

describe('what is known of a session', () => {
  const now = new Date('2030-01-01')

  it.each([
    { name: 'a password', credential: { mechanism: 'SCRAM-SHA-256' }, serial: undefined, enrolled: undefined },
    { name: 'a certificate of a CA', credential: certificate, serial: 'a1', enrolled: undefined },
    {
      name: 'one that the account has enrolled',
      credential: { ...certificate, enrolment: { mayManage: true } },
      serial: 'a1',
      enrolled: 'f0',
    },
  ])('by $name', ({ credential, serial, enrolled }) => {
    const { session } = resident({ credential, now })
    const { mechanism } = credential
    const where = { remote: '192.0.2.1:5222', tls: 'TLSv1.3' }
    expect(session.info).toEqual({ jid: 'alice@localhost/a', since: now, ...where, mechanism, serial })
    expect(session.resource).toEqual({ jid: session.jid, presence: undefined, enrolled, shared: [] })
  })

  it('stays what it was in the hands of whoever has asked', () => {
    const { session } = resident()
    const before = session.resource
    session.share(1, 'carbons')
    session.announce({ priority: 5, stanza: message('p') })
    expect(before).toMatchObject({ presence: undefined, shared: [] })
    expect(session.resource.shared[1]).toBe('carbons')
    expect(session.resource.presence?.priority).toBe(5)
    session.announce(undefined)
    expect(session.resource.shared[1]).toBe('carbons')
    expect(session.resource.presence).toBeUndefined()
  })
})

describe('what a client is sent', () => {
  it('has an end where others send it and it does not read, and none for its own answers', () => {
    const { session, stream } = resident({ outboundOctets: 10 })
    stream.isClogged = true
    expect(session.deliver(message('1'))).toBe('taken')
    expect(session.deliver(message('2'))).toBe('full')
    session.answer(message('3'))
    stream.isClogged = false
    expect(session.deliver(message('4'))).toBe('full')
    session.flush()
    expect(session.deliver(message('5'))).toBe('taken')
    expect(ids(stream.take())).toEqual(['1', '3', '5'])
  })

  it('is held or let go by whoever is asked last, who is told for which session', () => {
    const asked: unknown[] = []
    const { session, stream } = resident({
      leaving: [
        ({ id }, of) => {
          asked.push(of)
          return id === 'held' ? 'hold' : 'send'
        },
      ],
    })
    session.deliver(message('held'))
    expect(stream.take()).toEqual([])
    session.deliver(message('next'))
    expect(ids(stream.take())).toEqual(['held', 'next'])
    expect(new Set(asked)).toEqual(new Set([session]))
  })

  it('waits while no stream is there, and goes out on the next one', () => {
    const { session, stream } = resident()
    expect(session.detach(stream)).toBe(true)
    expect([session.isDetached, session.deliver(message('1'))]).toEqual([true, 'taken'])
    const { stream: next } = resident()
    session.attach(next)
    expect([session.isDetached, ids(next.take()), stream.take()]).toEqual([false, ['1'], []])
  })

  it('is given back when the session ends, after which it takes nothing', () => {
    const { session, stream } = resident()
    session.detach(stream)
    session.deliver(message('1'))
    expect(session.hasEnded).toBe(false)
    expect(session.end().map(({ id }) => id)).toEqual(['1'])
    expect([session.hasEnded, session.deliver(message('2')), session.end()]).toEqual([true, 'gone', []])
    session.answer(message('3'))
    session.attach(stream)
    expect(stream.take()).toEqual([])
  })
})

describe('the stream of a session', () => {
  it('is not lost with one that another has taken the place of', () => {
    const { session, stream } = resident()
    const { stream: next } = resident()
    session.attach(next)
    expect([session.detach(stream), session.isDetached]).toEqual([false, false])
    session.close({ condition: 'conflict' })
    expect([stream.error, next.error]).toEqual([undefined, { condition: 'conflict' }])
    expect(session.detach(next)).toBe(true)
    session.close({ condition: 'reset' })
    expect(next.error).toEqual({ condition: 'conflict' })
  })
})
