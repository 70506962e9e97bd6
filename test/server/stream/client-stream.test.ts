import { describe, expect, it } from 'vitest'
import { ClientStream } from '../../../src/server/stream/client-stream.ts'
import type { StreamHost } from '../../../src/server/stream/stream-host.ts'
import type { SaslMechanism } from '../../../src/xmpp/sasl/mechanism.ts'
import { gate, turn } from '../../support/streams/gate.ts'
import { MemoryClient } from '../../support/streams/memory-client.ts'
import { bindingOf, testAuth, testHost, testMechanism } from '../../support/streams/stream-host.ts'
import { streamHeader } from '../../support/streams/xmpp-client.ts'

const HEADER = streamHeader({ to: 'localhost' })
const AUTH = testAuth()
const BIND = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
const BIND2 = "<bind xmlns='urn:xmpp:bind:0'/>"
const authenticate = (inline = '') =>
  `<authenticate xmlns='urn:xmpp:sasl:2' mechanism='TEST'><initial-response/>${inline}</authenticate>`

/** A mechanism that waits for this before it lets anybody in. */
const slowly = (passed: Promise<void>): SaslMechanism => ({
  ...testMechanism,
  start: (initial) => passed.then(() => testMechanism.start(initial)),
})

/** A server of which everything is known: what it is asked is noted in order, with what the client has been told by then. */
function setUp(given: Partial<StreamHost> = {}) {
  const client = new MemoryClient({ secured: true })
  const told: string[] = []
  const note = (what: string) => {
    const said = [...client.pending.matchAll(/<(success|failure|iq|stream:error|stream:features)\b/g)]
    told.push(`${what} after ${said.map(([, name]) => name).join(' ')}`.trim())
  }
  const host = testHost({
    loggedIn: (_, login, isLate) => note(`logged in${isLate ? ' late' : ''} by ${login.credential.mechanism}`),
    bind: (login, _, stream) => {
      note('bind')
      return bindingOf(login, stream)
    },
    opened: () => note('opened'),
    abandoned: () => note('abandoned'),
    router: {
      take: ({ name }) => {
        note(`took ${name}`)
        return undefined
      },
    },
    left: () => note('left'),
    closed: () => note('closed'),
    ...given,
  })
  const stream = new ClientStream(host, client.transport)
  client.transport.attach(stream)
  return { client, told }
}

describe('a session', () => {
  it.each([
    { name: 'by RFC 6120', sends: [HEADER, AUTH, HEADER, BIND], bound: 'iq' },
    { name: 'by SASL2 and Bind 2', sends: [HEADER, authenticate(BIND2)], bound: 'success stream:features' },
  ])('is opened when its client has been told of it: $name', ({ sends, bound }) => {
    const { client, told } = setUp()
    client.send(`${sends.join('')}<presence/>`)
    const [opened = ''] = told.filter((line) => line.startsWith('opened'))
    expect(opened.endsWith(bound)).toBe(true)
    expect(told.at(-1)).toBe(opened.replace('opened', 'took presence'))
  })

  it('is abandoned, and never opened, when its client has gone while it was made', async () => {
    const { open, passed } = gate()
    const { client, told } = setUp({ bind: (login, _, stream) => passed.then(() => bindingOf(login, stream)) })
    client.send(HEADER + authenticate(BIND2))
    client.destroy()
    open()
    await turn()
    expect(told).toEqual(['closed after stream:features', 'abandoned after stream:features'])
  })
})

describe('a login', () => {
  it('is one when it stands, with what it was made with', () => {
    const { client, told } = setUp()
    client.send(HEADER + AUTH)
    expect(told).toEqual(['logged in by TEST after stream:features success'])
  })

  it('is none when no resource can be bound along with it (XEP-0386 §3.2)', () => {
    const { client, told } = setUp({ bind: () => ({ condition: 'conflict' }) })
    client.send(HEADER + authenticate(BIND2))
    expect(client.pending).toContain('<failure')
    expect(told).toEqual([])
  })

  it('that takes its time says so, and what is sent meanwhile is read afterwards', async () => {
    const { open, passed } = gate()
    const { client, told } = setUp({
      mechanisms: () => [slowly(passed)],
    })
    client.send(HEADER + authenticate(BIND2))
    client.send('<presence/>')
    await turn()
    expect(told).toEqual([])
    open()
    await turn()
    expect(told.map((line) => line.replace(/ after.*/, ''))).toEqual([
      'bind',
      'logged in late by TEST',
      'opened',
      'took presence',
    ])
  })

  it('binds nothing for a client that has gone meanwhile', async () => {
    const { open, passed } = gate()
    const { client, told } = setUp({
      mechanisms: () => [slowly(passed)],
    })
    client.send(HEADER + authenticate(BIND2))
    client.destroy()
    open()
    await turn()
    expect(told).toEqual(['closed after stream:features'])
    expect(client.pending).not.toContain('<success')
  })
})

describe('mechanisms that take their time', () => {
  it('are advertised when they are there, and what is sent meanwhile is read afterwards', async () => {
    const { open, passed } = gate()
    const { client, told } = setUp({ mechanisms: () => passed.then(() => [testMechanism]) })
    client.send(HEADER + AUTH)
    client.send(HEADER + BIND)
    await turn()
    expect(client.pending).not.toContain('<stream:features')
    open()
    await turn()
    expect(told.map((line) => line.replace(/ after.*/, ''))).toEqual(['logged in late by TEST', 'bind', 'opened'])
    expect(client.pending).toMatch(/<stream:features><mechanisms.*<success.*<stream:features><bind.*<iq type="result"/s)
  })

  it('cost the stream and nothing else when they fail', async () => {
    const { client, told } = setUp({ mechanisms: () => Promise.reject(new Error('secret')) })
    client.send(HEADER)
    expect(await client.ended()).toMatch(/<stream:error><internal-server-error.*<\/stream:stream>$/s)
    expect(client.pending).not.toContain('secret')
    expect(told).toEqual(['closed after stream:error'])
  })
})
