import { X509Certificate } from 'node:crypto'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { issuedRecord } from '../../store/ledger-contract.ts'
import { type Credentials, idBy, OpensslCa } from '../../support/certificates/certificates.ts'
import { startTestServer, type TestServer } from '../../support/servers/server.ts'
import { attemptAt, onlineAt, VARIANTS } from '../../support/streams/external-login.ts'
import type { RawClient } from '../../support/streams/xmpp-client.ts'

const ca = new OpensslCa()
const other = new OpensslCa('Other CA')
const CLIENT = { extendedKeyUsage: 'clientAuth' }
const named = (issuer: OpensslCa, name: string, more = {}) =>
  issuer.issue({ ...CLIENT, subject: `/CN=${name}`, xmppAddrs: [`${name}@localhost`], ...more })
const alice = named(ca, 'alice')
const bob = named(ca, 'bob')
const mortal = named(ca, 'bob', { validity: ['20200101000000Z', '20900101000000Z'] })
const guest = named(other, 'bob')
const devices = ca.issue({ subject: '/CN=Devices', ca: true })
const device = ca.issueBelow(devices, { ...CLIENT, subject: '/CN=bob' })
const phone = ca.selfSigned({ subject: '/CN=phone' })
const { key, cert: chain } = ca.issue({ subject: '/CN=localhost', dnsNames: ['localhost'] })
afterAll(() => {
  ca.remove()
  other.remove()
})

let now: Date
let server: TestServer
beforeEach(async () => {
  now = new Date('2030-06-15T12:00:00Z')
  server = await startTestServer({
    ca,
    credentials: [{ domain: 'localhost', key, chain }],
    enrolments: true,
    login: { now: () => now, anchors: new TrustAnchors([ca.credentials.cert, other.credentials.cert]) },
  })
})
afterEach(() => server.stop())

const x509 = ({ cert }: Credentials) => new X509Certificate(cert)
const serialOf = (credentials: Credentials) => x509(credentials).serialNumber.toLowerCase()

/** By whichever CA has signed it. */
function idOf(credentials: Credentials) {
  const signer = [ca.credentials, other.credentials, devices].find(({ cert }) =>
    x509(credentials).verify(new X509Certificate(cert).publicKey),
  )
  return idBy(signer ?? credentials, credentials)
}

function revoke(credentials: Credentials): void {
  server.ledger.transaction((insert, changes) => {
    insert(issuedRecord(idOf(credentials)))
    changes.revoke(idOf(credentials), { at: now.getTime(), reason: 'keyCompromise' })
  })
}

async function trustNobodyElse(): Promise<void> {
  const login = { ...server.options.login, anchors: new TrustAnchors([ca.credentials.cert]) }
  await server.server.update({ ...server.options, login })
}

async function ask(client: RawClient, payload: string): Promise<string> {
  client.send(`<iq type='set' id='q'>${payload}</iq>`)
  return client.receive(/<iq [^>]*id="q"[^>]*?(?:\/>|>.*?<\/iq>)/s)
}

const NS = 'urn:xmpp:saslcert:1'
const enrol = (client: RawClient, more = '') =>
  ask(
    client,
    `<append xmlns='${NS}'><name>Phone</name>${more}<x509cert>${x509(phone).raw.toString('base64')}</x509cert></append>`,
  )

async function ping(client: RawClient): Promise<void> {
  client.send("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
  await client.receive(/<iq type="result" id="p"/)
}

describe.each(VARIANTS)('after a login over $transport, $version', (variant) => {
  it.each([
    { what: 'the certificate is revoked', credentials: bob, happen: () => revoke(bob), error: 'not-authorized' },
    { what: 'its CA is revoked', credentials: device, happen: () => revoke(devices), error: 'not-authorized' },
    {
      what: 'the certificate expires',
      credentials: mortal,
      happen: () => {
        now = new Date('2090-01-01T00:00:01Z')
      },
      error: 'reset',
    },
    { what: 'its CA is removed', credentials: guest, happen: trustNobodyElse, error: 'reset' },
  ])('$what: the stream is closed with $error, and others go on (§4 no. 8)', async (row) => {
    const victim = await onlineAt(server, { credentials: row.credentials, variant })
    const witness = await onlineAt(server, { credentials: alice, variant })
    await row.happen()
    expect(await victim.ended()).toMatch(
      new RegExp(`<stream:error><${row.error} .*</stream:error></stream:stream>$`, 's'),
    )
    expect(server.log.find('the certificate of a session is not accepted any more')).toMatchObject({
      serial: serialOf(row.credentials),
      fingerprint: x509(row.credentials).fingerprint256.replaceAll(':', '').toLowerCase(),
    })
    await ping(witness)
    witness.destroy()
    // And it does not come back.
    const { told, offered } = await attemptAt(server, { credentials: row.credentials, variant })
    expect({ told, offered }).toEqual({ told: 'not-authorized', offered: [] })
  })

  it('what an account has enrolled opens that account and no other, until the account revokes it', async () => {
    expect(await attemptAt(server, { credentials: phone, variant })).toMatchObject({ offered: [] })
    const owner = await onlineAt(server, { credentials: alice, variant })
    expect(await enrol(owner)).toContain('type="result"')
    expect(await attemptAt(server, { credentials: phone, variant })).toMatchObject({ told: 'alice@localhost' })
    expect(await attemptAt(server, { credentials: phone, variant, authzid: 'bob@localhost' })).toMatchObject({
      told: 'invalid-authzid',
    })
    const session = await onlineAt(server, { credentials: phone, variant })
    expect(await ask(owner, `<revoke xmlns='${NS}'><name>Phone</name></revoke>`)).toContain('type="result"')
    expect(await session.ended()).toMatch(/<stream:error><not-authorized /)
    expect(await attemptAt(server, { credentials: phone, variant })).toMatchObject({ offered: [] })
    owner.destroy()
  })

  it('no. 13: with <no-cert-management/> it may not enrol others', async () => {
    const owner = await onlineAt(server, { credentials: alice, variant })
    expect(await enrol(owner, '<no-cert-management/>')).toContain('type="result"')
    const session = await onlineAt(server, { credentials: phone, variant })
    expect(await enrol(session)).toMatch(/type="error".*<forbidden /)
    expect(await ask(session, `<revoke xmlns='${NS}'><name>Phone</name></revoke>`)).toMatch(/<forbidden /)
    for (const client of [owner, session]) client.destroy()
  })
})
