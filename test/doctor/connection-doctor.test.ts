import { X509Certificate } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ClientCredentials } from '../../src/doctor/client-certificate.ts'
import { type ConnectionRequest, examineConnection } from '../../src/doctor/connection-doctor.ts'
import { XmppkiError } from '../../src/errors.ts'
import { decodePemAll } from '../../src/pki/der/pem.ts'
import type { CertificateId } from '../../src/store/certificate-id.ts'
import { MemoryAccounts } from '../../src/store/memory/accounts.ts'
import { type CertificateRequest, type Credentials, OpensslCa } from '../support/certificates/certificates.ts'
import { startPasswordServer } from '../support/servers/password-server.ts'
import { startTestServer, type TestServer } from '../support/servers/server.ts'

let t: TestServer
let stranger: OpensslCa
let alice: Credentials
beforeAll(async () => {
  t = await startTestServer()
  stranger = new OpensslCa('Stranger')
  alice = t.ca.issue({ subject: '/CN=alice', xmppAddrs: ['alice@localhost'], extendedKeyUsage: 'clientAuth' })
})
afterAll(async () => {
  await t.stop()
  stranger.remove()
})

function credentialsOf({ key, cert }: Credentials): ClientCredentials {
  const [leaf = new Uint8Array(), ...above] = decodePemAll(cert, 'CERTIFICATE', 'test')
  return { chain: [leaf, ...above], key, source: 'alice.crt' }
}

/** `state: text` by what was looked at; of several of one kind the worst is last. */
async function examine(credentials: Credentials | undefined, given: Partial<ConnectionRequest> = {}) {
  const findings = await examineConnection({
    host: '127.0.0.1',
    port: given.mode === 'tls' ? t.tlsPort : t.port,
    mode: 'starttls',
    domain: 'localhost',
    credentials: credentials && credentialsOf(credentials),
    home: { anchors: [t.ca.credentials.cert], source: 'the CA of the test', book: undefined },
    bind: false,
    now: new Date(),
    ...given,
  })
  const order = ['ok', 'note', 'warning', 'failed']
  const sorted = findings.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
  return Object.fromEntries(sorted.map(({ check, state, text }) => [check, `${state}: ${text}`]))
}

describe('a sound server and a sound certificate', () => {
  it.each(['starttls', 'tls'] as const)('are found to be so over %s', async (mode) => {
    const said = await examine(alice, { mode, bind: true })
    expect(said).toMatchObject({
      TLS: expect.stringMatching(/^ok: TLSv1.3, TLS_/),
      'server certificate': expect.stringMatching(/^ok: CN=localhost, until 2098-12-31|^ok: /),
      'server chain': 'ok: leads to the CA of the test',
      'certificate request': 'ok: the server asks for a client certificate from: CN=Test CA',
      'without certificate': 'ok: mechanisms: none',
      account: 'ok: id-on-xmppAddr alice@localhost',
      EXTERNAL: 'ok: offered',
      login: expect.stringMatching(/^ok: logged in as alice@localhost\/./),
    })
    expect(Object.values(said).filter((text) => !text.startsWith('ok'))).toEqual([])
  })

  it('stops before a resource is bound', async () => {
    expect((await examine(alice))['login']).toBe('ok: accepted; nothing was bound')
    expect(t.server.online).toBe(0)
  })

  it('without a certificate, asks for one', async () => {
    expect((await examine(undefined))['EXTERNAL']).toBe('note: not looked at with a certificate')
  })
})

describe('why EXTERNAL is not offered', () => {
  const BAD: readonly { name: string; request: CertificateRequest; because: RegExp }[] = [
    {
      name: 'expired',
      request: { xmppAddrs: ['alice@localhost'], validity: ['20200101000000Z', '20210101000000Z'] },
      because: /^failed: not offered: .*expired on 2021-01-01/,
    },
    {
      name: 'not valid yet',
      request: { xmppAddrs: ['alice@localhost'], validity: ['20980101000000Z', '20990101000000Z'] },
      because: /^failed: not offered: .*not valid before 2098-01-01/,
    },
    {
      name: 'for servers',
      request: { xmppAddrs: ['alice@localhost'], extendedKeyUsage: 'serverAuth' },
      because: /^failed: not offered: .*extended key usage without clientAuth/,
    },
    {
      name: 'with an unknown critical extension',
      request: { xmppAddrs: ['alice@localhost'], extensions: ['1.2.3.4=critical,ASN1:NULL'] },
      because: /^failed: not offered: .*unknown critical extension 1\.2\.3\.4/,
    },
  ]
  it.each(BAD)('the certificate is $name', async ({ request, because }) => {
    const said = await examine(t.ca.issue({ subject: '/CN=alice', ...request }))
    expect(said['EXTERNAL']).toMatch(because)
    expect(said['client certificate']).toMatch(/^failed: alice\.crt: /)
  })

  it('the certificate is too weak for the OpenSSL in Node, and is presented all the same', async () => {
    const said = await examine(t.ca.issue({ subject: '/CN=alice', xmppAddrs: ['alice@localhost'], hash: 'sha1' }))
    expect(said['with certificate']).toBe('ok: mechanisms: none')
    expect(said['EXTERNAL']).toMatch(/^failed: not offered: /)
  })

  it('it is of a CA that the server does not name', async () => {
    const said = await examine(stranger.issue({ subject: '/CN=alice', xmppAddrs: ['alice@localhost'] }))
    expect(said['client certificate']).toMatch(/^warning: not issued by the CA of the test/)
    expect(said['EXTERNAL']).toBe(
      'failed: not offered: the certificate is from CN=Stranger, and the server accepts only: CN=Test CA',
    )
  })

  it('it is revoked, as the ledger at home knows', async () => {
    const serial = new X509Certificate(alice.cert).serialNumber.toLowerCase()
    const book = { revokedAt: (asked: CertificateId) => (asked.serial === serial ? Date.UTC(2026, 0, 1) : undefined) }
    const home = { anchors: [t.ca.credentials.cert], source: 'the CA of the test', book }
    expect((await examine(alice, { home }))['client certificate']).toMatch(/^failed: revoked on 2026-01-01/)
  })
})

