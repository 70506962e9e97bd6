import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contextTag, TAG } from '../../../src/pki/der/der.ts'
import * as der from '../../../src/pki/der/der-writer.ts'
import { OID } from '../../../src/pki/der/oids.ts'
import { decodePem } from '../../../src/pki/der/pem.ts'
import { prepareOcspResponder, prepareServer, sign } from '../../../src/pki/issue/issue.ts'
import { lintCertificate, RULES } from '../../../src/pki/lint/lint.ts'
import type { CertificateKind } from '../../../src/pki/lint/rule.ts'
import { type RawCertificate, type RawExtension, readRawCertificate } from '../../../src/pki/x509/certificate-der.ts'
import {
  type Folder,
  NOW,
  openssl,
  opensslCertificate,
  readOctets,
  temporaryFolder,
  testClient,
  testKeys,
  testRoot,
} from '../support.ts'

/** Fields of a certificate in DER; signatures do not matter here. */
interface Parts {
  version: number
  serial: Uint8Array
  algorithm: Uint8Array
  outerAlgorithm: Uint8Array
  issuer: Uint8Array
  notBefore: Date
  notAfter: Date
  subject: Uint8Array
  publicKeyInfo: Uint8Array
  extensions: readonly RawExtension[]
}

const SHA256_ECDSA = der.sequence(der.oid(OID.ecdsaWithSha256))

function partsOf(raw: RawCertificate): Parts {
  return {
    ...raw,
    serial: raw.serial.raw,
    algorithm: SHA256_ECDSA,
    outerAlgorithm: SHA256_ECDSA,
    issuer: raw.issuer.raw,
    subject: raw.subject.raw,
    publicKeyInfo: raw.publicKeyInfo.raw,
  }
}

function build(parts: Parts): Uint8Array {
  const extensions = parts.extensions.map(({ oid, critical, value }) =>
    der.sequence(der.oid(oid), ...(critical ? [der.booleanTrue()] : []), der.octetString(value)),
  )
  const tbs = der.sequence(
    ...(parts.version === 1 ? [] : [der.context(0, der.integer(parts.version - 1))]),
    parts.serial,
    parts.algorithm,
    parts.issuer,
    der.sequence(der.time(parts.notBefore), der.time(parts.notAfter)),
    parts.subject,
    parts.publicKeyInfo,
    ...(extensions.length === 0 ? [] : [der.element(contextTag(3, 'constructed'), der.sequence(...extensions))]),
  )
  return der.sequence(tbs, parts.outerAlgorithm, der.element(TAG.bitString, Uint8Array.of(0, 1)))
}

let folder: Folder
const bases = new Map<CertificateKind, Uint8Array>()
beforeAll(async () => {
  folder = temporaryFolder()
  const root = await testRoot()
  const { publicKey } = await testKeys('ec:p256')
  const prepared = prepareServer({ domains: ['example.org'], publicKey, days: 397, now: NOW, issuer: root })
  const responder = prepareOcspResponder({ commonName: 'Test OCSP', publicKey, days: 30, now: NOW, issuer: root })
  bases.set('ocsp', (await sign(responder, root.key)).der)
  bases.set('ca', root.certificate.der)
  bases.set('client', (await testClient(root, 'alice@example.org')).der)
  bases.set('server', (await sign(prepared, root.key)).der)
})
afterAll(() => folder.remove())

function partsFor(kind: CertificateKind): Parts {
  const base = bases.get(kind)
  if (base === undefined) throw new Error('not reached')
  return partsOf(readRawCertificate(base))
}

/** The rules that a certificate breaks. */
function broken(certificate: Uint8Array, kind?: CertificateKind): string[] {
  return lintCertificate(certificate, { source: 'FILE', kind }).findings.map(({ rule }) => rule)
}

type Change = (parts: Parts) => Partial<Parts>

const without =
  (...oids: string[]): Change =>
  ({ extensions }) => ({ extensions: extensions.filter(({ oid }) => !oids.includes(oid)) })

const put =
  (oid: string, value: Uint8Array, critical = false): Change =>
  (parts) => ({ extensions: [...(without(oid)(parts).extensions ?? []), { oid, critical, value }] })

