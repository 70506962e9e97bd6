import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { program } from './program.ts'
import { type ClientFiles, Service } from './service.ts'

const KEY_TYPES = ['ec:p256', 'ec:p384', 'ed25519', 'rsa:2048'] as const
const FORMATS = ['modern', 'compat'] as const

/** How each reader calls the encryption of a bundle. */
const ENCRYPTION = {
  modern: { openssl: /PBES2, PBKDF2, AES-256-CBC.*hmacWithSHA256/, certtool: /PBES2-AES256-CBC/ },
  compat: { openssl: /pbeWithSHA1And3-KeyTripleDES-CBC/, certtool: /PKCS12-3DES-SHA1/ },
}

describe.each(KEY_TYPES)('what xmppki issues with %s keys, CA and all', (keyType) => {
  let service: Service
  let root: string
  let server: string
  const clients = new Map<string, ClientFiles>()

  beforeAll(async () => {
    service = await Service.create('--key-type', keyType, '--cn', 'Reader CA')
    root = service.rootCertificate
    const document = JSON.parse(await service.run('server', 'issue', 'localhost', '--key-type', keyType, '--json'))
    server = document.issued?.[0]?.files.certificate ?? document.files.certificate
    clients.set('modern', await service.issue('modern', '--key-type', keyType))
    clients.set('compat', await service.issue('compat', '--key-type', keyType, '--p12-compat'))
  })
  afterAll(() => service?.end())

  function client(format: string): ClientFiles {
    const files = clients.get(format)
    if (files === undefined) throw new Error(`no client ${format}`)
    return files
  }

  /** A fresh, empty NSS database without a password. */
  function nssDatabase(): string {
    const database = `sql:${mkdtempSync(join(service.cli.folder, 'nss-'))}`
    expect(program('certutil', ['-N', '-d', database, '--empty-password']).code).toBe(0)
    return database
  }

  it('openssl verify -x509_strict accepts the client certificate for TLS clients only', () => {
    const verify = (purpose: string) =>
      program('openssl', ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', root, client('modern').certificate])
    expect(verify('sslclient')).toMatchObject({ code: 0, output: `${client('modern').certificate}: OK\n` })
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
    const certificate = holder === 'client' ? client('modern').certificate : server
    const args = ['--verify', '--load-ca-certificate', root, '--infile', certificate]
    const { code, output } = program('certtool', args)
    expect(output).toMatch(/Chain verification output: Verified\. The certificate is trusted\./)
    expect(code).toBe(0)
  })

  describe.each(FORMATS)('in a %s PKCS#12 bundle', (format) => {
    it('openssl pkcs12 reads key, chain of 2 and friendlyName', () => {
      const { p12, p12Password, jid } = client(format)
      const args = ['pkcs12', '-info', '-in', p12, '-passin', `file:${p12Password}`, '-nodes']
      const { code, output } = program('openssl', args)
      expect(code, output).toBe(0)
      expect(output.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
      expect(output.match(/BEGIN PRIVATE KEY/g)).toHaveLength(1)
      expect(output).toContain(`friendlyName: ${jid}`)
      expect(output).toMatch(/subject=CN ?= ?Reader CA/)
      expect(output).toMatch(ENCRYPTION[format].openssl)
    })

    it('openssl pkcs12 refuses it with a wrong password', () => {
      const { code, output } = program('openssl', ['pkcs12', '-in', client(format).p12, '-passin', 'pass:x', '-noout'])
      expect(output).toContain('invalid password')
      expect(code).not.toBe(0)
    })

    it('certtool --p12-info (GnuTLS) reads key, chain of 2 and friendlyName', () => {
      const { p12, p12Password, jid } = client(format)
      const password = program('cat', [p12Password]).output.trim()
      const { code, output } = program('certtool', ['--p12-info', '--inder', '--infile', p12, '--password', password])
      expect(code, output).toBe(0)
      expect(output.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
      expect(output).toMatch(
        /BEGIN (PRIVATE|ENCRYPTED PRIVATE|UNENCRYPTED PRIVATE) KEY|Type: (PKCS #8|Encrypted) .*[Kk]ey/,
      )
      expect(output).toContain(`Friendly name: ${jid}`)
      expect(output).toMatch(ENCRYPTION[format].certtool)
    })

    it('keytool (Java) lists one private key entry with a chain of 2', () => {
      const { p12, p12Password, jid } = client(format)
      const args = ['-list', '-v', '-storetype', 'PKCS12', '-keystore', p12, '-storepass:file', p12Password]
      const { code, output } = program('keytool', args)
      expect(code, output).toBe(0)
      expect(output).toContain('Your keystore contains 1 entry')
      expect(output).toContain(`Alias name: ${jid}`)
      expect(output).toContain('Entry type: PrivateKeyEntry')
      expect(output).toContain('Certificate chain length: 2')
      expect(output).toContain('Issuer: CN=Reader CA')
    })

    it('pk12util -l (NSS) lists key, chain of 2 and friendlyName', () => {
      const { p12, p12Password, jid } = client(format)
      const args = ['-l', p12, '-w', p12Password, '-d', nssDatabase()]
      const { code, output } = program('pk12util', args)
      expect(code, output).toBe(0)
      expect(output.match(/^Certificate/gm)).toHaveLength(2)
      expect(output.match(/^Key/gm)).toHaveLength(1)
      expect(output).toContain(`Friendly Name: ${jid}`)
    })

    const imports = keyType === 'ed25519' ? 'refuses it: NSS knows no Ed25519 keys' : 'imports it, for TLS clients'
    it(`pk12util -i (NSS) ${imports}`, () => {
      const { p12, p12Password, jid } = client(format)
      const database = nssDatabase()
      const { code, output } = program('pk12util', ['-i', p12, '-w', p12Password, '-d', database])
      if (keyType === 'ed25519') {
        expect(output).toContain('SEC_ERROR_PKCS12_UNABLE_TO_IMPORT_KEY')
        expect(code).not.toBe(0)
        return
      }
      expect(code, output).toBe(0)
      const trust = program('certutil', ['-A', '-n', 'reader-ca', '-t', 'TC,,', '-i', root, '-d', database])
      expect(trust.code, trust.output).toBe(0)
      expect(program('certutil', ['-K', '-d', database]).output).toContain(jid)
      const valid = program('certutil', ['-V', '-n', jid, '-u', 'C', '-e', '-d', database])
      expect(valid).toMatchObject({ code: 0, output: 'certutil: certificate is valid\n' })
    })
  })
})