describe('why the login is refused', () => {
  it('the certificate names somebody elsewhere', async () => {
    const said = await examine(t.ca.issue({ subject: '/CN=alice', xmppAddrs: ['alice@elsewhere.example'] }))
    expect(said['EXTERNAL']).toBe('ok: offered')
    expect(said['account']).toBe('failed: the certificate names alice@elsewhere.example, which is not at localhost')
    expect(said['login']).toMatch(/^failed: refused: not-authorized; the certificate names alice@elsewhere\.example/)
  })

  it('the certificate names several', async () => {
    const said = await examine(t.ca.issue({ subject: '/CN=a', xmppAddrs: ['a@localhost', 'b@localhost'] }))
    expect(said['login']).toMatch(/^failed: refused: invalid-authzid; .*of several, the client has to say which/)
  })

  it('the server cannot reach its accounts', async () => {
    const accounts = new MemoryAccounts()
    accounts.find = () => Promise.reject(new XmppkiError('UNAVAILABLE', 'the database does not answer'))
    const away = await startPasswordServer({ ca: t.ca, accounts, certificates: 'account' })
    const said = await examine(alice, { port: away.port })
    await away.stop()
    expect(said['login']).toMatch(/^failed: refused: temporary-auth-failure; the server cannot tell now/)
  })
})

describe('servers that are not as they should be', () => {
  async function withServer(server: Server, work: (port: number) => Promise<void>): Promise<void> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      await work((server.address() as { port: number }).port)
    } finally {
      server.close()
    }
  }

  const HEADER = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
  const saying = (features: string) => `${HEADER}<stream:features>${features}</stream:features>`

  it('the certificate of the server is for another domain, and it does not serve this one', async () => {
    const said = await examine(alice, { mode: 'tls', domain: 'other.example' })
    expect(said['server certificate']).toMatch(/^failed: it is for localhost, not for other\.example/)
    expect(said['without certificate']).toMatch(/^warning: the server closed the stream: .*host-unknown/)
    expect(said['EXTERNAL']).toMatch(/^failed: /)
  })

  it('it is of another CA than it should be', async () => {
    const home = { anchors: [stranger.credentials.cert], source: 'ca.crt', book: undefined }
    expect((await examine(undefined, { home }))['server chain']).toMatch(/^warning: issued by CN=Test CA: .* ca\.crt/)
  })

  it('it has no STARTTLS, and offers passwords in the clear', async () => {
    const mechanisms = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
    const server = createServer((socket) => socket.resume().write(saying(mechanisms)))
    await withServer(server, async (port) => {
      const findings = await examineConnection({
        ...{
          host: '127.0.0.1',
          port,
          mode: 'starttls',
          domain: 'localhost',
          credentials: credentialsOf(alice),
          home: undefined,
        },
        ...{ bind: false, now: new Date() },
      })
      const said = findings.map(({ state, text }) => `${state}: ${text}`)
      expect(said).toContain('failed: not offered: without TLS there are no certificates')
      expect(said.join()).toContain('warning: PLAIN offered before TLS')
    })
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('it does not ask for certificates, %s', async (maxVersion) => {
    const { key, cert } = t.ca.issue({
      subject: '/CN=localhost',
      dnsNames: ['localhost'],
      extendedKeyUsage: 'serverAuth',
    })
    const server = createTlsServer({ key, cert, maxVersion }, (socket) => {
      socket.on('error', () => socket.destroy())
      socket.resume().write(saying(''))
    })
    await withServer(server, async (port) => {
      const said = await examine(alice, { mode: 'tls', port })
      expect(said['TLS']).toContain(maxVersion)
      expect(said['certificate request']).toMatch(/^failed: the server does not ask for a client certificate/)
      expect(said['EXTERNAL']).toBe('failed: not offered: the server never asked for the certificate')
    })
  })

  it('it speaks no TLS on the port for direct TLS', async () => {
    const said = await examine(alice, { mode: 'tls', port: t.port })
    expect(said['without certificate']).toMatch(/^warning: the TLS handshake failed: /)
  })

  it('nobody listens', async () => {
    let closed = 0
    await withServer(createServer(), async (port) => {
      closed = port
    })
    const said = await examine(alice, { port: closed })
    expect(said).toEqual({ connection: expect.stringMatching(`^failed: cannot connect to 127.0.0.1:${closed}: `) })
  })
})
