import { constants, generateKeyPairSync, sign, X509Certificate } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { TAG } from '../../src/pki/der/der.ts'
import { context, contextPrimitive, element, integer, nullValue, oid, sequence } from '../../src/pki/der/der-writer.ts'
import { encodePem } from '../../src/pki/der/pem.ts'
import { isUsable } from '../../src/trust/loaded-list.ts'
import { isRefusal } from '../../src/trust/refusal.ts'
import { SignedCertificate } from '../../src/trust/signed-certificate.ts'
import { type Credentials, OpensslCa } from '../support/certificates/certificates.ts'
import { authoritiesOf, readLists, revocationLists } from '../support/certificates/crls.ts'
import {
  DATE,
  entry,
  extension,
  generalizedTime,
  nameOf,
  type OddCrl,
  oddCrl,
  serialOf,
  utcTime,
} from '../support/certificates/odd-crl.ts'

const NOW = new Date('2026-01-01T00:00:00Z')
const IDP = '2.5.29.28'
const DELTA = '2.5.29.27'
const NUMBER = '2.5.29.20'
const REASON = '2.5.29.21'
const ISSUER = '2.5.29.29'
const PUBLISHED = 'URI:http://pki.example.org/ca.crl'

const openssl = new OpensslCa('Test CA')
const ca = openssl.credentials
const partner = new OpensslCa('Partner CA')
const alice = openssl.issue({ subject: '/CN=alice' })
const bob = openssl.issue({ subject: '/CN=bob' })
const pointed = openssl.issue({ subject: '/CN=pointed', extensions: [`crlDistributionPoints=${PUBLISHED}`] })
const sub = openssl.issue({ subject: '/CN=Sub CA', ca: true })
afterAll(() => {
  openssl.remove()
  partner.remove()
})

const uri = (text: string) => contextPrimitive(6, Buffer.from(text))
const fullName = (...names: Uint8Array[]) => context(0, context(0, ...names))
const flag = (number: number) => contextPrimitive(number, Uint8Array.of(0xff))
const idp = (...parts: Uint8Array[]) => extension(IDP, sequence(...parts), true)
const reason = (code: number) => extension(REASON, element(TAG.enumerated, Uint8Array.of(code)))
const critical = extension('1.2.3.4.5', nullValue(), true)
const number = (value: number) => extension(NUMBER, integer(value))
const delta = (base: number) => extension(DELTA, integer(base), true)

const listOf = (who: readonly Credentials[], given: OddCrl = {}, more: readonly Uint8Array[] = []) =>
  oddCrl(ca, { ...given, entries: who.map((one) => entry(serialOf(one), { extensions: more })) })

function opened({ cert }: Pick<Credentials, 'cert'>): SignedCertificate {
  const certificate = SignedCertificate.open(new X509Certificate(cert).raw)
  if (isRefusal(certificate)) throw new Error(certificate.reason)
  return certificate
}

async function status({ cert }: Pick<Credentials, 'cert'>, crls: readonly Uint8Array[], cas = [ca.cert]) {
  const lists = await revocationLists(crls, cas)
  const [issuer] = authoritiesOf(cas)
  const answer = lists.statusOf(opened({ cert }), issuer!, NOW)
  return answer.kind === 'unknown' ? answer.reason : answer.kind
}

