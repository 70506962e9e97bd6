import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { program } from '../program.ts'
import { type ClientFiles, Service } from '../service.ts'

/** Opens a stream and ends it, so that the server answers its features and closes. */
const STREAM = [
  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>",
  '</stream:stream>',
].join('')

describe('openssl s_client', () => {
  let service: Service
  let alice: ClientFiles

  beforeAll(async () => {
    service = await Service.create()
    alice = await service.issue('alice')
    await service.start()
  })
  afterAll(() => service?.end())

  const ways = {
    STARTTLS: () => ['-connect', `127.0.0.1:${service.port}`, '-starttls', 'xmpp', '-xmpphost', 'localhost'],
    'direct TLS': () => ['-connect', `127.0.0.1:${service.tlsPort}`, '-alpn', 'xmpp-client'],
  }

  const verification = () => [
    '-CAfile',
    service.rootCertificate,
    '-verify_return_error',
    '-verify_hostname',
    'localhost',
  ]

  const certificate = () => ['-cert', alice.certificate, '-key', alice.key]

  const connect = (...args: string[]) =>
    program('openssl', ['s_client', '-servername', 'localhost', ...args], { input: STREAM })

  describe.each(['STARTTLS', 'direct TLS'] as const)('over %s', (way) => {
    it.each([
      { flag: '-tls1_2', version: 'TLSv1.2' },
      { flag: '-tls1_3', version: 'TLSv1.3' },
    ])('verifies the server and is offered EXTERNAL with a certificate, $version', ({ flag, version }) => {
      const args = [...ways[way](), ...verification(), ...certificate(), flag, '-brief', '-ign_eof']
      const { code, output } = connect(...args)
      expect(output).toContain('CONNECTION ESTABLISHED')
      expect(output).toContain(`Protocol version: ${version}`)
      expect(output).toMatch(/^Verification: OK$/m)
      expect(output).toMatch(/^Verified peername: localhost$/m)
      expect(output).toContain('<mechanism>EXTERNAL</mechanism>')
      expect(code, output).toBe(0)
    })

    it('is not offered EXTERNAL without a certificate', () => {
      const { code, output } = connect(...ways[way](), ...verification(), '-brief', '-ign_eof')
      expect(output).toMatch(/^Verification: OK$/m)
      expect(output).toContain('<stream:features')
      expect(output).not.toContain('EXTERNAL')
      expect(code, output).toBe(0)
    })

    it.each(['-tls1', '-tls1_1'])('gets no connection with the obsolete version %s', (flag) => {
      // Level 0, or OpenSSL itself would refuse before the server can.
      const args = [...ways[way](), ...verification(), flag, '-cipher', 'DEFAULT@SECLEVEL=0', '-brief']
      const { code, output } = connect(...args)
      expect(output).toMatch(/alert protocol version/)
      expect(code).toBe(1)
    })
  })

  it('negotiates the application protocol xmpp-client (XEP-0368 §2)', () => {
    const { output } = connect(...ways['direct TLS'](), ...verification(), '-ign_eof')
    expect(output).toContain('ALPN protocol: xmpp-client')
  })

  it.each(['STARTTLS', 'direct TLS'] as const)('is sent no CA names, or that of the client CA, over %s', (way) => {
    // GnuTLS clients send no certificate unless the list is empty or has the CA of theirs.
    const { output } = connect(...ways[way](), ...verification(), ...certificate(), '-ign_eof')
    expect(output).toMatch(
      /No client certificate CA names sent|Acceptable client certificate CA names\nCN = xmppki root CA/,
    )
  })
})
