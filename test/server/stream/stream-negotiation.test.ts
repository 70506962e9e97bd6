import { describe, expect, it } from 'vitest'
import type { LoginConnection, StreamHost } from '../../../src/server/stream/stream-host.ts'
import { StreamNegotiation } from '../../../src/server/stream/stream-negotiation.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import type { SaslMechanism } from '../../../src/xmpp/sasl/mechanism.ts'
import type { Step } from '../../../src/xmpp/stream/stream-feature.ts'
import { madeRoot } from '../../support/certificates/small-pki.ts'
import { Resident } from '../../support/servers/realm.ts'
import { parseElement } from '../../support/streams/element.ts'
import { gate } from '../../support/streams/gate.ts'
import { MemoryClient } from '../../support/streams/memory-client.ts'
import { bindingOf, testAuth, testHost, testMechanism } from '../../support/streams/stream-host.ts'

const REQUEST = { domain: 'localhost', from: undefined }
const BIND = parseElement("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
const AUTH = parseElement(testAuth())
const certificate = madeRoot().client()

function setUp(given: Partial<StreamHost> = {}, client: { secured?: boolean; hasCertificate?: boolean } = {}) {
  const { secured = true, hasCertificate = true } = client
  const credentials = hasCertificate ? { credentials: certificate.credentials } : {}
  const { transport } = new MemoryClient({ secured, ...credentials })
  const asked: [domain: string, connection: LoginConnection][] = []
  const abandoned: string[] = []
  const host = testHost({
    mechanisms: (domain, connection) => {
      asked.push([domain, connection])
      return [testMechanism]
    },
    abandoned: ({ jid }) => abandoned.push(jid.toString()),
    ...given,
  })
  const negotiation = new StreamNegotiation(host, transport, new Resident('nobody@localhost/x').stream)
  const loggedIn = () => {
    negotiation.open(REQUEST)
    const step = negotiation.negotiate(AUTH) as Step
    if (step.kind === 'close') throw new Error(step.error.condition)
    negotiation.advance(step.state)
    negotiation.open(REQUEST)
  }
  return { negotiation, asked, abandoned, transport, loggedIn }
}

describe('what is offered on a stream', () => {
  it('is decided once for each, by what is known of the connection', () => {
    const { negotiation, asked, transport } = setUp()
    expect(negotiation.open(REQUEST)).toContain('<mechanism>TEST</mechanism>')
    negotiation.negotiate(AUTH)
    expect(asked).toMatchObject([['localhost', { remote: transport.remote, listener: 'a listener', secured: true }]])
    const [[, connection] = []] = asked
    expect(connection?.certificate).toMatchObject({ leaf: Buffer.from(certificate.der) })
    expect([...(connection?.channelBindings().keys() ?? [])]).toEqual(['tls-exporter'])
    negotiation.reopen()
    negotiation.open(REQUEST)
    expect(asked).toHaveLength(2)
  })

  it('remembers who has logged in, over the next header', () => {
    const { negotiation, loggedIn } = setUp()
    expect([negotiation.account, negotiation.domain]).toEqual([undefined, undefined])
    loggedIn()
    expect([String(negotiation.account), negotiation.domain]).toEqual(['alice@localhost', 'localhost'])
  })

  it('is nothing before the header', () => {
    expect(() => setUp().negotiation.negotiate(AUTH)).toThrow('before the stream was opened')
  })
})

describe('a client with a certificate that is not accepted', () => {
  const external: SaslMechanism = { ...testMechanism, name: 'EXTERNAL' }

  it.each([
    { name: 'is turned away', isTurnedAway: true },
    { name: 'stays where that is not wanted', disconnectOnFailure: false, isTurnedAway: false },
    { name: 'stays in the clear, where nobody has seen it', secured: false, isTurnedAway: false },
    { name: 'is not one that has none', hasCertificate: false, isTurnedAway: false },
    { name: 'is not one that can log in with it', mechanisms: () => [external], isTurnedAway: false },
    { name: 'is turned away when that is known', mechanisms: async () => [testMechanism], isTurnedAway: true },
  ])('$name', async ({ isTurnedAway, secured, hasCertificate, ...given }) => {
    const client = {
      ...(secured === undefined ? {} : { secured }),
      ...(hasCertificate === undefined ? {} : { hasCertificate }),
    }
    const { negotiation } = setUp({ disconnectOnFailure: true, ...given }, client)
    expect(await negotiation.isTurnedAway('localhost')).toBe(isTurnedAway)
  })
})

describe('a resource', () => {
  it('is the session of the stream', () => {
    const { negotiation, loggedIn } = setUp()
    loggedIn()
    expect(negotiation.session).toBeUndefined()
    expect(negotiation.negotiate(BIND)).toMatchObject({ kind: 'reached', milestones: ['bound'] })
    expect(negotiation.session?.jid.equals(parseJid('alice@localhost/r'))).toBe(true)
  })

  it('is none where it is refused', () => {
    const { negotiation, loggedIn } = setUp({ bind: () => ({ condition: 'conflict' }) })
    loggedIn()
    expect(negotiation.negotiate(BIND)).toMatchObject({ kind: 'continue' })
    expect(negotiation.session).toBeUndefined()
  })

  it('is given back when nobody can be told of it', async () => {
    const { negotiation, abandoned, loggedIn } = setUp()
    loggedIn()
    negotiation.negotiate(BIND)
    negotiation.abandon()
    expect(abandoned).toEqual(['alice@localhost/r'])
  })

  it('is given back when it comes too late, and not asked for any more', async () => {
    const { open, passed } = gate()
    let claims = 0
    const { negotiation, abandoned, loggedIn } = setUp({
      bind: (login, _, stream) => {
        claims++
        return passed.then(() => bindingOf(login, stream))
      },
    })
    loggedIn()
    const late = negotiation.negotiate(BIND)
    negotiation.abandon()
    expect(abandoned).toEqual([])
    open()
    await late
    expect(abandoned).toEqual(['alice@localhost/r'])
    expect(negotiation.negotiate(BIND)).toMatchObject({ kind: 'continue' })
    expect(claims).toBe(1)
  })
})