const names = (...general: Uint8Array[]) => put(OID.subjectAltName, der.sequence(...general))
const xmppAddr = (text: string) => der.context(0, der.oid(OID.xmppAddr), der.context(0, der.utf8String(text)))
const srv = (text: string) => der.context(0, der.oid(OID.dnsSrv), der.context(0, der.ia5String(text)))
const dns = (text: string) => der.contextPrimitive(2, Buffer.from(text))
const mail = (text: string) => der.contextPrimitive(1, Buffer.from(text))
const serial =
  (...octets: number[]): Change =>
  () => ({ serial: der.element(TAG.integer, Uint8Array.from(octets)) })
const commonNames =
  (...values: string[]): Change =>
  () => ({
    subject: der.sequence(
      ...values.map((value) => der.setOf(der.sequence(der.oid(OID.commonName), der.utf8String(value)))),
    ),
  })
const key =
  (publicKey: KeyObject): Change =>
  () => ({
    publicKeyInfo: publicKey.export({ type: 'spki', format: 'der' }),
  })
function explicitKey(): Uint8Array {
  const options = ['-pkeyopt', 'ec_paramgen_curve:P-256', '-pkeyopt', 'ec_param_enc:explicit']
  openssl(folder, 'genpkey', '-algorithm', 'EC', ...options, '-out', 'explicit.key')
  openssl(folder, 'pkey', '-in', 'explicit.key', '-pubout', '-outform', 'DER', '-out', 'explicit.der')
  return readOctets(folder, 'explicit.der')
}
const algorithm =
  (oid: string): Change =>
  () => {
    const identifier = der.sequence(der.oid(oid))
    return { algorithm: identifier, outerAlgorithm: identifier }
  }
const constraints = (...parts: Uint8Array[]) => put(OID.basicConstraints, der.sequence(...parts), true)
const usage = (...bits: number[]) => put(OID.keyUsage, der.namedBits(bits), true)
const EMPTY_SUBJECT: Change = () => ({ subject: der.sequence() })