describe('what a rightly signed list names is revoked, however odd; unlisted is good only where it is covered', () => {
  it.each<{ name: string; crl: OddCrl; more?: Uint8Array[]; unlisted: string | RegExp }>([
    { name: 'nothing odd', crl: {}, unlisted: 'good' },
    { name: 'version 1', crl: { version: new Uint8Array() }, unlisted: 'good' },
    { name: 'no nextUpdate', crl: { nextUpdate: new Uint8Array() }, unlisted: 'good' },
    { name: 'onlyContainsUserCerts (§5.2.5)', crl: { extensions: [idp(flag(1))] }, unlisted: 'good' },
    {
      name: 'onlyContainsCACerts',
      crl: { extensions: [idp(flag(2))] },
      unlisted: 'its CRL covers CA certificates only',
    },
    {
      name: 'onlyContainsAttributeCerts',
      crl: { extensions: [idp(flag(5))] },
      unlisted: 'its CRL covers attribute certificates only',
    },
    { name: 'indirectCRL', crl: { extensions: [idp(flag(4))] }, unlisted: 'good' },
    {
      name: 'onlySomeReasons',
      crl: { extensions: [idp(contextPrimitive(3, Uint8Array.of(6, 0x40)))] },
      unlisted: 'its CRLs cover only some reasons for a revocation',
    },
    {
      name: 'a distribution point that the certificate does not name (§6.3.3 b 2 i)',
      crl: { extensions: [idp(fullName(uri('http://pki.example.org/ca.crl')))] },
      unlisted: 'its CRL is of another distribution point, http://pki.example.org/ca.crl',
    },
    {
      name: 'the distribution point that is implied for every certificate (§6.3.3, after l)',
      crl: { extensions: [idp(fullName(context(4, nameOf(ca))))] },
      unlisted: 'good',
    },
    {
      name: 'an issuingDistributionPoint that is not critical',
      crl: { extensions: [extension(IDP, sequence(flag(2)))] },
      unlisted: /CA certificates only/,
    },
    {
      name: 'an issuingDistributionPoint that cannot be read',
      crl: { extensions: [extension(IDP, nullValue(), true)] },
      unlisted: 'its CRL has an issuingDistributionPoint that cannot be read',
    },
    { name: 'a delta', crl: { extensions: [number(9), delta(3)] }, unlisted: 'there is only a delta CRL of it' },
    {
      name: 'a delta indicator that is not critical',
      crl: { extensions: [extension(DELTA, integer(3))] },
      unlisted: /only a delta/,
    },
    {
      name: 'an unknown critical extension (§5.2)',
      crl: { extensions: [critical] },
      unlisted: 'its CRL has the unknown critical extension 1.2.3.4.5',
    },
    {
      name: 'an unknown critical extension of an entry (§5.3)',
      crl: {},
      more: [critical],
      unlisted: 'its CRL has entries with the unknown critical extension 1.2.3.4.5',
    },
    { name: 'the reason code 7 (§5.3.1)', crl: {}, more: [reason(7)], unlisted: 'good' },
    { name: 'removeFromCRL in a complete list', crl: {}, more: [reason(8)], unlisted: 'good' },
    {
      name: 'an entry extension that cannot be read',
      crl: {},
      more: [nullValue()],
      unlisted: 'its CRL has an entry that cannot be read',
    },
    {
      name: 'a certificateIssuer that is its own',
      crl: {},
      more: [extension(ISSUER, sequence(context(4, nameOf(ca))), true)],
      unlisted: 'good',
    },
    {
      name: 'a name of another string type and case (§7.1)',
      crl: {
        issuer: Buffer.from(
          Buffer.from(nameOf(ca)).toString('hex').replace('0c0754657374204341', '13075445535420 4341'.replace(' ', '')),
          'hex',
        ),
      },
      unlisted: 'good',
    },
    {
      name: 'a stale one',
      crl: { nextUpdate: utcTime('250801000000Z') },
      unlisted: 'its CRL is stale since 2025-08-01T00:00:00.000Z',
    },
    {
      name: 'one of the future',
      crl: { thisUpdate: utcTime('260801000000Z') },
      unlisted: /not valid before 2026-08-01/,
    },
    {
      name: 'a nextUpdate without seconds',
      crl: { nextUpdate: utcTime('2508010000Z') },
      unlisted: /stale since 2025-08-01/,
    },
    {
      name: 'a nextUpdate with a fraction and an offset',
      crl: { nextUpdate: generalizedTime('20250801000000.5+0200') },
      unlisted: /stale since 2025-07-31T22:00/,
    },
    {
      name: 'a nextUpdate that means two moments',
      crl: { nextUpdate: generalizedTime('20490801000000') },
      unlisted: 'its CRL has a nextUpdate that cannot be read',
    },
    {
      name: 'extensions that are none',
      crl: { extensions: [nullValue()] },
      unlisted: /extensions that cannot be read/,
    },
  ])('$name', async ({ crl, more = [], unlisted }) => {
    const list = listOf([bob], crl, more)
    expect(await status(bob, [list])).toBe('revoked')
    const said = await status(alice, [list])
    if (unlisted instanceof RegExp) expect(said).toMatch(unlisted)
    else expect(said).toBe(unlisted)
  })

  it.each([
    { name: 'a date without seconds', odd: entry(serialOf(bob), { date: utcTime('2506010000Z') }), unlisted: 'good' },
    {
      name: 'a date that is none',
      odd: entry(serialOf(bob), { date: utcTime('when') }),
      unlisted: 'good',
    },
    { name: 'no date', odd: sequence(integer(serialOf(bob))), unlisted: /an entry that cannot/ },
    {
      name: 'leading zeros',
      odd: entry(Buffer.concat([Uint8Array.of(2, serialOf(bob).length + 2, 0, 0), serialOf(bob)])),
      unlisted: 'good',
    },
  ])('an entry with $name', async ({ odd, unlisted }) => {
    const list = oddCrl(ca, { entries: [odd] })
    expect(await status(bob, [list])).toBe('revoked')
    expect(await status(alice, [list])).toMatch(unlisted)
  })

  it.each([
    { name: 'that is none', odd: nullValue() },
    { name: 'without a serial number', odd: sequence(DATE) },
    { name: 'with an empty serial number', odd: sequence(element(TAG.integer), DATE) },
    { name: 'with a negative one', odd: entry(Uint8Array.of(2, 1, 0xfb)) },
    { name: 'with a long one', odd: entry(Buffer.alloc(300, 0x7f)) },
  ])('an entry $name takes nothing from the others', async ({ odd }) => {
    const list = oddCrl(ca, { entries: [odd, entry(serialOf(bob)), odd] })
    expect(await status(bob, [list])).toBe('revoked')
  })

  it('what is behind an entry without an end is not known', async () => {
    const list = oddCrl(ca, {
      entries: [entry(serialOf(alice)), Uint8Array.of(0x30, 0x20, 2, 1), entry(serialOf(bob))],
    })
    expect(await status(alice, [list])).toBe('revoked')
    expect(await status(bob, [list])).toBe('its CRL has an entry that cannot be read')
  })

  it.each(['-7f', '-80', '-81', '-80aa', '00', '7f', '80', 'ff01'])('serial number %s', async (serial) => {
    const value = BigInt(`0x${serial.replace('-', '')}`) * (serial.startsWith('-') ? -1n : 1n)
    const octets = Buffer.from(BigInt.asUintN(32, value).toString(16).padStart(8, '0'), 'hex')
    // The shortest form is not needed to be found.
    const lists = await revocationLists(
      [oddCrl(ca, { entries: [entry(Buffer.concat([Uint8Array.of(2, 5, value < 0n ? 0xff : 0), octets]))] })],
      [ca.cert],
    )
    const [issuer] = authoritiesOf([ca.cert])
    const { raw, facts } = opened(alice)
    const certificate = { serial, raw, facts }
    expect(lists.statusOf(certificate, issuer!, NOW).kind).toBe('revoked')
  })
})

