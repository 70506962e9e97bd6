import { createPrivateKey } from 'node:crypto'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodePkcs12 } from '../../src/pki/pkcs12/pkcs12.ts'
import { LoginProbe, type LoginRequest } from '../../src/probe/login.ts'
import { type Credentials, OpensslCa } from '../support/certificates/certificates.ts'
import { startTestServer, type TestServer } from '../support/servers/server.ts'

let t: TestServer
let stranger: OpensslCa
let base: LoginRequest

function bundle({ key, cert }: Credentials): Promise<Buffer> {
  const request = { certificate: cert, chain: [], friendlyName: 'test', password: 'secret', format: 'modern' } as const
  return encodePkcs12({ ...request, key: createPrivateKey(key) })
}

beforeAll(async () => {
  t = await startTestServer()
  stranger = new OpensslCa('Stranger')
  const data = await bundle(t.ca.issue({ subject: '/CN=alice', xmppAddrs: ['alice@localhost'] }))
  const ca = t.ca.credentials.cert
  base = {
    host: '127.0.0.1',
    port: t.port,
    mode: 'starttls',
    domain: 'localhost',
    bundle: { data, password: 'secret' },
    ca,
  }
})
afterAll(async () => {
  await t.stop()
  stranger.remove()
})

describe('LoginProbe', () => {
  it.each(['starttls', 'tls'] as const)('logs in over %s and reports what it saw', async (mode) => {
    const probe = await LoginProbe.login({ ...base, mode, port: mode === 'tls' ? t.tlsPort : t.port })
    expect(probe.report.jid).toMatch(/^alice@localhost\/./)
    expect(probe.report.tls).toBe('TLSv1.3')
    await probe.announce()
    probe.send('alice@localhost', 'to myself <&>')
    expect(await probe.receive()).toEqual({ from: probe.report.jid, body: 'to myself <&>' })
    probe.close()
  })

  it('says that EXTERNAL is not offered', async () => {
    const data = await bundle(stranger.issue({ subject: '/CN=alice' }))
    const login = LoginProbe.login({ ...base, bundle: { data, password: 'secret' } })
    await expect(login).rejects.toMatchObject({
      code: 'PROOF_FAILED',
      message: 'the server does not offer EXTERNAL, only []',
    })
  })

  it('says that the server refused the certificate', async () => {
    const data = await bundle(t.ca.issue({ subject: '/CN=alice', xmppAddrs: ['alice@elsewhere.example'] }))
    const login = LoginProbe.login({ ...base, bundle: { data, password: 'secret' } })
    await expect(login).rejects.toThrow(/^the server refused the certificate: .*not-authorized/)
  })

  it('does not trust a server that another CA vouches for', async () => {
    const login = LoginProbe.login({ ...base, ca: stranger.credentials.cert })
    await expect(login).rejects.toThrow(/^the TLS handshake failed: /)
  })

  it('does not take a server for another domain', async () => {
    const login = LoginProbe.login({ ...base, mode: 'tls', port: t.tlsPort, domain: 'other.example' })
    await expect(login).rejects.toThrow(/^the TLS handshake failed: .*other\.example/)
  })

  it('says that a bundle cannot be opened, without its password', async () => {
    const login = LoginProbe.login({ ...base, bundle: { ...base.bundle, password: 'hunter2' } })
    await expect(login).rejects.toThrow(/^the PKCS#12 bundle cannot be opened with its password$/)
  })

  it('says that nobody listens', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const { port } = closed.address() as { port: number }
    await new Promise((resolve) => closed.close(resolve))
    await expect(LoginProbe.login({ ...base, port })).rejects.toThrow(`cannot connect to 127.0.0.1:${port}`)
  })

  it('says that the server hung up', async () => {
    const rude = createServer((socket) => socket.end('</stream:stream>'))
    await new Promise<void>((resolve) => rude.listen(0, '127.0.0.1', resolve))
    const { port } = rude.address() as { port: number }
    await expect(LoginProbe.login({ ...base, port })).rejects.toMatchObject({ code: 'PROOF_FAILED' })
    rude.close()
  })
})
