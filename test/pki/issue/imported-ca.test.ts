import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { decodePem } from '../../../src/pki/der/pem.ts'
import { checkCaKey, judgeImportedCa } from '../../../src/pki/issue/imported-ca.ts'
import { decodePrivateKey, type KeyPair } from '../../../src/pki/keys/keys.ts'
import { madeRoot } from '../../support/certificates/small-pki.ts'
import { type Folder, openssl, opensslCertificate, temporaryFolder, testKeys } from '../support.ts'

let folder: Folder
beforeAll(() => {
  folder = temporaryFolder()
})
afterAll(() => folder.remove())

const GOOD = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash'

function make(extensions: string | undefined, subject = 'CN=Old Root', flags: string[] = []) {
  const { pem } = opensslCertificate(folder, { subject, ...(extensions === undefined ? {} : { extensions }), flags })
  return { pem, keys: keysOf('made.key') }
}

const keysOf = (name: string): KeyPair => decodePrivateKey(folder.read(name), { source: name })

const judge = (pem: string, keys: KeyPair, now = new Date()) => judgeImportedCa(Buffer.from(pem), keys, now, 'old.crt')

describe('judgeImportedCa', () => {
  it('accepts a good root without a word, PEM or DER', () => {
    const { pem, keys } = make(GOOD)
    const { issuer, findings } = judge(pem, keys)
    expect(findings).toEqual([])
    expect(issuer.certificate.subject).toBe('CN=Old Root')
    const der = decodePem(pem, 'CERTIFICATE', 'old.crt')
    expect(judgeImportedCa(der, keys, new Date(), 'old.crt').issuer.certificate.pem).toBe(issuer.certificate.pem)
  })

  it.each<[string, string, string[], RegExp[]]>([
    [
      'no keyUsage, as openssl req -x509 makes it',
      'basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash',
      [],
      [/no keyUsage/],
    ],
    [
      'keyUsage without cRLSign',
      GOOD.replace(',cRLSign', ''),
      [],
      [/lacks cRLSign.*there will be no CRL of it.*serve and its OCSP responder will.*-addext keyUsage/],
    ],
    [
      'basicConstraints that is not critical, as easy-rsa makes it',
      GOOD.replace('critical,CA', 'CA'),
      [],
      [/not critical/],
    ],
    ['no subjectKeyIdentifier', GOOD.replace('=hash', '=none'), [], [/no subjectKeyIdentifier/]],
    ['a negative serial number', GOOD, ['-set_serial', '-5'], [/negative/]],
  ])('says that it has %s', (_case, extensions, flags, expected) => {
    const { pem, keys } = make(extensions, undefined, flags)
    const { findings } = judge(pem, keys)
    expect(findings).toHaveLength(expected.length)
    for (const [index, pattern] of expected.entries()) expect(findings[index]).toMatch(pattern)
  })

  it.each<[string, string, RegExp]>([
    ['a certificate that is not a CA', 'basicConstraints=CA:FALSE', /^old\.crt may not issue certificates/],
    ['a CA without keyCertSign', 'basicConstraints=critical,CA:TRUE\nkeyUsage=digitalSignature', /may not issue/],
    ['a CA for servers only', `${GOOD}\nextendedKeyUsage=serverAuth`, /limited to key purposes/],
    ['an unknown critical extension', `${GOOD}\n1.2.3.4=critical,DER:0500`, /critical extension that nobody here/],
  ])('refuses %s', (_case, extensions, message) => {
    const { pem, keys } = make(extensions)
    expect(() => judge(pem, keys)).toThrow(message)
  })

  it('refuses a CA without a name, which could issue nothing (RFC 5280 §4.1.2.4)', () => {
    openssl(folder, 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'nameless.key')
    const usage = ['-addext', 'keyUsage=critical,keyCertSign', '-days', '9']
    openssl(folder, 'req', '-x509', '-new', '-key', 'nameless.key', '-subj', '/', ...usage, '-out', 'nameless.crt')
    expect(() => judge(folder.read('nameless.crt'), keysOf('nameless.key'))).toThrow(/^old\.crt has no name/)
  })

  it('refuses a certificate of version 1, and says how to make a better one', () => {
    openssl(folder, 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'v1.key')
    openssl(folder, 'req', '-new', '-key', 'v1.key', '-subj', '/CN=v1', '-out', 'v1.csr')
    openssl(folder, 'x509', '-req', '-in', 'v1.csr', '-signkey', 'v1.key', '-out', 'v1.crt')
    expect(() => judge(folder.read('v1.crt'), keysOf('v1.key'))).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', hint: expect.stringContaining('openssl req -x509') }),
    )
  })

  it('refuses what has expired and what is not valid yet (RFC 5280 §4.1.2.5)', () => {
    const { pem, keys } = make(GOOD, undefined, ['-days', '10'])
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000)
    expect(() => judge(pem, keys, inDays(11))).toThrow(/^old\.crt expired on/)
    expect(() => judge(pem, keys, inDays(-1))).toThrow(/^old\.crt is not valid before/)
  })

  it('refuses the key of another', async () => {
    expect(() => judge(make(GOOD).pem, { ...make(GOOD).keys })).toThrow(/does not belong to the CA's private key/)
    const other = await testKeys('rsa:2048')
    expect(() => judge(make(GOOD).pem, other)).toThrow(/does not belong to the CA's private key/)
  })

  it('refuses an intermediate CA', () => {
    const root = make(GOOD)
    folder.write('root.pem', root.pem)
    folder.write('root.key', folder.read('made.key'))
    openssl(folder, 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'sub.key')
    openssl(folder, 'req', '-new', '-key', 'sub.key', '-subj', '/CN=sub', '-out', 'sub.csr')
    folder.write('sub.ext', GOOD)
    const ca = ['-CA', 'root.pem', '-CAkey', 'root.key', '-set_serial', '2', '-extfile', 'sub.ext']
    openssl(folder, 'x509', '-req', '-in', 'sub.csr', ...ca, '-out', 'sub.crt')
    expect(() => judge(folder.read('sub.crt'), keysOf('sub.key'))).toThrow(/not a root: it was issued by CN=Old Root/)
  })
})

/** A small generator with a fixed seed (Park and Miller), so that a failure can be seen again. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

describe('damaged CA certificates', () => {
  it('have a key that cannot be read (RFC 5280 §4.1.2.7)', () => {
    const { der } = madeRoot()
    const at = Buffer.from(der).indexOf('03420004', 'hex')
    // An OCTET STRING where the BIT STRING of the key has to be.
    der[at] = 0x04
    expect(() => checkCaKey(der, 'old.crt')).toThrow(
      expect.objectContaining({
        code: 'BAD_INPUT',
        message: expect.stringMatching(/^old\.crt has a key that is damaged: /),
      }),
    )
  })

  it('are an XmppkiError each: the signature of the root covers every octet that counts', () => {
    const { pem, keys } = make(GOOD)
    const der = decodePem(pem, 'CERTIFICATE', 'old.crt')
    const random = generator(13)
    for (let round = 0; round < 400; round += 1) {
      const bytes = Buffer.from(der)
      const at = random(bytes.length)
      bytes[at] = (bytes[at] ?? 0) ^ (1 + random(255))
      expect(() => judgeImportedCa(bytes, keys, new Date(), 'x'), `${at}`).toThrow(XmppkiError)
    }
  })
})