describe('distribution points, kinds and reasons (RFC 5280 §6.3.3)', () => {
  const point = (text: string) => idp(fullName(uri(text)))

  it.each([
    { name: 'the point of the certificate', crls: [point('http://pki.example.org/ca.crl')], expected: 'good' },
    { name: 'its host in another case (§7.4)', crls: [point('HTTP://PKI.example.org/ca.crl')], expected: 'good' },
    {
      name: 'its path in another case',
      crls: [point('http://pki.example.org/CA.crl')],
      expected: /another distribution/,
    },
    {
      name: 'one of several names',
      crls: [idp(fullName(uri('ldap://x/'), uri('http://pki.example.org/ca.crl')))],
      expected: 'good',
    },
    {
      name: 'two lists that have all reasons together',
      crls: [idp(contextPrimitive(3, Uint8Array.of(0, 0x7f))), idp(contextPrimitive(3, Uint8Array.of(7, 0x00, 0x80)))],
      expected: 'good',
    },
    {
      name: 'a partition of another name beside it',
      crls: [point('http://other/'), point('http://pki.example.org/ca.crl')],
      expected: 'good',
    },
  ])('$name: $expected', async ({ crls, expected }) => {
    const lists = crls.map((one) => oddCrl(ca, { extensions: [one] }))
    expect(await status(pointed, lists)).toMatch(expected)
  })

  it('a name relative to that of the CA', async () => {
    const cn = sequence(oid('2.5.4.3'), element(TAG.utf8String, Buffer.from('CRL1')))
    const relative = idp(context(0, context(1, cn)))
    const whole = sequence(Buffer.from(nameOf(ca)).subarray(2), element(TAG.set, cn))
    const absolute = idp(fullName(context(4, whole)))
    const [one, other] = await readLists(
      [oddCrl(ca, { extensions: [relative] }), oddCrl(ca, { extensions: [absolute] })],
      [ca.cert],
    )
    if (!isUsable(one!) || !isUsable(other!)) throw new Error('not usable')
    expect(one.crl.scope.names?.map(({ key }) => key)).toEqual(other.crl.scope.names?.map(({ key }) => key))
  })

  it.each([
    { kind: 'users', flags: flag(1), leaf: 'good', below: 'its CRL covers user certificates only' },
    { kind: 'CAs', flags: flag(2), leaf: 'its CRL covers CA certificates only', below: 'good' },
  ])('a list of $kind', async ({ flags, leaf, below }) => {
    const list = oddCrl(ca, { extensions: [idp(flags)] })
    expect(await status(alice, [list])).toBe(leaf)
    expect(await status(sub, [list])).toBe(below)
  })
})

