import { createPrivateKey, createPublicKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { readCertificateFiles } from '../../../src/service/credentials/certificate-files.ts'
import { OpensslCa } from '../../support/certificates/certificates.ts'

const PASSWORD = 'correct horse battery staple'

const folder = mkdtempSync(join(tmpdir(), 'xmppki-files-'))
const ca = new OpensslCa()
const at = (name: string) => join(folder, name)
const write = (name: string, text: string | Buffer) => writeFileSync(at(name), text, { mode: 0o600 })

beforeAll(() => {
  const { key, cert } = ca.issue({
    subject: '/CN=example.org',
    dnsNames: ['example.org', 'xn--bcher-kva.example'],
    extendedKeyUsage: 'serverAuth',
  })
  write('server.key', key)
  write('server.crt', cert)
  write('chain.crt', `${cert}${ca.credentials.cert}`)
  write('wrong-order.crt', `${ca.credentials.cert}${cert}`)
  const encrypted = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSWORD } as const
  write('encrypted.key', createPrivateKey(key).export(encrypted))
  write('password', `${PASSWORD}\r\nsecond line\n`)
  write('wrong-password', 'open sesame\n')
  write('empty', '')
})
afterAll(() => {
  rmSync(folder, { recursive: true })
  ca.remove()
})

function read(certfile: string, keyfile: string, passwordFile?: string, domain = 'example.org') {
  const warnings: string[] = []
  const files = { certfile: at(certfile), keyfile: at(keyfile), passwordFile: passwordFile && at(passwordFile) }
  const credentials = readCertificateFiles(domain, files, (text) => warnings.push(text))
  return { credentials, warnings }
}

describe('the files of a server certificate', () => {
  it.each([
    ['a certificate', 'server.crt', 'server.key', undefined, 1],
    ['a chain', 'chain.crt', 'server.key', undefined, 2],
    ['an encrypted key', 'server.crt', 'encrypted.key', 'password', 1],
  ])('may hold %s', (_, certfile, keyfile, passwordFile, length) => {
    const { credentials, warnings } = read(certfile, keyfile, passwordFile)
    expect(warnings).toEqual([])
    expect(credentials.domain).toBe('example.org')
    expect(credentials.chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(length)
    expect(createPublicKey(createPrivateKey(credentials.key)).equals(createPublicKey(credentials.chain))).toBe(true)
  })

  it.each([
    ['a missing certificate', ['none.crt', 'server.key'], 'NOT_FOUND', /none\.crt/],
    ['a certificate file without one', ['empty', 'server.key'], 'BAD_INPUT', /empty/],
    ['a key file without one', ['server.crt', 'empty'], 'BAD_INPUT', /empty holds no private key/],
    ['the key of another certificate', ['wrong-order.crt', 'server.key'], 'BAD_INPUT', /server\.key is not that of/],
    [
      'an encrypted key without a password',
      ['server.crt', 'encrypted.key'],
      'PASSPHRASE',
      /encrypted\.key is encrypted/,
    ],
    [
      'a wrong password',
      ['server.crt', 'encrypted.key', 'wrong-password'],
      'PASSPHRASE',
      /first line of .*wrong-password/,
    ],
    ['an empty password', ['server.crt', 'encrypted.key', 'empty'], 'PASSPHRASE', /encrypted\.key|empty/],
  ])('are refused with %s', (_, [certfile = '', keyfile = '', passwordFile], code, message) => {
    const attempt = () => read(certfile, keyfile, passwordFile)
    expect(attempt).toThrow(XmppkiError)
    expect(attempt).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }))
    expect(attempt).not.toThrow(/open sesame/)
  })

  it('are worth a warning when the certificate is for another domain', () => {
    expect(read('server.crt', 'server.key', undefined, 'example.com').warnings).toEqual([
      `the certificate in ${at('server.crt')} is not for example.com`,
    ])
    expect(read('server.crt', 'server.key', undefined, 'bücher.example').warnings).toEqual([])
  })

  it('are refused, or worth a warning, when clients would refuse the certificate', () => {
    const weak = ca.selfSignedBy(readFileSync(at('server.key'), 'utf8'), { dnsNames: ['example.org'], hash: 'sha1' })
    write('weak.crt', weak)
    const said = /weak\.crt is signed with SHA-1/
    try {
      expect(read('weak.crt', 'server.key').warnings).toEqual([expect.stringMatching(said)])
    } catch (error) {
      // The OpenSSL of Node 20 does not present it at all.
      if (!(error instanceof XmppkiError)) throw error
      expect(error).toMatchObject({ code: 'BAD_INPUT', message: expect.stringMatching(said) })
    }
  })
})
