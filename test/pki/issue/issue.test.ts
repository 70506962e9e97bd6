import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { prepareClient, prepareRoot, prepareServer, sign } from '../../../src/pki/issue/issue.ts'
import type { Issuer } from '../../../src/pki/issue/issuer.ts'
import { KEY_TYPES } from '../../../src/pki/keys/algorithms.ts'
import type { KeyPair } from '../../../src/pki/keys/keys.ts'
import { softwareKey } from '../../../src/pki/keys/signature.ts'
import { readCertificate } from '../../../src/pki/x509/certificate.ts'
import {
  account,
  type Folder,
  NOW,
  openssl,
  temporaryFolder,
  testClient,
  testKeys,
  testRoot,
  tryOpenssl,
} from '../support.ts'

const DAY = 86_400_000
const ATTIME = ['-attime', String(NOW.getTime() / 1000)]

let folder: Folder
beforeAll(() => {
  folder = temporaryFolder()
})
afterAll(() => folder.remove())

function verify(root: Issuer, leafPem: string, ...flags: string[]) {
  folder.write('root.pem', root.certificate.pem)
  folder.write('leaf.pem', leafPem)
  return tryOpenssl(folder, ['verify', '-x509_strict', ...ATTIME, ...flags, '-CAfile', 'root.pem', 'leaf.pem'])
}

function text(pem: string): string {
  folder.write('text.pem', pem)
  return openssl(folder, 'x509', '-in', 'text.pem', '-noout', '-text')
}