describe('delta CRLs (RFC 5280 §5.2.4)', () => {
  const base = (value: number, who: readonly Credentials[] = [], given: OddCrl = {}) =>
    listOf(who, { ...given, extensions: [number(value)] })
  const change = (value: number, from: number, code: number, given: OddCrl = {}) =>
    listOf([bob], { thisUpdate: utcTime('250702000000Z'), ...given, extensions: [number(value), delta(from)] }, [
      reason(code),
    ])
  const STALE = { nextUpdate: utcTime('250801000000Z') }

  it.each([
    { name: 'revokes', lists: [base(3), change(4, 3, 1)], expected: 'revoked' },
    { name: 'takes back what its base has', lists: [base(3, [bob]), change(4, 3, 8)], expected: 'good' },
    { name: 'takes back what a list after its base has', lists: [base(4, [bob]), change(5, 3, 8)], expected: 'good' },
    {
      name: 'takes nothing back of a list before its base',
      lists: [base(2, [bob]), change(4, 3, 8)],
      expected: 'revoked',
    },
    { name: 'takes nothing back of a list after it', lists: [base(5, [bob]), change(4, 3, 8)], expected: 'revoked' },
    {
      name: 'takes nothing back when it is stale',
      lists: [base(3, [bob]), change(4, 3, 8, STALE)],
      expected: 'revoked',
    },
    {
      name: 'is followed by another',
      lists: [base(3, [bob]), change(4, 3, 8), change(5, 4, 1, { thisUpdate: utcTime('250703000000Z') })],
      expected: 'revoked',
    },
    {
      name: 'that revokes is followed by one that takes back',
      lists: [base(3), change(4, 3, 6), change(5, 3, 8, { thisUpdate: utcTime('250703000000Z') })],
      expected: 'good',
    },
    {
      name: 'does not count after a newer complete list',
      lists: [change(4, 3, 6), base(5, [], { thisUpdate: utcTime('250705000000Z') })],
      expected: 'good',
    },
    { name: 'makes a stale base current', lists: [base(3, [], STALE), change(4, 3, 8)], expected: 'good' },
  ])('$name', async ({ lists, expected }) => {
    expect(await status(bob, lists)).toBe(expected)
    expect(await status(bob, lists.toReversed())).toBe(expected)
  })
})

