import { X509Certificate } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { completeChain } from '../../../src/server/net/server-chain.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import { OpensslCa } from '../../support/certificates/certificates.ts'
import { startTestServer } from '../../support/servers/server.ts'
import { secured, VARIANTS } from '../../support/streams/external-login.ts'

const [ca, twin] = [new OpensslCa(), new OpensslCa()]
afterAll(() => {
  for (const one of [ca, twin]) one.remove()
})

const intermediate = ca.issue({ subject: '/CN=Devices', ca: true })
const { key, cert: chain } = ca.issueBelow(intermediate, { subject: '/CN=localhost', dnsNames: ['localhost'] })
const alone = new X509Certificate(chain).toString()
const [root, devices] = [ca.credentials.cert, intermediate.cert].map((pem) => new X509Certificate(pem).toString())

describe('the certificates that a server sends', () => {
  it.each([
    { what: 'alone, its CAs known', given: alone, known: [root, devices], sent: [alone, devices, root] },
    { what: 'alone, the root unknown', given: alone, known: [devices], sent: [alone, devices] },
    { what: 'alone, nothing known', given: alone, known: [root], sent: [alone] },
    { what: 'below a CA that only has the name', given: root, known: [twin.credentials.cert], sent: [root] },
    { what: 'self-signed, and known', given: root, known: [root], sent: [root] },
    { what: 'a chain, which stays as it is', given: chain, known: [root, devices], sent: [chain] },
  ])('$what', ({ given, known, sent }) => {
    const pems = known.filter((pem) => pem !== undefined)
    expect(completeChain(given ?? '', pems)).toBe(sent.join(''))
  })

  it.each(VARIANTS)('are over $transport, $version those up to a CA of the clients', async (variant) => {
    const server = await startTestServer({
      ca,
      credentials: [{ domain: 'localhost', key, chain: alone }],
      login: { anchors: new TrustAnchors([ca.credentials.cert, intermediate.cert]) },
    })
    // A client that knows the root alone.
    const tls = { ca: ca.credentials.cert, rejectUnauthorized: true }
    const client = await secured(server, { variant, tls })
    expect(client.socket).toMatchObject({ authorized: true })
    client.destroy()
    await server.stop()
  })
})
