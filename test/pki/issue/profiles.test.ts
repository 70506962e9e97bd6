import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OID } from '../../../src/pki/der/oids.ts'
import {
  prepareClient,
  prepareIssuingCa,
  prepareOcspResponder,
  prepareServer,
  sign,
} from '../../../src/pki/issue/issue.ts'
import { loadIssuer } from '../../../src/pki/issue/issuer.ts'
import type { KeyType } from '../../../src/pki/keys/algorithms.ts'
import { decodePrivateKey } from '../../../src/pki/keys/keys.ts'
import { softwareKey } from '../../../src/pki/keys/signature.ts'
import { readCertificate } from '../../../src/pki/x509/certificate.ts'
import {
  account,
  type Folder,
  NOW,
  openssl,
  opensslCertificate,
  temporaryFolder,
  testClient,
  testIssuing,
  testKeys,
  testRoot,
  tryOpenssl,
} from '../support.ts'

const ATTIME = ['-attime', String(NOW.getTime() / 1000)]

let folder: Folder
beforeAll(() => {
  folder = temporaryFolder()
})
afterAll(() => folder.remove())

function verify(pems: { root: string; issuing: string; leaf: string }, ...flags: string[]) {
  for (const [name, pem] of Object.entries(pems)) folder.write(`${name}.pem`, pem)
  const trust = ['-CAfile', 'root.pem', '-untrusted', 'issuing.pem']
  return tryOpenssl(folder, ['verify', '-x509_strict', ...ATTIME, ...flags, ...trust, 'leaf.pem'])
}

function text(pem: string): string {
  return openssl(folder, 'x509', '-in', folder.write('text.pem', pem), '-noout', '-text')
}

describe('an issuing CA', () => {
  it.each<KeyType>(['ec:p256', 'ec:p384', 'ed25519', 'rsa:2048'])(
    'makes chains that openssl accepts strictly: %s',
    async (type) => {
      const keys = await testKeys(type)
      const root = await testRoot({ keys, permitDomains: ['example.org'] })
      const issuing = await testIssuing(root, { keys: type.startsWith('rsa') ? keys : await testKeys(type) })
      const client = await testClient(issuing, 'alice@example.org', { keys })
      const { publicKey } = keys
      const request = { publicKey, days: 90, now: NOW, issuer: issuing }
      const server = await sign(prepareServer({ ...request, domains: ['chat.example.org'] }), issuing.key)
      const responder = await sign(prepareOcspResponder({ ...request, commonName: 'Test OCSP' }), issuing.key)
      const cas = { root: root.certificate.pem, issuing: issuing.certificate.pem }
      const ok = { status: 0, stderr: '' }
      expect(verify({ ...cas, leaf: client.pem }, '-purpose', 'sslclient')).toMatchObject(ok)
      const host = ['-verify_hostname', 'chat.example.org']
      expect(verify({ ...cas, leaf: server.pem }, '-purpose', 'sslserver', ...host)).toMatchObject(ok)
      expect(verify({ ...cas, leaf: responder.pem }, '-purpose', 'ocsphelper')).toMatchObject(ok)
      expect(verify({ ...cas, leaf: responder.pem }, '-purpose', 'sslclient').status).not.toBe(0)
    },
  )

  it('carries the profile: CA, path length 0, keyCertSign and cRLSign, identifiers (RFC 5280 §4.2)', async () => {
    const root = await testRoot()
    const { publicKey } = await testKeys('ec:p256')
    const names = { commonName: 'Example Issuing CA', organization: 'Example, Inc.' }
    const caUrls = { crlUrl: 'http://pki.example.org/root.crl', issuerUrl: 'http://pki.example.org/root.crt' }
    const request = { ...names, publicKey, days: 365, now: NOW, issuer: root, caUrls }
    const { pem, issuerSerial, serial } = await sign(prepareIssuingCa(request), root.key)
    const printed = text(pem)
    expect(printed).toMatch(/Subject: O = "Example, Inc.", CN = Example Issuing CA\n/)
    expect(printed).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0\n/)
    expect(printed).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign\n/)
    expect(printed).toMatch(/Authority Key Identifier: *\n/)
    expect(printed).toContain('URI:http://pki.example.org/root.crl')
    expect(printed).toContain('CA Issuers - URI:http://pki.example.org/root.crt')
    expect(printed).not.toContain('Extended Key Usage')
    expect(issuerSerial).toBe(root.certificate.serial)
    expect(serial).not.toBe(issuerSerial)
  })

  it('is bound by the name constraints above it', async () => {
    const root = await testRoot({ permitDomains: ['example.org'] })
    const issuing = await testIssuing(root)
    expect(issuing.permittedDomains).toEqual(['example.org'])
    const { publicKey } = await testKeys('ec:p256')
    const request = { jid: account('alice@example.com'), publicKey, days: 1, now: NOW }
    expect(() => prepareClient({ ...request, issuer: issuing })).toThrow(
      'this CA may not issue certificates for example.com',
    )
    // Loaded without its root it does not know; openssl does, and refuses.
    const unbound = loadIssuer(issuing.certificate.pem, issuing.key, 'issuing.pem')
    const { pem } = await sign(prepareClient({ ...request, issuer: unbound }), issuing.key)
    const cas = { root: root.certificate.pem, issuing: issuing.certificate.pem }
    expect(verify({ ...cas, leaf: pem }).stderr).toContain('permitted subtree violation')
    // A username with a dot would be held against them as a host name.
    const dotted = await testClient(issuing, 'john.doe@example.org')
    expect(verify({ ...cas, leaf: dotted.pem })).toMatchObject({ status: 0 })
  })

  it('may have no CA below it (§4.2.1.9)', async () => {
    const issuing = await testIssuing(await testRoot())
    await expect(testIssuing(issuing)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: 'there may be no CA below this one (CN=Test Issuing CA)',
      spec: 'RFC 5280 §4.2.1.9',
    })
  })

  it('ends before its root does, and begins no earlier', async () => {
    const root = await testRoot({ days: 30 })
    await expect(testIssuing(root, { days: 31 })).rejects.toThrow('31 days from now is after the CA certificate ends')
    const { notBefore } = (await testIssuing(root, { days: 30 })).certificate
    expect(notBefore).toEqual(root.certificate.notBefore)
  })

  it.each([
    ['the name of its root', { commonName: 'Test Root', organization: 'Example, Inc.' }, /already called 'Test Root'/],
    ['a blank name', { commonName: ' ' }, /common name must have 1 to 64/],
    ['a long organization', { commonName: 'x', organization: 'y'.repeat(65) }, /organization must have 1 to 64/],
  ])('is refused %s', async (_, names, message) => {
    const [issuer, { publicKey }] = [await testRoot(), await testKeys('ec:p256')]
    const request = { ...names, publicKey, days: 1, now: NOW, issuer }
    expect(() => prepareIssuingCa(request)).toThrow(expect.objectContaining({ code: 'BAD_NAME' }))
    expect(() => prepareIssuingCa(request)).toThrow(message)
    expect(() => prepareOcspResponder(request)).toThrow(message)
  })
})

