import { describe, expect, it } from 'vitest'
import { Authentication } from '../../../src/server/login/authentication.ts'
import type { LoginConnection } from '../../../src/server/stream/stream-host.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { certificateCredential } from '../../support/certificates/credentials.ts'
import { madeRoot, NOON } from '../../support/certificates/small-pki.ts'
import { Resident } from '../../support/servers/realm.ts'
import { endpointAt, memoryOptions } from '../../support/servers/server-options.ts'

const root = madeRoot()
const account = parseJid('alice@example.org')

function setUp() {
  const noted: unknown[] = []
  const common = memoryOptions(root)
  const options = { ...common, login: { ...common.login, onLogin: (...login: unknown[]) => noted.push(login) } }
  return { authentication: new Authentication(options, () => undefined), options, noted }
}

const connection = (listener: string): LoginConnection => ({
  remote: '192.0.2.2:40000',
  listener,
  certificate: { leaf: root.client().der, sent: () => [] },
  secured: true,
  channelBindings: () => new Map(),
})

/** What is offered to a client with a good certificate. */
const offered = (authentication: Authentication, listener: string) =>
  authentication.mechanisms('example.org', connection(listener)).map(({ name }) => name)

const EVERYTHING = ['EXTERNAL', 'SCRAM-SHA-256']

describe('a listener', () => {
  it.each([
    { listener: '192.0.2.1:5222', names: EVERYTHING },
    { listener: '192.0.2.1:5223', names: ['SCRAM-SHA-256'] },
    // Sessions outlive their listener.
    { listener: 'gone', names: EVERYTHING },
  ])('$listener has $names', ({ listener, names }) => {
    const { authentication } = setUp()
    expect(offered(authentication, listener)).toEqual(names)
    expect(EVERYTHING.filter((name) => authentication.isEnabled(name, listener))).toEqual(names)
    expect(authentication.isEnabled('PLAIN', listener)).toBe(false)
    expect(authentication.methodsOf(listener).includes('certificate')).toBe(names.includes('EXTERNAL'))
  })
})

describe('an update', () => {
  it('holds for listeners, rules and CAs from then on', () => {
    const { authentication, options } = setUp()
    authentication.update({ ...options, endpoints: [endpointAt(5222, ['password']), endpointAt(5223)] })
    expect(['192.0.2.1:5222', '192.0.2.1:5223'].map((listener) => offered(authentication, listener))).toEqual([
      ['SCRAM-SHA-256'],
      EVERYTHING,
    ])
    authentication.update({ ...options, certificates: 'none' })
    expect(offered(authentication, '192.0.2.1:5222')).toEqual(['SCRAM-SHA-256'])
    const anchors = new TrustAnchors([madeRoot('other').pem])
    authentication.update({ ...options, login: { ...options.login, anchors } })
    expect(offered(authentication, '192.0.2.1:5222')).toEqual(['SCRAM-SHA-256'])
    authentication.update(options)
    expect(offered(authentication, '192.0.2.1:5222')).toEqual(EVERYTHING)
  })

  it('tells what CAs have to do with enrolled certificates', () => {
    const { authentication, options } = setUp()
    const other = madeRoot('other')
    const ours = () => [root, other].map((ca) => authentication.enrolmentTrust.isIssued(ca.client('bob').der, []))
    expect(ours()).toEqual([true, false])
    authentication.update({ ...options, login: { ...options.login, anchors: new TrustAnchors([other.pem]) } })
    expect(ours()).toEqual([false, true])
  })
})

describe('a login', () => {
  const certificate = certificateCredential({ ids: () => [{ serial: 'a1', issuer: 'ca', authority: 'CA' }] })
  const refused = { check: 'expired', reason: 'it has expired' } as const

  it('is noted with its certificate and when, and not with a password', () => {
    const { authentication, noted } = setUp()
    const { stream } = new Resident('alice@example.org/a')
    authentication.loggedIn(stream, { account, credential: { mechanism: 'SCRAM-SHA-256' } }, false)
    authentication.loggedIn(stream, { account, credential: certificate }, false)
    authentication.stop()
    expect(noted).toEqual([[{ serial: 'a1', issuer: 'ca', authority: 'CA' }, NOON.getTime()]])
  })

  it.each([
    { isLate: true, error: { condition: 'reset', text: 'the certificate is not accepted any more' } },
    { isLate: false, error: undefined },
  ])('is judged again when time has passed since it was, and only then: $isLate', ({ isLate, error }) => {
    const { authentication } = setUp()
    const { stream } = new Resident('alice@example.org/a')
    const credential = certificateCredential({ judge: () => refused })
    authentication.loggedIn(stream, { account, credential }, isLate)
    authentication.stop()
    expect(stream.error).toEqual(error)
  })

  it('is judged anew after an update, as long as its stream is there; passwords are answered', async () => {
    const { authentication, options } = setUp()
    const credential = { ...certificate, judge: () => refused }
    const [bad, gone] = ['a', 'b'].map((name) => new Resident(`alice@example.org/${name}`, { credential }))
    const bob = new Resident('bob@example.org/p')
    if (bad === undefined || gone === undefined) throw new Error('nobody is there')
    for (const { stream } of [bad, gone]) authentication.loggedIn(stream, { account, credential }, false)
    authentication.forget(gone.stream)
    const { passwords: _, ...withoutPasswords } = options
    authentication.update(withoutPasswords)
    const answered: unknown[] = []
    for await (const { jid } of authentication.rejected(() => [bob.session])) answered.push(jid.toString())
    authentication.stop()
    expect([bad.stream.error?.condition, gone.stream.error, answered]).toEqual([
      'reset',
      undefined,
      ['bob@example.org/p'],
    ])
  })
})