/** One defect for every rule: what is changed in a sound certificate, and all that is then found. */
const DEFECTS: readonly [rule: string, kind: CertificateKind, change: Change, also?: readonly string[]][] = [
  ['version-3', 'client', () => ({ version: 1 })],
  ['signature-algorithms-agree', 'client', () => ({ outerAlgorithm: der.sequence(der.oid(OID.ecdsaWithSha384)) })],
  ['serial-positive', 'client', serial(0x80, 1, 2, 3, 4, 5, 6, 7)],
  ['serial-positive', 'client', serial(0), ['serial-unpredictable']],
  ['serial-length', 'client', serial(...Array.from({ length: 21 }, () => 0x55))],
  ['issuer-present', 'client', () => ({ issuer: der.sequence() })],
  ['validity-order', 'client', ({ notBefore }) => ({ notAfter: new Date(notBefore.getTime() - 1000) })],
  ['ca-subject-present', 'ca', EMPTY_SUBJECT, ['authority-key-identifier']],
  ['common-name-length', 'server', commonNames('x'.repeat(65))],
  ['names-well-formed', 'client', names(xmppAddr('alice@example.org'), dns('a\0b'))],
  ['alternative-names-critical', 'client', EMPTY_SUBJECT, ['subject-present']],
  ['alternative-names-not-empty', 'client', names(), ['client-xmpp-addr']],
  ['rfc822-name-mailbox', 'client', names(xmppAddr('alice@example.org'), mail('alice'))],
  ['dns-name-host', 'server', names(dns('chat..example.org'), srv('_xmpp-client.example.org'))],
  ['dns-name-host', 'server', names(dns('a.*.org'), srv('_xmpp-client.example.org'))],
  ['extensions-once', 'client', ({ extensions }) => ({ extensions: [...extensions, ...extensions.slice(0, 1)] })],
  ['critical-extensions-known', 'client', put('1.2.3.4', der.nullValue(), true)],
  ['authority-key-identifier', 'client', without(OID.authorityKeyIdentifier)],
  ['ca-subject-key-identifier', 'ca', without(OID.subjectKeyIdentifier)],
  ['subject-key-identifier', 'client', without(OID.subjectKeyIdentifier)],
  ['key-usage-not-empty', 'client', put(OID.keyUsage, Uint8Array.of(3, 2, 0, 0), true), ['digital-signature']],
  ['ca-key-usage', 'ca', without(OID.keyUsage)],
  ['ca-basic-constraints', 'ca', without(OID.basicConstraints)],
  ['ca-basic-constraints', 'ca', put(OID.basicConstraints, der.sequence(der.booleanTrue()), false)],
  ['cert-sign-only-for-ca', 'client', usage(0, 5)],
  ['path-length-only-for-ca', 'client', constraints(der.integer(0))],
  ['end-entity-not-ca', 'client', constraints(der.booleanTrue())],
  ['subject-present', 'client', EMPTY_SUBJECT, ['alternative-names-critical']],
  ['signature-hash', 'client', algorithm('1.2.840.113549.1.1.5')],
  ['signature-hash', 'client', algorithm('1.2.840.113549.1.1.4')],
  ['signature-hash', 'client', algorithm(OID.rsassaPss)],
  ['signature-hash', 'client', algorithm('1.3.36.3.3.1.2')],
  ['signature-hash', 'client', algorithm('1.2.840.113549.1.1.16')],
  ['server-names-domain', 'server', without(OID.subjectAltName), ['server-dns-name', 'server-srv-name']],
  ['server-dns-name', 'server', names(srv('_xmpp-client.example.org'))],
  ['server-srv-name', 'server', names(dns('*.example.org'))],
  ['srv-name-form', 'server', names(dns('example.org'), srv('xmpp-client.example.org'))],
  ['client-xmpp-addr', 'client', without(OID.subjectAltName)],
  ['xmpp-addr-jid', 'client', names(xmppAddr('ali ce@example.org'))],
  ['client-xmpp-addr-user', 'client', names(xmppAddr('example.org')), ['common-name-fits-jid']],
  ['client-purpose', 'client', without(OID.extKeyUsage)],
  ['client-purpose', 'client', put(OID.extKeyUsage, der.sequence(der.oid(OID.serverAuth)))],
  ['server-purpose', 'server', without(OID.extKeyUsage)],
  ['digital-signature', 'client', usage(2)],
  ['one-common-name', 'client', commonNames('alice', 'alice')],
  ['common-name-fits-jid', 'client', commonNames('bob')],
  ['one-xmpp-addr', 'client', names(xmppAddr('alice@example.org'), xmppAddr('alice@example.net'))],
  ['xmpp-addr-bare', 'client', names(xmppAddr('alice@example.org/phone'))],
  ['server-lifetime', 'server', ({ notBefore }) => ({ notAfter: new Date(notBefore.getTime() + 826 * 86_400_000) })],
  ['strong-key', 'client', key(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)],
  ['strong-key', 'client', key(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)],
  ['strong-key', 'client', key(generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).publicKey)],
  ['strong-key', 'client', key(generateKeyPairSync('ed448').publicKey)],
  ['strong-key', 'client', () => ({ publicKeyInfo: der.sequence() })],
  ['strong-key', 'client', () => ({ publicKeyInfo: explicitKey() })],
  ['serial-unpredictable', 'client', serial(0x12, 0x34)],
  ['ocsp-purpose', 'ocsp', put(OID.extKeyUsage, der.sequence(der.oid(OID.serverAuth)))],
  ['ocsp-signature', 'ocsp', usage(2)],
  ['ocsp-no-check', 'ocsp', without(OID.ocspNoCheck)],
  ['end-entity-not-ca', 'ocsp', constraints(der.booleanTrue())],
  ['strong-key', 'ocsp', key(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)],
]

describe('lintCertificate', () => {
  it.each<CertificateKind>(['ca', 'client', 'server', 'ocsp'])('has nothing to say about our own: %s', (kind) => {
    const base = bases.get(kind) ?? new Uint8Array()
    expect(lintCertificate(base, { source: 'FILE' })).toEqual({ kind, findings: [] })
    // The certificates below are built as soundly as this one but for the one change.
    expect(broken(build(partsFor(kind)))).toEqual([])
  })

  it.each(DEFECTS)('%s: %s', (rule, kind, change, also = []) => {
    const parts = partsFor(kind)
    expect(broken(build({ ...parts, ...change(parts) }), kind).toSorted()).toEqual([rule, ...also].toSorted())
  })

  it('has a defect for every rule, and every rule an identifier and a citation of its own', () => {
    const tested = new Set(DEFECTS.map(([rule]) => rule))
    expect(RULES.map(({ id }) => id).filter((id) => !tested.has(id))).toEqual([])
    expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length)
    for (const { citation } of RULES) expect(citation).toMatch(/^(RFC \d{4} (§|appendix)|house)/)
  })

  it('asks a responder for no XMPP names, and no nocheck when it can be checked (RFC 6960 §4.2.2.2.1)', () => {
    const parts = partsFor('ocsp')
    const url = der.sequence(der.sequence(der.oid(OID.ocsp), der.contextPrimitive(6, Buffer.from('http://x.example'))))
    const change = put(OID.authorityInfoAccess, url)({ ...parts, ...without(OID.ocspNoCheck)(parts) })
    expect(broken(build({ ...parts, ...change }))).toEqual([])
  })

  it('accepts an empty subject for users whose name does not fit into a CN', async () => {
    const issuer = await testRoot()
    const { der: long } = await testClient(issuer, `${'x'.repeat(65)}@example.org`)
    expect(lintCertificate(long, { source: 'FILE' }).findings).toMatchObject([
      { rule: 'subject-present', severity: 'notice' },
    ])
  })
})

