import { createPublicKey, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prepareClient, sign } from '../../src/pki/issue.ts'
import { keyIdentifierOf, loadIssuer } from '../../src/pki/issuer.ts'
import { decodePrivateKey } from '../../src/pki/keys.ts'
import {
  account,
  type Folder,
  openssl,
  opensslCertificate,
  temporaryFolder,
  testClient,
  testKeys,
  testRoot,
  tryOpenssl,
} from './support.ts'

let folder: Folder
beforeAll(() => {
  folder = temporaryFolder()
})
afterAll(() => folder.remove())

describe('loadIssuer', () => {
  it('reads permitted domains', async () => {
    const { permittedDomains } = await testRoot({ permitDomains: ['Example.org', 'bücher.example'] })
    expect(permittedDomains).toEqual(['example.org', 'xn--bcher-kva.example'])
    expect((await testRoot()).permittedDomains).toBeUndefined()
  })

  it('uses the subject key identifier that the certificate shows, or computes it (RFC 5280 §4.2.1.2)', async () => {
    const root = await testRoot()
    expect(Buffer.from(root.keyIdentifier)).toEqual(Buffer.from(keyIdentifierOf(createPublicKey(root.key))))
    const seen = openssl(
      folder,
      'x509',
      '-in',
      folder.write('root.pem', root.certificate.pem),
      '-noout',
      '-ext',
      'subjectKeyIdentifier',
    )
    expect(seen.replaceAll(':', '').toLowerCase()).toContain(Buffer.from(root.keyIdentifier).toString('hex'))
  })

  it('refuses the key of another', async () => {
    const root = await testRoot()
    const { privateKey } = await testKeys('ec:p256')
    expect(() => loadIssuer(root.certificate.pem, privateKey, 'ca.crt')).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: "ca.crt does not belong to the CA's private key" }),
    )
  })

  it('refuses a certificate that is not a CA’s', async () => {
    const client = await testClient(await testRoot(), 'alice@example.org')
    expect(() => loadIssuer(client.pem, client.keys.privateKey, 'ca.crt')).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: 'ca.crt may not issue certificates (CN=alice)' }),
    )
  })

  it('refuses what is no certificate', async () => {
    const { privateKey } = await testKeys('ec:p256')
    expect(() => loadIssuer('hello', privateKey, 'ca.crt')).toThrow('ca.crt holds no CERTIFICATE in PEM form')
  })
})

describe('a CA made by openssl', () => {
  const CA = 'basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash'
  it.each([
    ['a PrintableString name', { subject: 'O=Example Org\nCN=Old Root', extensions: CA, mask: 'default' }],
    ['a TeletexString name', { subject: 'O=Bücher\nCN=Old Root', extensions: CA, mask: 'default' }],
    ['a BMPString name', { subject: 'O=Bücher\nCN=Old Root', extensions: CA, mask: 'MASK:0x0800' }],
    ['a UniversalString name', { subject: 'O=Bücher\nCN=Old Root', extensions: CA, mask: 'MASK:0x0100' }],
    [
      'a country, a mail address and a domain component',
      { subject: 'C=DE\nO=x\nCN=y\nemailAddress=ca@example.org\nDC=example', extensions: CA, mask: 'utf8only' },
    ],
    [
      'no identifiers',
      { subject: 'CN=Bare Root', extensions: 'basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=none' },
    ],
    [
      'a multi-valued name',
      { subject: 'OU=b\n+OU=a\nCN=x', extensions: 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign' },
    ],
  ])('issues certificates that chain to it: %s', async (_, config) => {
    const made = opensslCertificate(folder, { ...config, flags: ['-days', '4000'] })
    const { privateKey } = decodePrivateKey(folder.read('made.key'), { source: 'made.key' })
    const issuer = loadIssuer(made.pem, privateKey, 'made.pem')
    const now = new Date()
    const { publicKey } = await testKeys('ec:p256')
    const prepared = prepareClient({ jid: account('alice@example.org'), publicKey, days: 5, now, issuer })
    const leaf = new X509Certificate((await sign(prepared, privateKey)).der)
    expect(leaf.checkIssued(new X509Certificate(made.pem))).toBe(true)
    folder.write('leaf.pem', leaf.toString())
    expect(tryOpenssl(folder, ['verify', '-CAfile', 'made.pem', 'leaf.pem'])).toMatchObject({ status: 0 })
    expect(new Date(leaf.validFrom).getTime()).toBeGreaterThanOrEqual(issuer.certificate.notBefore.getTime())
  })
})
