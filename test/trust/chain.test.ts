import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CertificateFacts, readCertificate } from '../../src/pki/certificate.ts'
import type { Issuer } from '../../src/pki/issuer.ts'
import { decodePem } from '../../src/pki/pem.ts'
import { checkClientCertificate, TrustAnchors } from '../../src/trust/chain.ts'
import { type Folder, NOW, openssl, opensslCertificate, temporaryFolder, testClient, testRoot } from '../pki/support.ts'
import { cpuTime } from '../support/cpu-time.ts'

const DAY = 86_400_000
let folder: Folder
let root: Issuer
let leaf: Uint8Array
let facts: CertificateFacts
beforeAll(async () => {
  folder = temporaryFolder()
  root = await testRoot()
  leaf = (await testClient(root, 'alice@example.org')).der
  facts = readCertificate(leaf)
})
afterAll(() => folder.remove())

describe('checkClientCertificate', () => {
  it.each([
    ['the first second', () => facts.notBefore, undefined],
    ['the last second (RFC 5280 §4.1.2.5: inclusive)', () => new Date(facts.notAfter.getTime() + 999), undefined],
    ['before', () => new Date(facts.notBefore.getTime() - 1), 'not valid before 2026-03-01T11:55:00.000Z'],
    ['after', () => new Date(facts.notAfter.getTime() + 1000), 'expired on 2027-07-14T12:00:00.000Z'],
  ])('validity: %s', (_, now, reason) => {
    expect(checkClientCertificate(facts, { now: now() })).toEqual(reason && { check: 'validity', reason })
  })

  it.each<[string, Partial<CertificateFacts>, string | undefined]>([
    [
      'no key usage, as the walk-through makes them',
      { keyUsage: undefined, extendedKeyUsage: undefined, version: 1 },
      undefined,
    ],
    ['digitalSignature among others', { keyUsage: ['keyEncipherment', 'digitalSignature'] }, undefined],
    ['key usage without digitalSignature', { keyUsage: ['keyEncipherment'] }, 'key-usage'],
    ['an empty key usage', { keyUsage: [] }, 'key-usage'],
    ['clientAuth among others', { extendedKeyUsage: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'] }, undefined],
    ['serverAuth only', { extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] }, 'extended-key-usage'],
    ['anyExtendedKeyUsage only', { extendedKeyUsage: ['2.5.29.37.0'] }, 'extended-key-usage'],
    ['an empty extended key usage', { extendedKeyUsage: [] }, 'extended-key-usage'],
    ['an unknown critical extension', { unknownCritical: ['1.2.3.4'] }, 'critical-extension'],
    ['something malformed', { malformed: ['subject contains NUL'] }, 'malformed'],
  ])('%s', (_, change, check) => {
    expect(checkClientCertificate({ ...facts, ...change }, { now: NOW })?.check).toBe(check)
  })

  it('keeps the reason short whatever a peer sends', () => {
    const malformed = Array.from({ length: 1000 }, (_, i) => `extension 1.${i} is there twice`)
    expect(checkClientCertificate({ ...facts, malformed }, { now: NOW })?.reason).toBe(
      'extension 1.0 is there twice, extension 1.1 is there twice, extension 1.2 is there twice …',
    )
  })
})

describe('TrustAnchors', () => {
  it('accepts what its CA issued, as DER and as X509Certificate', () => {
    const anchors = new TrustAnchors([root.certificate.pem])
    expect(anchors.check(leaf, NOW)).toBeUndefined()
    expect(anchors.check(new X509Certificate(leaf), NOW)).toBeUndefined()
    expect(anchors.pems).toEqual([root.certificate.pem])
  })

  it('refuses what another CA of the same name issued', async () => {
    const other = await testRoot()
    const reason = { check: 'issuer', reason: 'no configured CA issued it' }
    expect(new TrustAnchors([other.certificate.pem]).check(leaf, NOW)).toEqual(reason)
    expect(new TrustAnchors([]).check(leaf, NOW)).toEqual(reason)
    expect(new TrustAnchors([other.certificate.pem, root.certificate.pem]).check(leaf, NOW)).toBeUndefined()
  })

  it('refuses when the CA has expired or is not valid yet', () => {
    const anchors = new TrustAnchors([root.certificate.pem])
    expect(anchors.check(leaf, new Date(NOW.getTime() + 3651 * DAY))).toEqual({
      check: 'issuer',
      reason: 'its CA is expired on 2036-02-27T12:00:00.000Z',
    })
    expect(anchors.check(leaf, new Date(NOW.getTime() - DAY))?.reason).toMatch(/^its CA is not valid before/)
  })

  it('refuses a changed certificate', () => {
    const changed = Buffer.from(leaf)
    changed.write('admin', changed.indexOf('alice'))
    expect(new X509Certificate(changed).subject).toContain('admin')
    expect(new TrustAnchors([root.certificate.pem]).check(changed, NOW)).toMatchObject({ check: 'issuer' })
  })

  it('never throws on garbage', () => {
    const anchors = new TrustAnchors([root.certificate.pem])
    expect(anchors.check(Buffer.from('garbage'), NOW)).toMatchObject({ check: 'malformed' })
    expect(anchors.check(leaf, NOW, [Buffer.from('garbage'), new Uint8Array()])).toBeUndefined()
  })

  it('takes bundles, and a self-signed version 1 root', () => {
    openssl(
      folder,
      'req',
      '-new',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      'v1.key',
      '-subj',
      '/CN=old',
      '-out',
      'v1.csr',
    )
    openssl(folder, 'x509', '-req', '-in', 'v1.csr', '-signkey', 'v1.key', '-out', 'v1.pem', '-days', '5')
    expect(new TrustAnchors([folder.read('v1.pem') + root.certificate.pem]).pems).toHaveLength(2)
  })

  it.each([
    ['no PEM', () => 'hello', 'cas.pem holds no CERTIFICATE in PEM form'],
    [
      'a client certificate',
      async () => (await testClient(root, 'a@b')).pem,
      "cas.pem holds a certificate that is not a CA's (CN=a)",
    ],
    [
      'a CA without keyCertSign',
      () =>
        opensslCertificate(folder, {
          subject: 'CN=x',
          extensions: 'basicConstraints=CA:TRUE\nkeyUsage=digitalSignature',
        }).pem,
      "cas.pem holds a certificate that is not a CA's (CN=x)",
    ],
  ])('refuses %s as an anchor', async (_, make, message) => {
    const pem = await make()
    expect(() => new TrustAnchors([pem], 'cas.pem')).toThrow(expect.objectContaining({ code: 'BAD_INPUT', message }))
  })
})

/** A chain made by openssl: root, then one certificate per extension section, each issued by the one before. */
function chain(...sections: string[]): Uint8Array[] {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl(folder, 'req', '-x509', ...key, '-keyout', '0.key', '-subj', '/CN=top', '-days', '30', '-out', '0.pem')
  return sections.map((extensions, i) => {
    const [parent, own] = [String(i), String(i + 1)]
    folder.write(`${own}.ext`, extensions)
    openssl(folder, 'req', '-new', ...key, '-keyout', `${own}.key`, '-subj', `/CN=level ${own}`, '-out', `${own}.csr`)
    const ca = [
      '-CA',
      `${parent}.pem`,
      '-CAkey',
      `${parent}.key`,
      '-CAcreateserial',
      '-days',
      '20',
      '-extfile',
      `${own}.ext`,
    ]
    openssl(folder, 'x509', '-req', '-in', `${own}.csr`, ...ca, '-out', `${own}.pem`)
    return decodePem(folder.read(`${own}.pem`), 'CERTIFICATE', own)
  })
}

describe('the path of what OpenSSL has verified', () => {
  const open = (der: Uint8Array) => new X509Certificate(der)

  it('is found by names, without the signature', () => {
    const anchors = new TrustAnchors([root.certificate.pem])
    expect(anchors.verifiedPathOf(open(leaf), NOW, [])).toEqual(anchors.authorities)
    const forged = Uint8Array.from(leaf, (octet, at) => (at === leaf.length - 1 ? octet ^ 1 : octet))
    expect(anchors.check(forged, NOW)).toMatchObject({ check: 'issuer' })
    expect(anchors.verifiedPathOf(open(forged), NOW, [])).toEqual(anchors.authorities)
  })

  it('is left to the signatures when several CAs, or none, have the name', () => {
    const withoutIds = {
      extensions: 'basicConstraints=CA:TRUE\nsubjectKeyIdentifier=none\nauthorityKeyIdentifier=none',
    }
    const [one, two] = ['CN=twin', 'CN=twin'].map((subject) => opensslCertificate(folder, { subject, ...withoutIds }))
    const made = one?.der ?? new Uint8Array()
    const pems = [one, two].map((made) => made?.pem ?? '')
    expect(new TrustAnchors(pems.slice(0, 1)).verifiedPathOf(open(made), new Date(), [])).toHaveLength(1)
    expect(new TrustAnchors(pems).verifiedPathOf(open(made), new Date(), [])).toBeUndefined()
    expect(new TrustAnchors(pems).verifiedPathOf(open(leaf), NOW, [])).toBeUndefined()
  })

  it('is left to the signatures when intermediates were there, or the CA has ended', () => {
    const anchors = new TrustAnchors([root.certificate.pem])
    expect(anchors.verifiedPathOf(open(leaf), NOW, [open(leaf)])).toBeUndefined()
    expect(anchors.verifiedPathOf(open(leaf), new Date(NOW.getTime() + 3651 * DAY), [])).toBeUndefined()
  })
})

describe('intermediates', () => {
  const CA = 'basicConstraints=critical,CA:TRUE'
  const LEAF = 'extendedKeyUsage=clientAuth'
  // Within the 20 days that openssl, which knows no other clock than its own, gives them below.
  const now = new Date(Date.now() + DAY)

  /** The last section is the leaf; the others go into the handshake, the top one last. */
  function check(...sections: string[]) {
    const made = chain(...sections)
    const [made0, ...rest] = made.toReversed()
    return { result: new TrustAnchors([folder.read('0.pem')]).check(made0 ?? new Uint8Array(), now, rest), made }
  }

  it.each([
    ['one', [CA, LEAF]],
    ['two', [CA, CA, LEAF]],
    ['path lengths that just suffice', [`${CA},pathlen:1`, `${CA},pathlen:0`, LEAF]],
    ['keyCertSign', [`${CA}\nkeyUsage=keyCertSign`, LEAF]],
  ])('accepts %s', (_, sections) => {
    expect(check(...sections).result).toBeUndefined()
  })

  it.each([
    ['one that is no CA', ['basicConstraints=CA:FALSE', LEAF]],
    ['one without basicConstraints', ['keyUsage=digitalSignature', LEAF]],
    ['one without keyCertSign', [`${CA}\nkeyUsage=cRLSign`, LEAF]],
    ['a path longer than allowed (RFC 5280 §4.2.1.9)', [`${CA},pathlen:0`, CA, LEAF]],
    ['an unknown critical extension', [`${CA}\n1.2.3.4=critical,ASN1:UTF8:x`, LEAF]],
  ])('refuses %s', (_, sections) => {
    expect(check(...sections).result).toMatchObject({ check: 'issuer' })
  })

  it('refuses when the intermediate is missing', () => {
    const made = chain(CA, LEAF)
    expect(new TrustAnchors([folder.read('0.pem')]).check(made[1] ?? new Uint8Array(), now)).toMatchObject({
      check: 'issuer',
    })
  })

  it('names an expired intermediate', () => {
    const { made } = check(CA, LEAF)
    const later = new Date(now.getTime() + 25 * DAY)
    const anchors = new TrustAnchors([folder.read('0.pem')])
    expect(anchors.check(made[1] ?? new Uint8Array(), later, made.slice(0, 1))?.reason).toMatch(
      /^intermediate CA expired on/,
    )
  })

  it('is not fooled or slowed down by self-signed certificates of the same name and key', () => {
    const { der } = opensslCertificate(folder, { subject: 'CN=loop', extensions: 'basicConstraints=CA:TRUE' })
    const start = cpuTime()
    const anchors = new TrustAnchors([root.certificate.pem])
    expect(
      anchors.check(
        der,
        now,
        Array.from({ length: 500 }, () => der),
      ),
    ).toMatchObject({ check: 'issuer' })
    expect(cpuTime() - start).toBeLessThan(1000)
  })
})