describe('indirect CRLs (RFC 5280 §5.2.5, §5.3.3)', () => {
  const about = (one: Pick<Credentials, 'cert'>) => extension(ISSUER, sequence(context(4, nameOf(one))), true)
  const indirect = (by: Credentials, ...entries: Uint8Array[]) => oddCrl(by, { entries, extensions: [idp(flag(4))] })
  const other = partner.credentials

  it.each([
    { name: 'its own entries', entries: [entry(serialOf(bob))], expected: 'revoked' },
    {
      name: 'entries of another CA',
      entries: [entry(serialOf(bob), { extensions: [about(other)] })],
      expected: 'good',
    },
    {
      name: 'what follows such an entry',
      entries: [entry(Uint8Array.of(1), { extensions: [about(other)] }), entry(serialOf(bob))],
      expected: 'good',
    },
    {
      name: 'what follows one of its own again',
      entries: [
        entry(Uint8Array.of(1), { extensions: [about(other)] }),
        entry(Uint8Array.of(2), { extensions: [about(ca)] }),
        entry(serialOf(bob)),
      ],
      expected: 'revoked',
    },
  ])('$name: $expected', async ({ entries, expected }) => {
    expect(await status(bob, [indirect(ca, ...entries)])).toBe(expected)
  })

  it('what is not indirect speaks for its own entries alone', async () => {
    const list = oddCrl(ca, {
      entries: [entry(Uint8Array.of(1), { extensions: [about(other)] }), entry(serialOf(bob))],
    })
    expect(await status(bob, [list])).toBe('revoked')
  })

  it('of another CA counts where the certificate names that CA', async () => {
    const names = ['crlDistributionPoints=p', '[p]', 'CRLissuer=dirName:i', '[i]', 'CN=Partner CA']
    const named = openssl.issue({ subject: '/CN=named', extensions: names })
    const list = indirect(other, entry(serialOf(named), { extensions: [about(ca)] }), entry(serialOf(bob)))
    const cas = [ca.cert, other.cert]
    expect(await status(named, [list], cas)).toBe('revoked')
    expect(await status(named, [indirect(other)], cas)).toBe('good')
    expect(await status(bob, [list], cas)).toBe('there is no CRL of it')
    // It has to be trusted here.
    expect(await status(named, [list])).toBe('there is no CRL of it')
  })
})

