import { X509Certificate } from 'node:crypto'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { verifyChain } from '../../../src/store/audit.ts'
import { OpensslCa } from '../../support/certificates/certificates.ts'
import { addAccount, type PasswordServer, startPasswordServer } from '../../support/servers/password-server.ts'
import { Login } from '../../support/streams/external-login.ts'
import { attemptPassword } from '../../support/streams/scram-client.ts'
import { RawClient } from '../../support/streams/xmpp-client.ts'

const ca = new OpensslCa()
const phone = ca.selfSigned({ subject: '/CN=phone' })
afterAll(() => ca.remove())

let server: PasswordServer
beforeEach(async () => {
  server = await startPasswordServer({ ca, enrolments: true, means: { registration: true } })
})
afterEach(() => server.stop())

const der = new X509Certificate(phone.cert).raw.toString('base64')
const APPEND = `<append xmlns='urn:xmpp:saslcert:1'><name>Phone</name><x509cert>${der}</x509cert></append>`
const ITEMS = "<items xmlns='urn:xmpp:saslcert:1'/>"
const REVOKE = "<revoke xmlns='urn:xmpp:saslcert:1'><name>Phone</name></revoke>"

/** A session that has logged in with the password. */
async function online(client: RawClient): Promise<RawClient> {
  await attemptPassword(client, { mechanism: 'SCRAM-SHA-256' })
  await client.open()
  await client.bind()
  return client
}

const secured = async () => online((await Login.begin(server, {})).client)

async function ask(client: RawClient, type: 'get' | 'set', payload: string): Promise<string> {
  client.send(`<iq type='${type}' id='q'>${payload}</iq>`)
  return client.receive(/<iq [^>]*?(?:\/>|>.*?<\/iq>)/s)
}

/** What a login with the certificate is told. */
async function withCertificate(): Promise<string> {
  const login = await Login.begin(server, { credentials: phone })
  const told = await login.auth()
  login.client.destroy()
  return told
}

describe('whoever has logged in with a password (XEP-0257 §1)', () => {
  it('enrols the certificate that it logs in with from then on, and ends it', async () => {
    const client = await secured()
    expect(await withCertificate()).toBe('not-authorized')
    expect(await ask(client, 'set', APPEND)).toMatch(/type="result"/)
    expect(await ask(client, 'get', ITEMS)).toContain('<name>Phone</name>')
    const device = await RawClient.online({ port: server.port, credentials: phone })
    expect(server.server.sessions().map(({ mechanism }) => mechanism)).toEqual(['SCRAM-SHA-256', 'EXTERNAL'])
    expect(await ask(client, 'set', REVOKE)).toMatch(/type="result"/)
    expect(await device.ended()).toMatch(/<stream:error><not-authorized/)
    expect(await withCertificate()).toBe('not-authorized')
    client.destroy()
  })

  it('may not do so in the clear (§5)', async () => {
    await server.stop()
    server = await startPasswordServer({ ca, enrolments: true, startTls: 'offered' })
    const plain = await RawClient.plain({ port: server.port })
    await plain.open()
    const client = await online(plain)
    for (const [type, payload] of [
      ['set', APPEND],
      ['get', ITEMS],
      ['set', REVOKE],
    ] as const) {
      expect(await ask(client, type, payload)).toContain('<forbidden')
    }
    client.destroy()
  })

  it('leaves no certificate behind for whoever gets the name after it', async () => {
    const client = await secured()
    await ask(client, 'set', APPEND)
    client.send("<iq type='set' id='r'><query xmlns='jabber:iq:register'><remove/></query></iq>")
    expect(await client.ended()).toMatch(/type="result".*<not-authorized/s)
    await addAccount(server.accounts, 'alice@localhost', 'open sesame')
    expect(await withCertificate()).toBe('not-authorized')
    const heir = await secured()
    expect(await ask(heir, 'get', ITEMS)).not.toContain('Phone')
    const [, ...entries] = verifyChain(server.ledger.auditTrail())
    expect(entries.map(({ event }) => event)).toEqual(['enrolled', 'enrolment-revoked'])
    heir.destroy()
  })
})