describe('what openssl makes', () => {
  it('finds what the walk-through forgets: version 1, no purpose, no JID', () => {
    opensslCertificate(folder, { subject: 'CN=alice' })
    folder.write('plain.cnf', '[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=alice\n')
    openssl(folder, 'req', '-new', '-config', 'plain.cnf', '-key', 'made.key', '-out', 'v1.csr')
    const signer = ['-CA', 'made.pem', '-CAkey', 'made.key', '-set_serial', '0x0102030405060708']
    openssl(folder, 'x509', '-req', '-in', 'v1.csr', ...signer, '-sha1', '-out', 'v1.pem')
    const found = broken(decodePem(folder.read('v1.pem'), 'CERTIFICATE', 'v1.pem'), 'client')
    expect(found).toEqual(['version-3', 'signature-hash', 'client-xmpp-addr', 'client-purpose'])
  })

  it('finds several defects at once, each with its citation', () => {
    const { der: octets } = opensslCertificate(folder, {
      subject: '0.CN=alice\n1.CN=bob',
      extensions:
        'basicConstraints=critical,CA:TRUE\nextendedKeyUsage=clientAuth\nsubjectAltName=otherName:1.3.6.1.5.5.7.8.5;UTF8:@example.org',
    })
    const { kind, findings } = lintCertificate(octets, { source: 'made.pem' })
    expect(kind).toBe('client')
    expect(findings.map(({ rule, citation }) => `${rule}: ${citation}`)).toEqual(
      expect.arrayContaining([
        'end-entity-not-ca: RFC 6120 §13.7.1.1',
        'xmpp-addr-jid: RFC 6120 §13.7.1.4',
        'one-common-name: house, RFC 6125 §2.3.1',
      ]),
    )
  })

  it('does not ask a root how it has signed itself (RFC 5280 §6.1)', () => {
    const extensions = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash'
    const { der } = opensslCertificate(folder, { subject: 'CN=x', extensions, flags: ['-sha1'] })
    expect(broken(der)).toEqual([])
  })

  it('takes certificates for what they say they are', () => {
    const kindOf = (extensions: string) =>
      lintCertificate(opensslCertificate(folder, { subject: 'CN=x', extensions }).der, { source: 'made.pem' }).kind
    expect(kindOf('basicConstraints=CA:TRUE\nkeyUsage=keyCertSign')).toBe('ca')
    expect(kindOf('extendedKeyUsage=serverAuth')).toBe('server')
    expect(kindOf('subjectAltName=DNS:example.org')).toBe('server')
    expect(kindOf('extendedKeyUsage=clientAuth')).toBe('client')
    expect(kindOf('extendedKeyUsage=OCSPSigning')).toBe('ocsp')
    expect(kindOf('subjectAltName=email:a@example.org')).toBe('client')
  })
})

describe('what is not a certificate', () => {
  it.each([
    ['nothing', new Uint8Array()],
    ['a name', der.sequence(der.setOf(der.sequence(der.oid(OID.commonName), der.utf8String('x'))))],
    ['a certificate whose signature algorithm is damaged', Uint8Array.of()],
  ])('%s', (what, octets) => {
    const bad = what.startsWith('a certificate')
      ? build({ ...partsFor('client'), algorithm: der.sequence(), outerAlgorithm: der.sequence() })
      : octets
    expect(() => lintCertificate(bad, { source: 'FILE' })).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  })
})