describe('signatures of CRLs', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const pem = (key: typeof rsa) => key.export({ type: 'pkcs8', format: 'pem' }).toString()
  const made = (key: typeof rsa) => ({
    key: pem(key),
    cert: openssl.selfSignedBy(pem(key), { subject: '/CN=Signing CA', dnsNames: ['ca.example'] }),
  })
  const HASHES = {
    sha1: '1.3.14.3.2.26',
    sha256: '2.16.840.1.101.3.4.2.1',
    sha384: '2.16.840.1.101.3.4.2.2',
    sha512: '2.16.840.1.101.3.4.2.3',
  }
  const pss = (hash: keyof typeof HASHES, salt: number): OddCrl => {
    const algorithm = sequence(oid(HASHES[hash]), nullValue())
    const mask = sequence(oid('1.2.840.113549.1.1.8'), algorithm)
    const parameters = hash === 'sha1' ? [] : [context(0, algorithm), context(1, mask), context(2, integer(salt))]
    const options = { key: rsa, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: salt }
    return {
      algorithm: sequence(oid('1.2.840.113549.1.1.10'), sequence(...parameters)),
      signature: (tbs) => sign(hash, tbs, options),
    }
  }
  const pkcs1 = (id: string, hash: string): OddCrl => ({
    algorithm: sequence(oid(id), nullValue()),
    signature: (tbs) => sign(hash, tbs, rsa),
  })
  const eddsa = (key: typeof rsa, id: string): OddCrl => ({
    algorithm: sequence(oid(id)),
    signature: (tbs) => sign(null, tbs, key),
  })
  const [ed25519, ed448] = [generateKeyPairSync('ed25519').privateKey, generateKeyPairSync('ed448').privateKey]

  it.each([
    { name: 'RSASSA-PSS, SHA-256', key: rsa, crl: pss('sha256', 32), unlisted: 'good' },
    { name: 'RSASSA-PSS, SHA-384, another salt', key: rsa, crl: pss('sha384', 20), unlisted: 'good' },
    { name: 'RSASSA-PSS, SHA-512', key: rsa, crl: pss('sha512', 64), unlisted: 'good' },
    { name: 'RSASSA-PSS, SHA-1', key: rsa, crl: pss('sha1', 20), unlisted: /RSASSA-PSS with sha1, which is weak/ },
    {
      name: 'SHA-1',
      key: rsa,
      crl: pkcs1('1.2.840.113549.1.1.5', 'sha1'),
      unlisted: /sha1WithRSAEncryption, which is weak/,
    },
    {
      name: 'MD5',
      key: rsa,
      crl: pkcs1('1.2.840.113549.1.1.4', 'md5'),
      unlisted: /md5WithRSAEncryption, which is weak/,
    },
    { name: 'SHA-512', key: rsa, crl: pkcs1('1.2.840.113549.1.1.13', 'sha512'), unlisted: 'good' },
    { name: 'Ed25519', key: ed25519, crl: eddsa(ed25519, '1.3.101.112'), unlisted: 'good' },
    { name: 'Ed448', key: ed448, crl: eddsa(ed448, '1.3.101.113'), unlisted: 'good' },
  ])('$name', async ({ key, crl, unlisted }) => {
    const signer = made(key)
    const list = oddCrl(signer, { ...crl, entries: [entry(serialOf(bob))] })
    expect(await status(bob, [list], [signer.cert])).toBe('revoked')
    expect(await status(alice, [list], [signer.cert])).toMatch(unlisted)
  })

  it('a weak list does not take the place of a good one', async () => {
    const signer = made(rsa)
    const good = oddCrl(signer, { ...pss('sha256', 32), entries: [entry(serialOf(bob))] })
    const weak = oddCrl(signer, { ...pkcs1('1.2.840.113549.1.1.5', 'sha1'), thisUpdate: utcTime('251201000000Z') })
    expect(await status(bob, [good, weak], [signer.cert])).toBe('revoked')
  })

  it.each([
    { name: 'an algorithm that is an empty SEQUENCE', crl: { algorithm: sequence() }, reason: /bad|truncated/ },
    {
      name: 'an unknown algorithm',
      crl: { algorithm: sequence(oid('1.2.3')) },
      reason: 'unknown signature algorithm 1.2.3',
    },
    {
      name: 'that of another key',
      crl: { algorithm: sequence(oid('1.3.101.112')) },
      reason: 'its CA has not signed it',
    },
    { name: 'a wrong one', crl: { signature: () => Buffer.alloc(70) }, reason: 'its CA has not signed it' },
    { name: 'none', crl: { signature: () => Buffer.alloc(0) }, reason: 'its CA has not signed it' },
  ])('$name: the list cannot be used', async ({ crl, reason: expected }) => {
    const [list] = await readLists([oddCrl(ca, { ...crl, entries: [entry(serialOf(bob))] })], [ca.cert])
    expect(list).toMatchObject({ issuer: 'CN=Test CA', reason: expect.stringMatching(expected) })
  })

  it('of a CA that may not sign lists (§6.3.3 f)', async () => {
    const mute = openssl.selfSigned({
      subject: '/CN=Mute',
      extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=keyCertSign'],
    })
    const [list] = await readLists([oddCrl(mute)], [mute.cert])
    expect(list).toMatchObject({ reason: 'the keyUsage of its CA lacks cRLSign' })
  })
})

describe('files with CRLs', () => {
  const der = () => listOf([bob])
  const pemText = () => encodePem('X509 CRL', der())
  it.each([
    { name: 'DER and a newline', file: () => Buffer.concat([der(), Buffer.from('\n')]) },
    { name: 'DER and more white space', file: () => Buffer.concat([der(), Buffer.from(' \r\n\t\n')]) },
    {
      name: 'CRLF, a byte order mark and words',
      file: () => Buffer.from(`\ufeffList\r\n${pemText().replaceAll('\n', '\r\n')}`),
    },
    { name: 'UTF-16', file: () => Buffer.from(`\ufeff${pemText()}`, 'utf16le') },
    { name: 'UTF-16, big end first', file: () => Buffer.from(`\ufeff${pemText()}`, 'utf16le').swap16() },
    { name: 'base64 alone', file: () => Buffer.from(der().toString('base64')) },
    { name: 'an older label', file: () => Buffer.from(pemText().replaceAll('X509 CRL', 'CRL')) },
  ])('$name', async ({ file }) => {
    expect(await status(bob, [file()])).toBe('revoked')
  })
})