function caught(action: () => unknown): XmppkiError {
  try {
    action()
  } catch (error) {
    if (error instanceof XmppkiError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

function serverOf(issuer: Issuer, keys: KeyPair, ...domains: string[]) {
  return sign(
    prepareServer({
      domains,
      publicKey: keys.publicKey,
      days: 90,
      now: NOW,
      issuer,
    }),
    issuer.key,
  )
}

describe.each(KEY_TYPES)('certificates with keys of type %s', (type) => {
  let keys: KeyPair
  let root: Issuer
  beforeAll(async () => {
    keys = await testKeys(type)
    root = await testRoot({ keys })
  })

  it('has a root that openssl accepts strictly (RFC 5280 §4.2.1.9)', () => {
    expect(verify(root, root.certificate.pem)).toMatchObject({
      status: 0,
      stdout: 'leaf.pem: OK\n',
    })
    const printed = text(root.certificate.pem)
    expect(printed).toContain('Version: 3 (0x2)')
    expect(printed).toContain('CA:TRUE, pathlen:1')
    expect(printed).toContain('Certificate Sign, CRL Sign')
    expect(root.certificate.serial).toMatch(/^[0-7][0-9a-f]{31}$/)
  })

  it('has clients that openssl accepts for the purpose', async () => {
    const client = await testClient(root, 'alice@example.org', { keys })
    expect(verify(root, client.pem, '-purpose', 'sslclient')).toMatchObject({
      status: 0,
    })
    expect(verify(root, client.pem, '-purpose', 'sslserver')).not.toMatchObject({ status: 0 })
  })

  it('has servers that openssl accepts for the purpose and the host name', async () => {
    const server = await serverOf(root, keys, 'chat.example.org')
    expect(verify(root, server.pem, '-purpose', 'sslserver', '-verify_hostname', 'chat.example.org')).toMatchObject({
      status: 0,
    })
    expect(verify(root, server.pem, '-purpose', 'sslclient')).not.toMatchObject({ status: 0 })
  })
})

describe('the signature algorithm follows the key', () => {
  it.each([
    ['ec:p256', 'ecdsa-with-SHA256'],
    ['ec:p384', 'ecdsa-with-SHA384'],
    ['ed25519', 'ED25519'],
    ['rsa:2048', 'sha256WithRSAEncryption'],
  ] as const)('%s: %s', async (type, expected) => {
    const root = await testRoot({ keys: await testKeys(type) })
    expect(text(root.certificate.pem)).toContain(`Signature Algorithm: ${expected}`)
  })
})

describe('a client certificate', () => {
  let root: Issuer
  beforeAll(async () => {
    root = await testRoot()
  })

  it('carries the profile: v3, CN, xmppAddr, rfc822Name, clientAuth, identifiers', async () => {
    const printed = text((await testClient(root, 'alice@example.org')).pem)
    expect(printed).toContain('Version: 3 (0x2)')
    expect(printed).toMatch(/Subject: CN = alice\n/)
    expect(printed).toContain('XmppAddr::alice@example.org')
    expect(printed).toContain('email:alice@example.org')
    expect(printed).toContain('TLS Web Client Authentication')
    expect(printed).toMatch(/X509v3 Key Usage: critical\s+Digital Signature\n/)
    expect(printed).toMatch(/Basic Constraints: critical\s+CA:FALSE/)
    expect(printed).toContain('Subject Key Identifier')
    expect(printed).toContain('Authority Key Identifier')
    expect(printed).not.toContain('CRL Distribution Points')
  })

  it.each([
    ['64 characters', `${'a'.repeat(64)}@example.org`, ['a'.repeat(64)]],
    ['64 characters outside ASCII', `${'ü'.repeat(64)}@example.org`, ['ü'.repeat(64)]],
    ['65 characters', `${'a'.repeat(65)}@example.org`, []],
  ])('keeps to ub-common-name: localpart of %s', async (_, bare, commonNames) => {
    const client = await testClient(root, bare)
    expect(readCertificate(client.der)).toMatchObject({
      commonNames,
      xmppAddrs: [bare],
      malformed: [],
    })
    expect(verify(root, client.pem)).toMatchObject({ status: 0 })
    // RFC 5280 §4.2.1.6: with an empty subject the names must be critical.
    expect(text(client.pem).includes('Subject Alternative Name: critical')).toBe(commonNames.length === 0)
  })

  it.each([
    ['a plain one', 'alice@example.org', ['alice@example.org']],
    ['one with dots', 'a.b@example.org', ['a.b@example.org']],
    ['one outside ASCII', 'jörg@example.org', []],
    ['a domain outside ASCII', 'alice@bücher.example', []],
    ['characters that a Mailbox would have to quote', 'a(b)@example.org', []],
    ['an escaped localpart (XEP-0106)', 'a\\40b@example.org', []],
    ['a dot at the end', 'alice.@example.org', []],
  ])('has rfc822Name only for a Mailbox (RFC 5280 §4.2.1.6): %s', async (_, bare, emails) => {
    const facts = readCertificate((await testClient(root, bare)).der)
    expect(facts).toMatchObject({
      emails,
      xmppAddrs: [bare],
      commonNames: [bare.slice(0, bare.indexOf('@'))],
    })
  })

  it.each(['a,O=admin', 'CN=eve,CN=admin', '#04024869', 'a\\c;#', 'a+CN=b'])(
    'takes a hostile localpart as one value: %s',
    async (local) => {
      const client = await testClient(root, `${local}@example.org`)
      expect(readCertificate(client.der).commonNames).toEqual([local])
      expect(verify(root, client.pem)).toMatchObject({ status: 0 })
    },
  )

  it.each([
    ['an empty localpart', account('@example.org')],
    ['NUL', account('a\0b@example.org')],
    ['a space', account('a b@example.org')],
    ['a slash', account('a/b@example.org')],
    ['a second @', { local: 'a@b', domain: 'example.org', bare: 'a@b@example.org' }],
    ['a lone surrogate', account('a\ud800@example.org')],
    ['a bare JID that says something else', { local: 'a', domain: 'example.org', bare: 'admin@example.org' }],
    ['a domain that says something else', { local: 'a', domain: 'example.org', bare: 'a@example.com' }],
  ])('refuses %s', async (_, jid) => {
    const { publicKey } = await testKeys('ec:p256')
    expect(caught(() => prepareClient({ jid, publicKey, days: 1, now: NOW, issuer: root }))).toMatchObject({
      code: 'BAD_NAME',
    })
  })

  it('refuses IP addresses as domains', async () => {
    const { publicKey } = await testKeys('ec:p256')
    const request = { publicKey, days: 1, now: NOW, issuer: root }
    expect(caught(() => prepareClient({ ...request, jid: account('alice@192.0.2.1') }))).toMatchObject({
      code: 'BAD_NAME',
    })
  })

  it('refuses key types that are not supported', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp521r1' })
    const request = { jid: account('a@b'), publicKey, days: 1, now: NOW, issuer: root }
    expect(caught(() => prepareClient(request))).toMatchObject({
      code: 'BAD_INPUT',
    })
  })
})

describe('a server certificate (RFC 6120 §13.7.1.2)', () => {
  it('names each domain as dNSName, SRVNames and xmppAddr, in the right spelling', async () => {
    const root = await testRoot()
    const server = await serverOf(
      root,
      await testKeys('ec:p256'),
      'bücher.example',
      'Chat.Example.ORG',
      'xn--bcher-kva.example',
    )
    expect(readCertificate(server.der)).toMatchObject({
      commonNames: ['xn--bcher-kva.example'],
      dnsNames: ['xn--bcher-kva.example', 'chat.example.org'],
      srvNames: [
        '_xmpp-client.xn--bcher-kva.example',
        '_xmpps-client.xn--bcher-kva.example',
        '_xmpp-client.chat.example.org',
        '_xmpps-client.chat.example.org',
      ],
      xmppAddrs: ['bücher.example', 'chat.example.org'],
      malformed: [],
    })
    expect(text(server.pem)).toContain('SRVName::_xmpp-client.chat.example.org')
  })

  it('is possible for localhost', async () => {
    const root = await testRoot()
    const server = await serverOf(root, await testKeys('ec:p256'), 'localhost')
    expect(verify(root, server.pem, '-verify_hostname', 'localhost')).toMatchObject({ status: 0 })
  })

  it('allows key encipherment for RSA only (RFC 5280 §4.2.1.3)', async () => {
    const root = await testRoot()
    expect(readCertificate((await serverOf(root, await testKeys('rsa:2048'), 'a.example')).der).keyUsage).toEqual([
      'digitalSignature',
      'keyEncipherment',
    ])
    expect(readCertificate((await serverOf(root, await testKeys('ec:p256'), 'a.example')).der).keyUsage).toEqual([
      'digitalSignature',
    ])
  })

  it.each([
    '192.0.2.1',
    '[::1]',
    '::1',
    '1.2',
    '0x7f.1',
    '１.２',
    '*.example.org',
    'a b',
    '',
    'a..b',
    'example.org/x',
    '-a.example',
  ])('refuses %j', async (domain) => {
    const root = await testRoot()
    const { publicKey } = await testKeys('ec:p256')
    const request = {
      domains: [domain],
      publicKey,
      days: 1,
      now: NOW,
      issuer: root,
    }
    expect(caught(() => prepareServer(request))).toMatchObject({
      code: 'BAD_NAME',
    })
  })

  it('needs a domain', async () => {
    const root = await testRoot()
    const { publicKey } = await testKeys('ec:p256')
    expect(
      caught(() =>
        prepareServer({
          domains: [],
          publicKey,
          days: 1,
          now: NOW,
          issuer: root,
        }),
      ).code,
    ).toBe('BAD_NAME')
  })
})

describe('a root with permitted domains (RFC 5280 §4.2.1.10)', () => {
  let keys: KeyPair
  let root: Issuer
  beforeAll(async () => {
    keys = await testKeys('ec:p256')
    root = await testRoot({ keys, permitDomains: ['example.org', 'bücher.example'] })
  })

  it.each([
    'alice@example.org',
    'alice@conference.example.org',
    'alice.smith@example.org',
    'jörg@bücher.example',
    `${'x'.repeat(65)}@example.org`,
  ])('issues clients that verify: %s', async (bare) => {
    const client = await testClient(root, bare)
    expect(verify(root, client.pem, '-purpose', 'sslclient')).toMatchObject({
      status: 0,
    })
    expect(readCertificate(client.der).xmppAddrs).toEqual([bare])
  })

  it('writes the whole JID as CN where OpenSSL would take the username for a host name', async () => {
    expect(readCertificate((await testClient(root, 'alice.smith@example.org')).der).commonNames).toEqual([
      'alice.smith@example.org',
    ])
    expect(readCertificate((await testClient(root, 'alice@example.org')).der).commonNames).toEqual(['alice'])
  })

  it('issues servers that verify', async () => {
    const server = await serverOf(root, await testKeys('ec:p256'), 'chat.example.org', 'bücher.example')
    expect(verify(root, server.pem, '-purpose', 'sslserver')).toMatchObject({
      status: 0,
    })
  })

  it('refuses other domains', async () => {
    const { publicKey } = await testKeys('ec:p256')
    const request = { publicKey, days: 1, now: NOW, issuer: root }
    const refusal = {
      code: 'BAD_NAME',
      hint: 'it is limited to example.org, xn--bcher-kva.example',
    }
    expect(caught(() => prepareClient({ ...request, jid: account('a@badexample.org') }))).toMatchObject(refusal)
    expect(caught(() => prepareServer({ ...request, domains: ['example.org', 'example.com'] }))).toMatchObject(refusal)
  })

  it('is enforced by openssl too, should a leaked key sign anything else', async () => {
    const free = await testRoot({ keys })
    const client = await testClient(free, 'alice@example.com')
    expect(verify(root, client.pem).stderr).toContain('permitted subtree violation')
  })
})

describe('validity', () => {
  it('starts five minutes ago and ends to the second', async () => {
    const root = await testRoot({ now: new Date(NOW.getTime() + 999) })
    expect(root.certificate.notBefore).toEqual(new Date(NOW.getTime() - 300_000))
    expect(root.certificate.notAfter).toEqual(new Date(NOW.getTime() + 3650 * DAY))
  })

  it.each([
    ['last second of UTCTime', new Date('2049-12-30T23:59:59Z'), '491231235959Z', 23],
    ['first second of GeneralizedTime', new Date('2049-12-31T00:00:00Z'), '20500101000000Z', 24],
  ])('switches the encoding in 2050 (RFC 5280 §4.1.2.5): %s', async (_, now, written, tag) => {
    const root = await testRoot({ now, days: 1 })
    const at = Buffer.from(root.certificate.der).indexOf(written)
    expect(root.certificate.der[at - 2]).toBe(tag)
    expect(root.certificate.notAfter).toEqual(new Date(now.getTime() + DAY))
  })

  it.each([0, -1, 1.5, Number.NaN, 36_501])('refuses %d days', async (days) => {
    const keys = await testKeys('ec:p256')
    const request = {
      commonName: 'x',
      keys,
      days,
      permitDomains: [],
      now: NOW,
    }
    expect(caught(() => prepareRoot(request))).toMatchObject({
      code: 'BAD_INPUT',
    })
  })

  it('never outlives the issuer and says how long is possible', async () => {
    const issuer = await testRoot({ days: 30 })
    const { publicKey } = await testKeys('ec:p256')
    const request = { jid: account('a@example.org'), publicKey, issuer }
    expect(() => prepareClient({ ...request, days: 30, now: NOW })).not.toThrow()
    const later = new Date(NOW.getTime() + 1.5 * DAY)
    expect(caught(() => prepareClient({ ...request, days: 30, now: later }))).toMatchObject({
      code: 'BAD_INPUT',
      hint: 'use --days 28 or less',
    })
    const end = new Date(NOW.getTime() + 29.5 * DAY)
    expect(caught(() => prepareClient({ ...request, days: 1, now: end })).hint).toContain('less than a day left')
  })

  it('never begins before the issuer', async () => {
    const issuer = await testRoot()
    const client = await testClient(issuer, 'a@example.org', {
      now: issuer.certificate.notBefore,
    })
    expect(client.notBefore).toEqual(issuer.certificate.notBefore)
    const { publicKey } = await testKeys('ec:p256')
    const before = new Date(NOW.getTime() - DAY)
    const request = {
      jid: account('a@example.org'),
      publicKey,
      issuer,
      days: 1,
      now: before,
    }
    expect(caught(() => prepareClient(request))).toMatchObject({
      code: 'BAD_INPUT',
      hint: 'check the clock of this machine',
    })
  })
})

describe('prepareRoot', () => {
  it.each([
    ['blank', ' '],
    ['65 characters', 'x'.repeat(65)],
    ['a control character', 'a\u0000b'],
    ['a lone surrogate', 'a\ud800'],
  ])('refuses a common name that is %s', async (_, commonName) => {
    const keys = await testKeys('ec:p256')
    expect(caught(() => prepareRoot({ commonName, keys, days: 1, permitDomains: [], now: NOW })).code).toBe('BAD_NAME')
  })
})

describe('sign', () => {
  it('gives what it signed, in one piece', async () => {
    const root = await testRoot()
    const client = await testClient(root, 'alice@example.org')
    const seen = new X509Certificate(client.pem)
    expect(seen.serialNumber.toLowerCase()).toBe(client.serial)
    expect(seen.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(client.fingerprint)
    expect(Buffer.from(client.der).equals(seen.raw)).toBe(true)
    expect(new Date(seen.validTo)).toEqual(client.notAfter)
  })

  it('refuses a key that is not the issuer’s', async () => {
    const root = await testRoot()
    const { publicKey, privateKey } = await testKeys('ec:p256')
    const prepared = prepareClient({
      jid: account('a@b'),
      publicKey,
      days: 1,
      now: NOW,
      issuer: root,
    })
    await expect(sign(prepared, softwareKey(privateKey))).rejects.toMatchObject({
      code: 'BAD_INPUT',
    })
  })

  it('never repeats a serial number', async () => {
    const root = await testRoot()
    const keys = await testKeys('ec:p256')
    const serials = await Promise.all(
      Array.from({ length: 20 }, async () => (await testClient(root, 'a@b', { keys })).serial),
    )
    expect(new Set(serials).size).toBe(20)
  })
})
