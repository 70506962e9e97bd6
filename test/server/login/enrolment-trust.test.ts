import { X509Certificate } from 'node:crypto'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import type { ClientTrust } from '../../../src/server/net/client-trust.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { type Credentials, OpensslCa } from '../../support/certificates/certificates.ts'
import { revocationLists } from '../../support/certificates/crls.ts'
import { startTestServer, type TestServer } from '../../support/servers/server.ts'
import { VARIANTS } from '../../support/streams/external-login.ts'
import { external, RawClient } from '../../support/streams/xmpp-client.ts'

const CLIENT = { extendedKeyUsage: 'clientAuth' }
const SIGNS = { extensions: ['keyUsage = critical, keyCertSign, cRLSign'] }
const ca = new OpensslCa()
const partner = new OpensslCa('Partner CA')
const below = partner.issue({ subject: '/CN=Partner Users', ca: true, ...SIGNS })
const who = (name: string) => ({ ...CLIENT, subject: `/CN=${name}`, xmppAddrs: [`${name}@localhost`] })
const alice = partner.issueBelow(below, who('alice'))
const carol = partner.issue(who('carol'))
const spare = partner.issueBelow(below, who('alice'))
const phone = ca.selfSigned({ subject: '/CN=phone' })
const bot = ca.selfSigned({ subject: '/CN=bot' })
const server = ca.issue({ subject: '/CN=localhost', dnsNames: ['localhost'], extendedKeyUsage: 'serverAuth' })
const credentials = [{ domain: 'localhost', key: server.key, chain: server.cert }]
afterAll(() => {
  ca.remove()
  partner.remove()
})

const anchors = new TrustAnchors([ca.credentials.cert, partner.credentials.cert])
const own = [new X509Certificate(ca.credentials.cert).fingerprint256.replaceAll(':', '').toLowerCase()]
const crl = (given: Parameters<OpensslCa['crl']>[0]) => partner.crl(given)
const trust = async (...lists: string[]): Promise<ClientTrust> => ({
  anchors,
  verifyMode: 'peer',
  disconnectOnFailure: false,
  revocation: { lists: await revocationLists(lists, [partner.credentials.cert, below.cert], own), mode: 'soft' },
})
const endpoints = (rules: ClientTrust) =>
  (['starttls', 'tls'] as const).map((mode) => ({ host: '127.0.0.1', port: 0, mode, trust: rules }))

let running: TestServer | undefined
let open: RawClient[] = []
afterEach(async () => {
  for (const one of open) one.destroy()
  open = []
  await running?.stop()
})

async function start(): Promise<TestServer> {
  running = await startTestServer({ ca, credentials, enrolments: true, endpoints: endpoints(await trust()) })
  return running
}

async function online(t: TestServer, who: Credentials): Promise<RawClient> {
  const one = await RawClient.online({ port: t.port, credentials: who })
  open.push(one)
  return one
}

async function attempt(t: TestServer, who: Credentials): Promise<string> {
  const one = await RawClient.secured({ port: t.port, credentials: who })
  open.push(one)
  one.send(external())
  return (await one.receive(/<success|<failure[^>]*><[^/]*/)).replace(/.*</, '')
}

const leafOf = ({ key, cert }: Credentials): Credentials => ({ key, cert: new X509Certificate(cert).toString() })

async function enrol(one: RawClient, name: string, { cert }: Credentials): Promise<string> {
  const text = new X509Certificate(cert).raw.toString('base64')
  one.send(
    `<iq type='set' id='${name}'><append xmlns='urn:xmpp:saslcert:1'><name>${name}</name><x509cert>${text}</x509cert></append></iq>`,
  )
  const answer = await one.receive(new RegExp(`<iq [^>]*id="${name}"[^>]*?(?:/>|>.*?</iq>)`, 's'))
  return /<error type="[a-z]*"><([a-z-]*)/.exec(answer)?.[1] ?? 'enrolled'
}

