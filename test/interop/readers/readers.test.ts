import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { program } from '../program.ts'
import { Service } from '../service.ts'

const KEY_TYPES = ['ec:p256', 'ec:p384', 'ed25519', 'rsa:2048'] as const

describe.each(KEY_TYPES)('what xmppki issues with %s keys, CA and all', (keyType) => {
  let service: Service
  let root: string
  let server: string
  let client: string

  beforeAll(async () => {
    service = await Service.create('--key-type', keyType, '--cn', 'Reader CA')
    root = service.rootCertificate
    const document = JSON.parse(await service.run('server', 'issue', 'localhost', '--key-type', keyType, '--json'))
    server = document.issued?.[0]?.files.certificate ?? document.files.certificate
    client = (await service.issue('alice', '--key-type', keyType)).certificate
  })
  afterAll(() => service?.end())

  it('openssl verify -x509_strict accepts the client certificate for TLS clients only', () => {
    const verify = (purpose: string) =>
      program('openssl', ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', root, client])
    expect(verify('sslclient')).toMatchObject({ code: 0, output: `${client}: OK\n` })
    expect(verify('sslserver').code).not.toBe(0)
  })

  it('openssl verify -x509_strict accepts the server certificate for TLS servers only, by its name', () => {
    const verify = (purpose: string, name: string) =>
      program('openssl', [
        'verify',
        '-x509_strict',
        ...['-purpose', purpose, '-verify_hostname', name, '-CAfile', root, server],
      ])
    expect(verify('sslserver', 'localhost')).toMatchObject({ code: 0, output: `${server}: OK\n` })
    expect(verify('sslserver', 'example.org').output).toContain('hostname mismatch')
    expect(verify('sslclient', 'localhost').code).not.toBe(0)
  })

  it('openssl verify -x509_strict accepts the root', () => {
    expect(program('openssl', ['verify', '-x509_strict', '-CAfile', root, root]).code).toBe(0)
  })

  it.each(['client', 'server'])('certtool (GnuTLS) verifies the chain of a %s', (holder) => {
    const certificate = holder === 'client' ? client : server
    const args = ['--verify', '--load-ca-certificate', root, '--infile', certificate]
    const { code, output } = program('certtool', args)
    expect(output).toMatch(/Chain verification output: Verified\. The certificate is trusted\./)
    expect(code).toBe(0)
  })
})
