import { X509Certificate } from 'node:crypto'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { plainTrust } from '../../../src/server/net/client-trust.ts'
import { verifyChain } from '../../../src/store/audit.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { issuedRecord } from '../../store/ledger-contract.ts'
import { type Credentials, idBy, OpensslCa } from '../../support/certificates/certificates.ts'
import { startTestServer, type TestServer } from '../../support/servers/server.ts'
import { forASecond } from '../../support/streams/for-a-second.ts'
import { external, RawClient } from '../../support/streams/xmpp-client.ts'

const ca = new OpensslCa()
const client = (name: string): Credentials =>
  ca.issue({ subject: `/CN=${name}`, xmppAddrs: [`${name}@localhost`], extendedKeyUsage: 'clientAuth' })
const alice = client('alice')
const bob = client('bob')
const server = ca.issue({ subject: '/CN=localhost', dnsNames: ['localhost'], extendedKeyUsage: 'serverAuth' })
const credentials = [{ domain: 'localhost', key: server.key, chain: server.cert }]
const phone = ca.selfSigned({ subject: '/CN=phone' })
const bot = ca.selfSigned({ subject: '/CN=bot' })
afterAll(() => ca.remove())

let now: Date
let t: TestServer
const open: RawClient[] = []
beforeEach(async () => {
  now = new Date('2030-06-15T12:00:00Z')
  t = await startTestServer({ ca, credentials, enrolments: true, login: { now: () => now } })
})
afterEach(async () => {
  for (const one of open.splice(0)) one.destroy()
  await t.stop()
})

async function online(own: Credentials, resource?: string, authzid?: string): Promise<RawClient> {
  const options = { port: t.port, credentials: own, ...(resource && { resource }), ...(authzid && { authzid }) }
  const one = await RawClient.online(options)
  open.push(one)
  return one
}

/** Tries EXTERNAL: the mechanisms that were offered, and the answer to it. */
async function attempt(own: Credentials, authzid?: string, tls = {}): Promise<string> {
  const one = await RawClient.plain({ port: t.port, credentials: own, tls })
  open.push(one)
  await one.open()
  await one.startTls()
  const offered = (await one.open()).includes('<mechanism>EXTERNAL</mechanism>') ? 'offered' : 'not offered'
  one.send(external(authzid))
  const answer = await one.receive(/<success|<failure[^>]*><[^/]*/)
  return `${offered}, ${answer.replace(/.*</, '')}`
}

let count = 0
async function ask(one: RawClient, type: 'get' | 'set', payload: string): Promise<string> {
  const id = `q${count++}`
  one.send(`<iq type='${type}' id='${id}'>${payload}</iq>`)
  const answer = await one.receive(new RegExp(`<iq type="[a-z]*" id="${id}"[^>]*?(?:/>|>.*?</iq>)`, 's'))
  return answer.replace(/^<iq type="([a-z]*)"[^>]*?(\/>|>)/, '$1 ').replace(/<\/iq>$/, '')
}

const NS = 'urn:xmpp:saslcert:1'
const base64 = ({ cert }: Credentials) => new X509Certificate(cert).raw.toString('base64')
const fingerprint = ({ cert }: Credentials) =>
  new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase()

const enrol = (one: RawClient, name: string, certificate: Credentials, more = '') =>
  ask(
    one,
    'set',
    `<append xmlns='${NS}'><name>${name}</name>${more}<x509cert>${base64(certificate)}</x509cert></append>`,
  )
const end = (one: RawClient, how: 'disable' | 'revoke', name: string) =>
  ask(one, 'set', `<${how} xmlns='${NS}'><name>${name}</name></${how}>`)
const items = (one: RawClient) => ask(one, 'get', `<items xmlns='${NS}'/>`)
const names = async (one: RawClient) => [...(await items(one)).matchAll(/<name>(.*?)<\/name>/g)].map(([, name]) => name)

const NO_MANAGEMENT = '<no-cert-management/>'

/** The condition and the text of an error. */
const errorOf = (answer: string) =>
  answer.replace(/^error <error type="([a-z]*)"><([a-z-]*).*?(?:<text[^>]*>(.*)<\/text>)?<\/error>$/, '$1 $2 $3').trim()