describe('a certificate of a CA that is accepted', () => {
  it.each([
    { what: 'below an intermediate, by itself', by: alice, enrolled: alice },
    { what: 'below an intermediate, by another one of it', by: alice, enrolled: spare },
    { what: 'below an intermediate that somebody else has sent', by: carol, enrolled: spare, before: alice },
    { what: 'directly below the CA', by: alice, enrolled: partner.issue({ ...CLIENT, subject: '/CN=x' }) },
    {
      what: 'that has expired',
      by: alice,
      enrolled: partner.issue({ ...CLIENT, subject: '/CN=x', validity: ['20200101000000Z', '20200201000000Z'] }),
    },
  ])('is not enrolled: $what', async ({ by, enrolled, before }) => {
    const t = await start()
    if (before !== undefined) await online(t, before)
    expect(await enrol(await online(t, by), 'Spare', enrolled)).toBe('not-acceptable')
    expect(t.ledger.enrolments.list('alice@localhost')).toEqual([])
  })

  it('is not enrolled when only its name says where it is from, however it is written (RFC 5280 §7.1)', async () => {
    const t = await start()
    const imitation = new OpensslCa('PARTNER  ca')
    const fake = imitation.issue({ ...CLIENT, subject: '/CN=x' })
    imitation.remove()
    expect(await enrol(await online(t, carol), 'Fake', fake)).toBe('not-acceptable')
  })

  it('may be enrolled when it comes from another CA', async () => {
    const t = await start()
    const foreign = new OpensslCa('Foreign CA')
    const other = foreign.issue({ ...CLIENT, subject: '/CN=x' })
    foreign.remove()
    expect(await enrol(await online(t, alice), 'Other', other)).toBe('enrolled')
    expect(await attempt(t, other)).toBe('success')
  })
})

describe.each(VARIANTS.slice(0, 2))('what was enrolled with a certificate that its CA revokes, $version', () => {
  it.each([
    { what: 'below an intermediate', by: alice, lists: () => [crl({ by: below, revoked: [leafOf(alice)] })] },
    { what: 'whose intermediate is revoked', by: alice, lists: () => [crl({ revoked: [below] })] },
    { what: 'directly below the CA', by: carol, lists: () => [crl({ revoked: [carol] })] },
  ])('ends with it, whatever was enrolled with that in turn: $what', async ({ by, lists }) => {
    const t = await start()
    expect(await enrol(await online(t, by), 'Phone', phone)).toBe('enrolled')
    const p = await online(t, phone)
    expect(await enrol(p, 'Bot', bot)).toBe('enrolled')
    const b = await online(t, bot)
    await t.server.update({ ...t.options, endpoints: endpoints(await trust(crl({}), ...lists())) })
    for (const one of [p, b]) expect(await one.ended()).toContain('<not-authorized')
    const again = { ...t, port: t.server.ports[0] ?? 0 }
    for (const one of [phone, bot]) expect(await attempt(again, one)).toBe('not-authorized')
    expect(t.log.lines.findLast(({ message }) => message === 'EXTERNAL not offered')).toMatchObject({
      check: 'revoked',
      reason: expect.stringContaining('which has been revoked since'),
    })
  })

  it('stays when another one is revoked, and when its CA is accepted no more', async () => {
    const t = await start()
    await enrol(await online(t, alice), 'Phone', phone)
    const p = await online(t, phone)
    const others = await trust(crl({ by: below, revoked: [leafOf(spare)] }))
    await t.server.update({ ...t.options, endpoints: endpoints(others) })
    const only = { ...(await trust()), anchors: new TrustAnchors([ca.credentials.cert]) }
    await t.server.update({ ...t.options, endpoints: endpoints(only) })
    p.send("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
    await p.receive(/<iq [^>]*id="p"/)
    expect(await attempt({ ...t, port: t.server.ports[0] ?? 0 }, phone)).toBe('success')
  })
})
