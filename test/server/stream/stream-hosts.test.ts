import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../../src/server/limits.ts'
import { Authentication } from '../../../src/server/login/authentication.ts'
import { plainTrust } from '../../../src/server/net/client-trust.ts'
import { Router } from '../../../src/server/routing/router.ts'
import { LocalSessions } from '../../../src/server/session/local-sessions.ts'
import type { Session } from '../../../src/server/session/session.ts'
import { SessionBinding } from '../../../src/server/session/session-binding.ts'
import { SessionEventEmitter } from '../../../src/server/session/session-events.ts'
import { SessionLifecycle } from '../../../src/server/session/session-lifecycle.ts'
import { OpenStreams } from '../../../src/server/stream/open-streams.ts'
import type { StreamHost } from '../../../src/server/stream/stream-host.ts'
import { type StreamDoor, StreamHosts } from '../../../src/server/stream/stream-hosts.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { Negotiation } from '../../../src/xmpp/stream/negotiation.ts'
import { certificateCredential } from '../../support/certificates/credentials.ts'
import { madeRoot } from '../../support/certificates/small-pki.ts'
import { Resident } from '../../support/servers/realm.ts'
import { LogBook } from '../../support/servers/server.ts'
import { endpointAt, memoryOptions } from '../../support/servers/server-options.ts'
import { parseElement } from '../../support/streams/element.ts'
import { MemoryClient } from '../../support/streams/memory-client.ts'

const root = madeRoot()
const trust = { ...plainTrust(new TrustAnchors([root.pem])), disconnectOnFailure: true }
const door = (port: number): StreamDoor => ({
  name: `192.0.2.1:${port}`,
  startTls: 'required',
  limits: DEFAULT_LIMITS,
  trust,
})
/** For certificates and passwords, and for passwords alone. */
const [BOTH, PASSWORDS] = [door(5222), door(5223)]

/** All that a server has for its streams. */
function setUp() {
  const [sessions, log, streams] = [new LocalSessions(), new LogBook(), new OpenStreams()]
  const options = memoryOptions(root)
  const authentication = new Authentication(options, () => undefined)
  const domains = new Set(['example.org', 'localhost'])
  const router = new Router({ sessions, domains: [...domains], log })
  const onFailure = (error: unknown) => {
    throw error
  }
  const events = new SessionEventEmitter(onFailure)
  const lifecycle = new SessionLifecycle({ sessions, events, undelivered: () => undefined })
  const binding = new SessionBinding({
    sessions,
    conflict: () => 'refuse',
    serves: () => true,
    close: () => undefined,
    inline: async () => [],
    leaving: [],
    now: () => new Date(),
    onFailure,
  })
  const hosts = new StreamHosts({
    authentication,
    negotiation: new Negotiation(),
    binding,
    lifecycle,
    router,
    streams,
    domains: () => domains,
    bindInline: [],
    registrar: (remote) => ({ register: async () => ({ condition: 'conflict', text: remote }) }),
    log,
  })
  return { hosts, options, authentication, domains, sessions, streams }
}

const LOGIN = { account: parseJid('alice@example.org'), credential: { mechanism: 'SCRAM-SHA-256' } }

function bound(host: StreamHost, { stream } = new Resident('nobody@localhost/x')): Session {
  const binding = host.bind(LOGIN, { resource: 'r' }, stream)
  if (!('session' in binding)) throw new Error(JSON.stringify(binding))
  return binding.session
}