describe('XEP-0257 §3: support', () => {
  it('is told by disco#info of the server', async () => {
    const a = await online(alice)
    a.send("<iq type='get' id='d' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
    expect(await a.receive(/<iq .*?<\/iq>/)).toContain(`<feature var="${NS}"/>`)
  })

  it('is not there where accounts may not enrol certificates', async () => {
    const other = await startTestServer({ ca, credentials })
    const a = await RawClient.online({ port: other.port, credentials: alice })
    a.send("<iq type='get' id='d' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
    expect(await a.receive(/<iq .*?<\/iq>/)).not.toContain(NS)
    expect(errorOf(await items(a))).toBe('cancel service-unavailable')
    expect(errorOf(await enrol(a, 'Phone', phone))).toBe('cancel service-unavailable')
    a.destroy()
    await other.stop()
  })
})

describe('the operator', () => {
  it('turns it off and on while clients are connected', async () => {
    const a = await online(alice)
    await enrol(a, 'Phone', phone)
    const p = await online(phone)
    const { enrolments: _, ...without } = t.options
    await t.server.update(without)
    expect(await p.ended()).toContain('<reset')
    expect(await attempt(phone)).toBe('not offered, not-authorized')
    expect(errorOf(await enrol(a, 'Bot', bot))).toBe('cancel service-unavailable')
    a.send("<iq type='get' id='d' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
    expect(await a.receive(/<iq .*?<\/iq>/)).not.toContain(NS)
    await t.server.update(t.options)
    expect(await names(a)).toEqual(['Phone'])
    expect(await attempt(phone)).toBe('offered, success')
  })

  it('asks for no certificates any more: who has logged in with an enrolled one goes as well', async () => {
    await enrol(await online(alice), 'Phone', phone)
    const p = await online(phone)
    const trust = { ...plainTrust(t.options.login.anchors), verifyMode: 'none' as const }
    await t.server.update({ ...t.options, endpoints: t.options.endpoints.map((endpoint) => ({ ...endpoint, trust })) })
    expect(await p.ended()).toContain('<reset')
  })

  it('takes up another CA list: enrolled certificates go on', async () => {
    const a = await online(alice)
    await enrol(a, 'Phone', phone)
    const p = await online(phone)
    await end(a, 'disable', 'Phone')
    await t.server.update(t.options)
    expect(await names(p)).toEqual([])
  })
})

describe('XEP-0257 §2.1: a certificate that was enrolled', () => {
  it.each([
    { way: 'TLS 1.3', tls: { minVersion: 'TLSv1.3' } },
    { way: 'TLS 1.2', tls: { maxVersion: 'TLSv1.2' } },
  ])('logs in over $way, and did not before', async ({ tls }) => {
    expect(await attempt(phone, undefined, tls)).toBe('not offered, not-authorized')
    const a = await online(alice)
    expect(await enrol(a, 'Phone', phone)).toBe('result ')
    expect(await attempt(phone, undefined, tls)).toBe('offered, success')
    expect(t.log.lines.filter(({ message }) => message === 'logged in').at(-1)).toMatchObject({
      account: 'alice@localhost',
    })
  })

  it('logs in over direct TLS', async () => {
    await enrol(await online(alice), 'Phone', phone)
    const one = await RawClient.direct({ port: t.tlsPort, credentials: phone })
    open.push(one)
    await one.open()
    one.send(external())
    await one.receive(/<success/)
  })

  it.each([
    { authzid: 'alice@localhost', answer: 'success' },
    { authzid: 'alice@localhost/any', answer: 'success' },
    { authzid: 'ALICE@LOCALHOST', answer: 'success' },
    { authzid: 'bob@localhost', answer: 'invalid-authzid' },
    { authzid: 'phone@localhost', answer: 'invalid-authzid' },
    { authzid: 'alice@other.example', answer: 'invalid-authzid' },
  ])('opens the account that enrolled it and no other: authzid $authzid', async ({ authzid, answer }) => {
    await enrol(await online(alice), 'Phone', phone)
    expect(await attempt(phone, authzid)).toBe(`offered, ${answer}`)
  })

  it('with addresses of several accounts opens the one that enrolled it, without being asked which', async () => {
    const both = ca.selfSigned({ xmppAddrs: ['bob@localhost', 'alice@localhost'] })
    await enrol(await online(alice), 'Both', both)
    expect(await attempt(both, 'bob@localhost')).toBe('offered, invalid-authzid')
    expect(await attempt(both)).toBe('offered, success')
    expect(t.log.find('login refused')).toMatchObject({ condition: 'invalid-authzid' })
    expect(t.log.lines.findLast(({ message }) => message === 'logged in')).toMatchObject({ account: 'alice@localhost' })
  })

  it('goes by its names as soon as a CA that vouches for them is trusted', async () => {
    const other = new OpensslCa('Other CA')
    const carol = other.issue({ subject: '/CN=carol' })
    await enrol(await online(alice), 'Carol', carol)
    expect(await attempt(carol, 'alice@localhost')).toBe('offered, success')
    const anchors = new TrustAnchors([ca.credentials.cert, other.credentials.cert])
    await t.server.update({ ...t.options, login: { ...t.options.login, anchors } })
    expect(await attempt(carol, 'alice@localhost')).toBe('offered, invalid-authzid')
    expect(await attempt(carol, 'carol@localhost')).toBe('offered, success')
    other.remove()
  })

  it('is not good at another domain of the server', async () => {
    const other = await startTestServer({ ca, domains: ['localhost', 'example.org'], enrolments: true })
    const a = await RawClient.online({ port: other.port, credentials: alice })
    await enrol(a, 'Phone', phone)
    const one = await RawClient.secured({ port: other.port, credentials: phone, domain: 'example.org' })
    one.send(external())
    expect(await one.receive(/<failure[^>]*><[^/]*/)).toContain('not-authorized')
    for (const each of [a, one]) each.destroy()
    await other.stop()
  })

  it('is only this one: not another of the same key and names', async () => {
    await enrol(await online(alice), 'Phone', phone)
    const twin = ca.reissue(phone, 'phone', 'phone')
    expect(fingerprint(twin)).not.toBe(fingerprint(phone))
    expect(await attempt(twin)).toBe('not offered, not-authorized')
  })

  it('with a full JID binds that resource only, and ends an older session with it (§4)', async () => {
    const tied = ca.selfSigned({ xmppAddrs: ['alice@localhost/tied'] })
    const older = await online(alice, 'tied')
    await enrol(older, 'Tied', tied)
    const one = await RawClient.secured({ port: t.port, credentials: tied })
    open.push(one)
    one.send(external())
    await one.receive(/<success/)
    await one.open()
    expect(await one.bind()).toBe('alice@localhost/tied')
    expect(await older.ended()).toContain('<conflict')
  })

  it('is refused once it has expired, and a session with it ends (§4)', async () => {
    const short = ca.selfSigned({ subject: '/CN=short', validity: ['20300101000000Z', '20300701000000Z'] })
    const a = await online(alice)
    await enrol(a, 'Short', short)
    const one = await online(short)
    now = new Date('2030-07-01T00:00:01Z')
    expect(await one.ended()).toContain('<reset')
    expect(await attempt(short)).toBe('not offered, not-authorized')
    expect(t.log.lines.findLast(({ message }) => message === 'EXTERNAL not offered')).toMatchObject({
      check: 'expired',
      subject: 'CN=short',
    })
    expect(await names(a)).toEqual([])
    expect(await enrol(a, 'Short', phone)).toBe('result ')
  })

  it('is judged again at <auth/>: disabled between the offer and its use', async () => {
    const a = await online(alice)
    await enrol(a, 'Phone', phone)
    const one = await RawClient.secured({ port: t.port, credentials: phone })
    open.push(one)
    await end(a, 'disable', 'Phone')
    one.send(external())
    expect(await one.receive(/<failure[^>]*><[^/]*/)).toContain('not-authorized')
    expect(t.log.find('login refused')).toMatchObject({
      reason: 'not-enrolled: the certificate is not enrolled any more',
    })
  })
})

describe('XEP-0257 §2.1: append', () => {
  it('takes base64 in lines, as the example has it', async () => {
    const a = await online(alice)
    const lines = base64(phone).replaceAll(/.{64}/g, '$&\n      ')
    const payload = `<append xmlns='${NS}'><name> Mobile Client </name><x509cert>\n${lines}\n</x509cert></append>`
    expect(await ask(a, 'set', payload)).toBe('result ')
    expect(await items(a)).toBe(
      `result <items xmlns="${NS}"><item><name>Mobile Client</name><x509cert>${base64(phone)}</x509cert></item></items>`,
    )
  })

  it.each([
    { what: 'no name', payload: '<x509cert>AAAA</x509cert>', error: 'modify bad-request' },
    { what: 'an empty name', payload: '<name> </name><x509cert>AAAA</x509cert>', error: 'modify bad-request' },
    {
      what: 'two names',
      payload: '<name>a</name><name>b</name><x509cert>AAAA</x509cert>',
      error: 'modify bad-request',
    },
    {
      what: 'a long name',
      payload: `<name>${'x'.repeat(65)}</name><x509cert>AAAA</x509cert>`,
      error: 'modify bad-request',
    },
    {
      what: 'a name with a line end',
      payload: '<name>a\nb</name><x509cert>AAAA</x509cert>',
      error: 'modify bad-request',
    },
    {
      what: 'a name that turns the direction of a line round',
      payload: '<name>a\u202eb</name><x509cert>AAAA</x509cert>',
      error: 'modify bad-request',
    },
    { what: 'no certificate', payload: '<name>a</name>', error: 'modify bad-request' },
    { what: 'an empty certificate', payload: '<name>a</name><x509cert/>', error: 'modify bad-request' },
    { what: 'no base64', payload: '<name>a</name><x509cert>?</x509cert>', error: 'modify bad-request' },
    {
      what: 'a certificate in another namespace',
      payload: "<name>a</name><x509cert xmlns='x'>AAAA</x509cert>",
      error: 'modify bad-request',
    },
    { what: 'no DER', payload: '<name>a</name><x509cert>AAAA</x509cert>', error: 'modify not-acceptable' },
    {
      what: 'too much of it',
      payload: `<name>a</name><x509cert>${'A'.repeat(12_000)}</x509cert>`,
      error: 'modify not-acceptable',
    },
  ])('refuses $what', async ({ payload, error }) => {
    const a = await online(alice)
    expect(errorOf(await ask(a, 'set', `<append xmlns='${NS}'>${payload}</append>`))).toContain(error)
    expect(await names(a)).toEqual([])
  })

  it('refuses a name and a certificate that are there already, also of another account', async () => {
    const [a, b] = [await online(alice), await online(bob)]
    await enrol(a, 'Phone', phone)
    expect(errorOf(await enrol(a, 'Phone', bot))).toBe('cancel conflict the name is in use for another certificate')
    expect(errorOf(await enrol(a, 'Other', phone))).toBe('cancel conflict the certificate is enrolled already')
    expect(errorOf(await enrol(b, 'Phone', phone))).toBe('cancel conflict the certificate is enrolled already')
    expect(await enrol(b, 'Phone', bot)).toBe('result ')
    expect([await names(a), await names(b)]).toEqual([['Phone'], ['Phone']])
  })

  it('refuses what a CA of the server has issued: the account could not revoke it', async () => {
    const a = await online(alice)
    const other = ca.issue({ subject: '/CN=other' })
    expect(errorOf(await enrol(a, 'Own', alice))).toContain('modify not-acceptable')
    expect(errorOf(await enrol(a, 'Other', other))).toContain('modify not-acceptable')
    expect(errorOf(await enrol(a, 'CA', ca.credentials))).toContain('modify not-acceptable')
  })

  it('refuses what names another account', async () => {
    const a = await online(alice)
    const strange = ca.selfSigned({ xmppAddrs: ['bob@localhost'] })
    expect(errorOf(await enrol(a, 'Strange', strange))).toBe(
      'modify not-acceptable the certificate names another account',
    )
  })

  it('is for one’s own account only', async () => {
    const a = await online(alice)
    a.send(
      `<iq type='set' id='o' to='bob@localhost'><append xmlns='${NS}'><name>x</name><x509cert>${base64(phone)}</x509cert></append></iq>`,
    )
    expect(await a.receive(/<iq .*?<\/iq>/)).toContain('<service-unavailable')
    expect(t.ledger.enrolments.find(fingerprint(phone))).toBeUndefined()
  })

  it('takes sixteen certificates of an account, and expired ones do not count', async () => {
    const a = await online(alice)
    const [soon, later] = [now.getTime() + 60_000, now.getTime() + 86_400_000]
    t.ledger.transaction((_insert, changes) => {
      for (let n = 0; n < 16; n++) {
        const one = { account: 'alice@localhost', label: `n${n}`, fingerprint: `f${n}`, certificate: 'AA==' }
        changes.enrol({ ...one, mayManage: true, enrolledAt: 1, notAfter: n === 3 ? soon : later })
      }
    })
    expect(errorOf(await enrol(a, 'Phone', phone))).toBe('cancel not-allowed an account may have 16 certificates')
    expect(await end(a, 'disable', 'n0')).toBe('result ')
    expect(await enrol(a, 'Phone', phone)).toBe('result ')
    now = new Date(soon + 1_000)
    expect(await enrol(a, 'Bot', bot)).toBe('result ')
    expect(await names(a)).toHaveLength(16)
  })

  it('takes sixty changes of an account in an hour: the audit log keeps them all', async () => {
    const [a, b] = [await online(alice), await online(bob)]
    for (let n = 0; n < 30; n++) {
      expect(await enrol(a, 'Phone', phone)).toBe('result ')
      expect(await end(a, 'disable', 'Phone')).toBe('result ')
    }
    expect(errorOf(await enrol(a, 'Phone', phone))).toBe('wait resource-constraint too many changes in this hour')
    expect(await enrol(b, 'Phone', phone)).toBe('result ')
    expect(await end(b, 'disable', 'Phone')).toBe('result ')
    now = new Date(now.getTime() + 3_600_000)
    expect(await enrol(a, 'Phone', phone)).toBe('result ')
  })
})

describe('XEP-0257 §2.2: items', () => {
  it('tells who is logged in with which, and nothing of other accounts', async () => {
    const [a, b] = [await online(alice, 'desk'), await online(bob)]
    await enrol(a, 'Phone', phone)
    await enrol(a, '\u00c4 &lt;bot&gt; \u2764', bot)
    await online(phone, 'one')
    await online(phone, 'two')
    expect(await items(a)).toBe(
      `result <items xmlns="${NS}"><item><name>Phone</name><x509cert>${base64(phone)}</x509cert><users><resource>one</resource>` +
        `<resource>two</resource></users></item><item><name>\u00c4 &lt;bot&gt; \u2764</name><x509cert>${base64(bot)}</x509cert></item></items>`,
    )
    expect(await items(b)).toBe(`result <items xmlns="${NS}"/>`)
  })
})

describe('XEP-0257 §2.3: disable', () => {
  it('takes the certificate away and leaves its sessions alone, whatever else changes', async () => {
    const a = await online(alice)
    await enrol(a, 'Phone', phone)
    const p = await online(phone)
    expect(await end(a, 'disable', 'Phone')).toBe('result ')
    expect(await attempt(phone)).toBe('not offered, not-authorized')
    expect(await names(a)).toEqual([])
    expect(await names(p)).toEqual([])
    expect(await enrol(p, 'Again', phone)).toBe('result ')
    expect(await attempt(phone)).toBe('offered, success')
  })

  it.each(['disable', 'revoke'] as const)('%s of a name that is not there is item-not-found', async (how) => {
    const [a, b] = [await online(alice), await online(bob)]
    await enrol(a, 'Phone', phone)
    expect(errorOf(await end(a, how, 'phone'))).toBe('cancel item-not-found')
    expect(errorOf(await end(b, how, 'Phone'))).toBe('cancel item-not-found')
    expect(errorOf(await ask(a, 'set', `<${how} xmlns='${NS}'/>`))).toContain('modify bad-request')
    expect(await names(a)).toEqual(['Phone'])
  })
})

describe('XEP-0257 §2.4: revoke', () => {
  it('ends the sessions with it within a second and no others, and it never comes back', async () => {
    const a = await online(alice)
    await enrol(a, 'Phone', phone)
    await enrol(a, 'Bot', bot)
    const [first, second, other] = [await online(phone), await online(phone), await online(bot)]
    expect(await end(a, 'revoke', 'Phone')).toBe('result ')
    const ended = Promise.all([first.ended(), second.ended()])
    await forASecond(ended)
    expect(t.server.online).toBe(2)
    for (const text of await ended) expect(text).toContain('<not-authorized')
    expect(await names(other)).toEqual(['Bot'])
    expect(await attempt(phone)).toBe('not offered, not-authorized')
    expect(errorOf(await enrol(a, 'Phone', phone))).toBe('modify not-acceptable the certificate has been revoked')
  })

  it('ends a login that has not bound a resource yet', async () => {
    const a = await online(alice)
    await enrol(a, 'Phone', phone)
    const one = await RawClient.secured({ port: t.port, credentials: phone })
    open.push(one)
    one.send(external())
    await one.receive(/<success/)
    await end(a, 'revoke', 'Phone')
    expect(await one.ended()).toContain('<not-authorized')
  })

  it('by the client that has logged in with it: it gets the answer, then it is out', async () => {
    await enrol(await online(alice), 'Phone', phone)
    const p = await online(phone)
    expect(await end(p, 'revoke', 'Phone')).toBe('result ')
    expect(await p.ended()).toContain('<not-authorized')
  })

  it('by another process that shares the ledger', async () => {
    const a = await online(alice)
    await enrol(a, 'Phone', phone)
    const p = await online(phone)
    t.ledger.transaction((_insert, changes) => changes.revokeEnrolment('alice@localhost', 'Phone', now.getTime()))
    expect(await p.ended()).toContain('<not-authorized')
  })

  it('does not keep another account from enrolling the certificate', async () => {
    const [a, b] = [await online(alice), await online(bob)]
    await enrol(a, 'Phone', phone)
    await end(a, 'revoke', 'Phone')
    expect(await enrol(b, 'Phone', phone)).toBe('result ')
    expect(await attempt(phone, 'bob@localhost')).toBe('offered, success')
  })
})

describe('XEP-0257 §2.1: <no-cert-management/>', () => {
  it('lets a client look, but change nothing, also when its certificate has been disabled', async () => {
    const a = await online(alice)
    await enrol(a, 'Phone', phone, NO_MANAGEMENT)
    const p = await online(phone)
    const forbidden = 'auth forbidden this client may not manage certificates'
    expect(errorOf(await enrol(p, 'Bot', bot))).toBe(forbidden)
    expect(errorOf(await ask(p, 'set', `<append xmlns='${NS}'/>`))).toBe(forbidden)
    expect(errorOf(await end(p, 'disable', 'Phone'))).toBe(forbidden)
    expect(errorOf(await end(p, 'revoke', 'Phone'))).toBe(forbidden)
    expect(await names(p)).toEqual(['Phone'])
    await end(a, 'disable', 'Phone')
    expect(errorOf(await enrol(p, 'Bot', bot))).toBe(forbidden)
    expect(errorOf(await enrol(p, 'Phone', phone))).toBe(forbidden)
    expect(await names(a)).toEqual([])
  })

  it('is not there: the client may manage', async () => {
    await enrol(await online(alice), 'Phone', phone)
    const p = await online(phone)
    expect(await enrol(p, 'Bot', bot)).toBe('result ')
    expect(await end(p, 'disable', 'Phone')).toBe('result ')
  })
})

describe('what was enrolled with a certificate that the CA revokes', () => {
  const serial = ({ cert }: Credentials) => new X509Certificate(cert).serialNumber.toLowerCase()
  const revoke = (reason: string) =>
    t.ledger.transaction((_insert, changes) =>
      changes.revoke(idBy(ca.credentials, alice), { at: now.getTime(), reason }),
    )

  beforeEach(() => t.ledger.transaction((insert) => insert(issuedRecord(idBy(ca.credentials, alice)))))

  it.each(['unspecified', 'keyCompromise', 'cessationOfOperation'])('goes with it: %s', async (reason) => {
    await enrol(await online(alice), 'Phone', phone)
    const p = await online(phone)
    await enrol(p, 'Bot', bot)
    const b = await online(bot)
    revoke(reason)
    for (const one of [p, b]) expect(await one.ended()).toContain('<not-authorized')
    expect(await attempt(bot)).toBe('not offered, not-authorized')
    expect(t.log.lines.findLast(({ message }) => message === 'EXTERNAL not offered')).toMatchObject({
      check: 'revoked',
      reason: `enrolled with the certificate ${serial(alice)}, which has been revoked since`,
    })
  })

  it.each(['superseded'])('stays: %s', async (reason) => {
    await enrol(await online(alice), 'Phone', phone)
    const p = await online(phone)
    revoke(reason)
    expect(await names(p)).toEqual(['Phone'])
    expect(await attempt(phone)).toBe('offered, success')
  })
})

describe('the audit log', () => {
  it('tells what accounts have done', async () => {
    const a = await online(alice)
    await enrol(a, 'Phone', phone)
    await enrol(a, 'Bot', bot)
    await enrol(a, 'Bot', bot)
    await end(a, 'disable', 'Bot')
    await end(a, 'revoke', 'Phone')
    const [, ...entries] = verifyChain(t.ledger.auditTrail())
    const of = (label: string, one: Credentials) => ({ label, fingerprint: fingerprint(one) })
    expect(entries.map(({ event, name, details }) => ({ event, name, details }))).toEqual([
      { event: 'enrolled', name: 'alice@localhost', details: of('Phone', phone) },
      { event: 'enrolled', name: 'alice@localhost', details: of('Bot', bot) },
      { event: 'enrolment-disabled', name: 'alice@localhost', details: of('Bot', bot) },
      { event: 'enrolment-revoked', name: 'alice@localhost', details: of('Phone', phone) },
    ])
  })
})