describe('an OCSP responder (RFC 6960 §4.2.2.2)', () => {
  it('has the one purpose, and need not be checked itself', async () => {
    const issuer = await testRoot()
    const { publicKey } = await testKeys('ec:p256')
    const base = 'http://pki.example.org'
    const caUrls = { crlUrl: `${base}/a.crl`, ocspUrl: `${base}/ocsp`, issuerUrl: `${base}/a.crt` }
    const request = { commonName: 'Example OCSP', publicKey, days: 30, now: NOW, issuer, caUrls }
    const { pem, der } = await sign(prepareOcspResponder(request), issuer.key)
    const printed = text(pem)
    expect(printed).toMatch(/Extended Key Usage: *\n\s+OCSP Signing\n/)
    expect(printed).toMatch(/Key Usage: critical\s+Digital Signature\n/)
    expect(printed).toMatch(/OCSP No Check: *\n/)
    expect(printed).toContain(`CA Issuers - URI:${base}/a.crt`)
    expect(printed).not.toMatch(/a\.crl|OCSP - URI/)
    expect(readCertificate(der)).toMatchObject({ isCa: false, extendedKeyUsage: [OID.ocspSigning] })
  })

  it('is not called like a host outside the name constraints, which openssl would not accept', async () => {
    const issuer = await testRoot({ permitDomains: ['example.org'] })
    const { publicKey } = await testKeys('ec:p256')
    const request = { publicKey, days: 30, now: NOW, issuer }
    expect(() => prepareOcspResponder({ ...request, commonName: 'ocsp.example.com' })).toThrow(/may not issue/)
    const { pem } = await sign(prepareOcspResponder({ ...request, commonName: 'ocsp.example.org' }), issuer.key)
    const root = issuer.certificate.pem
    expect(verify({ root, issuing: root, leaf: pem }, '-purpose', 'ocsphelper')).toMatchObject({ status: 0 })
  })
})

describe('what others made', () => {
  it('may have an issuing CA below it only as its path length allows', async () => {
    const { pem } = opensslCertificate(folder, {
      subject: 'CN=Shallow Root',
      extensions: 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign\nsubjectKeyIdentifier=hash',
    })
    const key = softwareKey(decodePrivateKey(folder.read('made.key'), { source: 'made.key' }).privateKey)
    const shallow = loadIssuer(pem, key, 'made.pem')
    await expect(testIssuing(shallow, { days: 1, now: new Date() })).rejects.toThrow(
      'there may be no CA below this one',
    )
  })
})