describe('what the streams of a listener need of the server', () => {
  it('is one host as long as the options of the listener hold', () => {
    const { hosts } = setUp()
    expect(hosts.of(BOTH)).toBe(hosts.of(BOTH))
    expect(hosts.of(BOTH)).not.toBe(hosts.of({ ...BOTH }))
    expect([hosts.of(BOTH).listener, hosts.of(PASSWORDS).listener]).toEqual([BOTH.name, PASSWORDS.name])
  })

  it('follows the domains', () => {
    const { hosts, domains } = setUp()
    const host = hosts.of(BOTH)
    expect([host.defaultDomain, host.serves('localhost'), host.serves('new.example')]).toEqual([
      'example.org',
      true,
      false,
    ])
    domains.delete('example.org')
    domains.add('new.example')
    expect([host.defaultDomain, host.serves('example.org'), host.serves('new.example')]).toEqual([
      'localhost',
      false,
      true,
    ])
  })

  it.each([
    { name: 'with both', own: BOTH, external: true, turnsAway: true, registers: true },
    { name: 'with passwords alone', own: PASSWORDS, external: false, turnsAway: false, registers: true },
    {
      name: 'that keeps whom it does not know',
      own: { ...BOTH, trust: { ...trust, disconnectOnFailure: false } },
      external: true,
      turnsAway: false,
      registers: true,
    },
  ])('is by what the listener takes: $name', ({ own, external, turnsAway, registers }) => {
    const host = setUp().hosts.of(own)
    expect(host.isEnabled('EXTERNAL')).toBe(external)
    expect(host.disconnectOnFailure).toBe(turnsAway)
    expect(host.registrar('192.0.2.9:1') !== undefined).toBe(registers)
  })

  it('follows an update, also where a stream is open', async () => {
    const { hosts, options, authentication } = setUp()
    const host = hosts.of(BOTH)
    const registered = await host.registrar('192.0.2.9:1')?.register('example.org', { username: 'x', password: 'y' })
    expect(registered?.text).toBe('192.0.2.9:1')
    authentication.update({ ...options, endpoints: [endpointAt(5222, ['certificate'])] })
    expect([host.registrar('192.0.2.9:1'), host.isEnabled('SCRAM-SHA-256')]).toEqual([undefined, false])
    authentication.update({ ...options, certificates: 'none' })
    expect([host.disconnectOnFailure, host.isEnabled('EXTERNAL')]).toEqual([false, false])
  })
})

describe('a session', () => {
  it('is seen when its client has been told, and until its stream is gone', () => {
    const { hosts, sessions } = setUp()
    const host = hosts.of(BOTH)
    const resident = new Resident('nobody@localhost/x')
    const session = bound(host, resident)
    expect([sessions.size, host.bind(LOGIN, { resource: 'r' }, resident.stream)]).toEqual([
      0,
      { condition: 'conflict' },
    ])
    host.opened(session)
    expect(sessions.session(session.jid)).toBe(session)
    host.router.take(parseElement("<iq type='get' id='1'><a xmlns='urn:x'/></iq>"), session)
    expect(resident.take()).toEqual([expect.stringContaining('<service-unavailable')])
    host.left(session, resident.stream)
    expect(sessions.size).toBe(0)
  })

  it('is free again when its client has gone before', () => {
    const { hosts, sessions } = setUp()
    const host = hosts.of(BOTH)
    host.abandoned(bound(host))
    expect(sessions.size).toBe(0)
    expect(bound(host).jid.toString()).toBe('alice@example.org/r')
  })
})

describe('a connection that is gone', () => {
  it('is not watched over any more, and not waited for', async () => {
    const { hosts, streams, authentication } = setUp()
    const host = hosts.of(BOTH)
    const client = new MemoryClient({ secured: true })
    streams.accept(client.transport, host)
    const { stream } = new Resident('nobody@localhost/x')
    const refusal = { check: 'expired', reason: 'it has expired' } as const
    const credential = certificateCredential({ judge: () => refusal })
    host.loggedIn(stream, { account: LOGIN.account, credential }, false)
    host.closed(stream)
    // Whoever is still watched over is judged anew.
    for await (const _ of authentication.rejected(() => [])) throw new Error('somebody is left')
    expect(stream.error).toBeUndefined()
    client.destroy()
    await streams.empty(1_000_000)
  })
})
