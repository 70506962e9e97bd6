import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prepareClient, sign } from '../../../src/pki/issue/issue.ts'
import { keyIdentifierOf, loadIssuer } from '../../../src/pki/issue/issuer.ts'
import { decodePrivateKey } from '../../../src/pki/keys/keys.ts'
import { softwareKey } from '../../../src/pki/keys/signature.ts'
import {
  account,
  type Folder,
  openssl,
  opensslCertificate,
  temporaryFolder,
  testClient,
  testIssuing,
  testKeys,
  testRoot,
  tryOpenssl,
} from '../support.ts'

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
    expect(Buffer.from(root.keyIdentifier)).toEqual(Buffer.from(keyIdentifierOf(root.key.publicKey)))
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
    expect(() => loadIssuer(root.certificate.pem, softwareKey(privateKey), 'ca.crt')).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: "ca.crt does not belong to the CA's private key" }),
    )
  })

  it('refuses a certificate that is not a CA’s', async () => {
    const client = await testClient(await testRoot(), 'alice@example.org')
    expect(() => loadIssuer(client.pem, softwareKey(client.keys.privateKey), 'ca.crt')).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: 'ca.crt may not issue certificates (CN=alice)' }),
    )
  })

  it('refuses what is not a certificate', async () => {
    const { privateKey } = await testKeys('ec:p256')
    expect(() => loadIssuer('hello', softwareKey(privateKey), 'ca.crt')).toThrow(
      'ca.crt holds no CERTIFICATE in PEM form',
    )
  })
})

/** A path of CAs by openssl, the root first: keyCertSign and these basicConstraints and name constraints. */
function opensslPath(...limits: readonly { length?: number; permitted?: readonly string[] }[]): string[] {
  return limits.map(({ length, permitted = [] }, at) => {
    const constraints = permitted.map((domain) => `permitted;DNS:${domain}`).join(',')
    const lines = [`basicConstraints=critical,CA:TRUE${length === undefined ? '' : `,pathlen:${length}`}`]
    lines.push('keyUsage=keyCertSign', 'subjectKeyIdentifier=hash')
    if (constraints !== '') lines.push(`nameConstraints=critical,${constraints}`)
    folder.write('path.ext', `${lines.join('\n')}\n`)
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `path${at}.key`]
    openssl(folder, 'req', '-new', ...key, '-subj', `/CN=Level ${at}`, '-out', 'path.csr')
    const signer =
      at === 0
        ? ['-signkey', 'path0.key']
        : ['-CA', `path${at - 1}.pem`, '-CAkey', `path${at - 1}.key`, '-set_serial', '7']
    const out = ['-extfile', 'path.ext', '-out', `path${at}.pem`]
    openssl(folder, 'x509', '-req', '-in', 'path.csr', '-days', '30', ...signer, ...out)
    return folder.read(`path${at}.pem`)
  })
}

/** The last CA of such a path, as an issuer. */
function loadLast(pems: readonly string[]) {
  const last = pems.length - 1
  const { privateKey } = decodePrivateKey(folder.read(`path${last}.key`), { source: 'path.key' })
  const [own = '', ...above] = pems.toReversed()
  return loadIssuer(own, softwareKey(privateKey), 'issuing.crt', above)
}

describe('loadIssuer with the CAs above', () => {
  it.each([
    ['inherits constraints', [{ permitted: ['a.example'] }, {}], ['a.example']],
    ['has its own', [{}, { permitted: ['a.example'] }], ['a.example']],
    [
      'is held to both (RFC 5280 §6.1.4 g)',
      [{ permitted: ['a.example', 'b.example'] }, { permitted: ['x.a.example', 'c.example'] }],
      ['x.a.example'],
    ],
    ['cannot widen them', [{ permitted: ['x.a.example'] }, { permitted: ['a.example'] }], ['x.a.example']],
    ['inherits them over two levels', [{ permitted: ['a.example'] }, {}, {}], ['a.example']],
    ['may be left with nothing', [{ permitted: ['a.example'] }, { permitted: ['b.example'] }], []],
    [
      'is left with hosts below a domain',
      [{ permitted: ['a.example'] }, { permitted: ['.a.example'] }],
      ['.a.example'],
    ],
    ['has none', [{}, {}], undefined],
    ['may do nothing where they cannot be read', [{ permitted: ['*.a.example'] }], []],
  ])('%s', (_, limits, permitted) => {
    expect(loadLast(opensslPath(...limits)).permittedDomains).toEqual(permitted)
  })

  it.each([
    ['no limit', [{}, {}], undefined],
    ['its own', [{}, { length: 2 }], 2],
    ['that of the root, less one', [{ length: 3 }, {}], 2],
    ['the lesser of both', [{ length: 1 }, { length: 5 }], 0],
    ['the root’s own', [{ length: 1 }], 1],
  ])('knows how many CAs may follow: %s (§6.1.4 l, m)', (_, limits, pathLength) => {
    expect(loadLast(opensslPath(...limits)).pathLength).toBe(pathLength)
  })

  it('refuses a CA that the path length above does not allow', () => {
    expect(() => loadLast(opensslPath({ length: 0 }, {}))).toThrow(
      expect.objectContaining({
        code: 'BAD_INPUT',
        message: 'issuing.crt lies deeper than the path length above it allows (CN=Level 1)',
      }),
    )
  })

  it('refuses parents that did not issue what is below', async () => {
    const root = await testRoot()
    const issuing = await testIssuing(root)
    const [twin, client] = [await testRoot(), await testClient(root, 'alice@example.org')]
    const load = (...parents: string[]) => loadIssuer(issuing.certificate.pem, issuing.key, 'issuing.crt', parents)
    const refusal = { code: 'BAD_INPUT', message: expect.stringContaining('issuing.crt does not lead to the CA above') }
    // The same name, another key; no CA at all; and the right one in the wrong place.
    for (const parents of [[twin.certificate.pem], [client.pem], [issuing.certificate.pem, root.certificate.pem]]) {
      expect(() => load(...parents)).toThrow(expect.objectContaining(refusal))
    }
    expect(() => load('hello')).toThrow('the chain above issuing.crt holds no CERTIFICATE in PEM form')
    expect(load(root.certificate.pem).certificate.serial).toBe(issuing.certificate.serial)
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
    const key = softwareKey(decodePrivateKey(folder.read('made.key'), { source: 'made.key' }).privateKey)
    const issuer = loadIssuer(made.pem, key, 'made.pem')
    const now = new Date()
    const { publicKey } = await testKeys('ec:p256')
    const prepared = prepareClient({ jid: account('alice@example.org'), publicKey, days: 5, now, issuer })
    const leaf = new X509Certificate((await sign(prepared, key)).der)
    expect(leaf.checkIssued(new X509Certificate(made.pem))).toBe(true)
    folder.write('leaf.pem', leaf.toString())
    expect(tryOpenssl(folder, ['verify', '-CAfile', 'made.pem', 'leaf.pem'])).toMatchObject({ status: 0 })
    expect(new Date(leaf.validFrom).getTime()).toBeGreaterThanOrEqual(issuer.certificate.notBefore.getTime())
  })
})
