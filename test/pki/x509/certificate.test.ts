import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { context, element, integer, oid, sequence, setOf, utf8String } from '../../../src/pki/der/der-writer.ts'
import { type CertificateFacts, openCertificate, readCertificate } from '../../../src/pki/x509/certificate.ts'
import { readRawCertificate } from '../../../src/pki/x509/certificate-der.ts'
import { cpuTime, leastCpuTime } from '../../support/processes/cpu-time.ts'
import { type Folder, openssl, opensslCertificate, temporaryFolder, testClient, testRoot } from '../support.ts'

let folder: Folder
let client: Uint8Array
beforeAll(async () => {
  folder = temporaryFolder()
  client = (await testClient(await testRoot(), 'alice@example.org')).der
})
afterAll(() => folder.remove())

const CN = '2.5.4.3'
const OU = '2.5.4.11'
const SAN = '2.5.29.17'

function attribute(type: string, value: Uint8Array): Uint8Array {
  return sequence(oid(type), value)
}

function nameOf(...relativeNames: Uint8Array[][]): Uint8Array {
  return sequence(...relativeNames.map((attributes) => setOf(...attributes)))
}

/** A certificate put together by hand, as no sane CA would; the signature is nonsense. */
function forged(parts: {
  subject?: Uint8Array
  extensions?: Uint8Array[]
  version?: number
  serial?: Uint8Array
  outer?: Uint8Array
  notAfter?: Uint8Array
  /** More after the last part of tbsCertificate, of the certificate. */
  tbsTail?: Uint8Array
  tail?: Uint8Array
}) {
  const raw = readRawCertificate(client)
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'))
  const version = parts.version ?? 3
  const tbs = sequence(
    ...(version === 1 ? [] : [context(0, integer(version - 1))]),
    parts.serial ?? integer(7),
    algorithm,
    raw.issuer.raw,
    sequence(
      element(0x17, Buffer.from('260101000000Z')),
      parts.notAfter ?? element(0x17, Buffer.from('270101000000Z')),
    ),
    parts.subject ?? nameOf([attribute(CN, utf8String('alice'))]),
    raw.publicKeyInfo.raw,
    ...(parts.extensions === undefined ? [] : [context(3, sequence(...parts.extensions))]),
    parts.tbsTail ?? new Uint8Array(),
  )
  return sequence(tbs, parts.outer ?? algorithm, element(0x03, Uint8Array.of(0, 1)), parts.tail ?? new Uint8Array())
}

function extension(id: string, value: Uint8Array): Uint8Array {
  return sequence(oid(id), element(0x04, value))
}

function xmppAddr(value: Uint8Array): Uint8Array {
  return context(0, oid('1.3.6.1.5.5.7.8.5'), context(0, value))
}

function withNames(...names: Uint8Array[]): CertificateFacts {
  return readCertificate(forged({ extensions: [extension(SAN, sequence(...names))] }))
}

describe('readCertificate of what we issue', () => {
  it('agrees with OpenSSL', () => {
    const facts = readCertificate(client)
    const seen = new X509Certificate(client)
    expect(facts).toMatchObject({
      version: 3,
      subject: 'CN=alice',
      issuer: 'CN=Test Root,O=Example\\, Inc.',
      commonNames: ['alice'],
      uids: [],
      xmppAddrs: ['alice@example.org'],
      emails: ['alice@example.org'],
      dnsNames: [],
      srvNames: [],
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'],
      keyUsage: ['digitalSignature'],
      isCa: false,
      pathLength: undefined,
      unknownCritical: [],
      malformed: [],
    })
    expect(facts.serial).toBe(seen.serialNumber.toLowerCase())
    expect(facts.fingerprint).toBe(seen.fingerprint256.replaceAll(':', '').toLowerCase())
    expect(facts.notBefore).toEqual(new Date(seen.validFrom))
    expect(facts.notAfter).toEqual(new Date(seen.validTo))
  })
})

describe('readCertificate of what openssl makes', () => {
  const read = (subject: string, extensions?: string) =>
    readCertificate(opensslCertificate(folder, { subject, ...(extensions ? { extensions } : {}) }).der)

  it.each([
    ['two CNs', '0.CN=alice\n1.CN=bob', ['alice', 'bob'], 'CN=bob,CN=alice'],
    ['a CN inside an OU (Openfire CVE-2025-59154)', 'OU="CN=admin,"', [], 'OU=CN\\=admin\\,'],
    ['a CN after a CN lookalike', 'OU=CN=admin\nCN=alice', ['alice'], 'CN=alice,OU=CN\\=admin'],
    ['a multi-valued relative name', 'CN=alice\n+CN=bob', ['alice', 'bob'], 'CN=bob+CN=alice'],
    ['no CN', 'O=Example', [], 'O=Example'],
  ])('subject with %s', (_, subject, commonNames, printed) => {
    const facts = read(subject)
    expect([...facts.commonNames].sort()).toEqual(commonNames)
    // In a SET OF, DER decides the order.
    expect(facts.subject.split('+').sort()).toEqual(printed.split('+').sort())
    expect(facts.malformed).toEqual([])
  })

  it('several xmppAddr in order, with mail and hosts', () => {
    const names =
      'otherName:1.3.6.1.5.5.7.8.5;UTF8:kate@example.org,email:k@x.org,otherName:1.3.6.1.5.5.7.8.5;UTF8:kate@fed1,DNS:a.org,IP:10.0.0.1,URI:xmpp:a@b,dirName:dn2'
    const facts = read('CN=kate', `subjectAltName=${names}\n[dn2]\nCN=admin`)
    expect(facts).toMatchObject({
      xmppAddrs: ['kate@example.org', 'kate@fed1'],
      emails: ['k@x.org'],
      dnsNames: ['a.org'],
      commonNames: ['kate'],
      malformed: [],
    })
  })

  it('an unknown critical extension', () => {
    const facts = read('CN=alice', '1.2.3.4=critical,ASN1:UTF8:x\n1.2.3.5=ASN1:UTF8:y')
    expect(facts.unknownCritical).toEqual(['1.2.3.4'])
  })

  it('known critical extensions', () => {
    const facts = read(
      'CN=a',
      'basicConstraints=critical,CA:TRUE,pathlen:2\nkeyUsage=critical,keyCertSign,decipherOnly,keyAgreement\nextendedKeyUsage=critical,clientAuth,1.2.3\nsubjectAltName=critical,email:a@b.c\nnameConstraints=critical,permitted;DNS:a',
    )
    expect(facts).toMatchObject({
      unknownCritical: [],
      isCa: true,
      pathLength: 2,
      keyUsage: ['keyAgreement', 'keyCertSign', 'decipherOnly'],
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.2', '1.2.3'],
    })
  })

  it('the version 1 certificate of the walk-through', () => {
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
      '/CN=alice',
      '-out',
      'v1.csr',
    )
    openssl(
      folder,
      'x509',
      '-req',
      '-in',
      'v1.csr',
      '-signkey',
      'v1.key',
      '-outform',
      'DER',
      '-out',
      'v1.der',
      '-days',
      '5',
    )
    openssl(folder, 'x509', '-inform', 'DER', '-in', 'v1.der', '-out', 'v1.pem')
    const seen = new X509Certificate(folder.read('v1.pem'))
    expect(readCertificate(seen.raw)).toMatchObject({
      version: 1,
      commonNames: ['alice'],
      keyUsage: undefined,
      extendedKeyUsage: undefined,
      isCa: false,
      malformed: [],
    })
  })

  it('a UID (RFC 4519 §2.39)', () => {
    expect(read('UID=alice').uids).toEqual(['alice'])
  })
})

describe('string types of a CN (RFC 5280 §4.1.2.4)', () => {
  const ascii = Buffer.from('alice')
  it.each([
    ['UTF8String', 0x0c, Buffer.from('jörg'), 'jörg'],
    ['PrintableString', 0x13, ascii, 'alice'],
    ['NumericString', 0x12, Buffer.from('42'), '42'],
    ['IA5String', 0x16, ascii, 'alice'],
    ['VisibleString', 0x1a, ascii, 'alice'],
    ['TeletexString', 0x14, Buffer.from('jörg', 'latin1'), 'jörg'],
    ['BMPString', 0x1e, Buffer.from('006a00f600720067', 'hex'), 'jörg'],
    ['UniversalString', 0x1c, Buffer.from('0000006a0001f600', 'hex'), 'j😀'],
  ])('%s', (_, tag, octets, expected) => {
    const facts = readCertificate(forged({ subject: nameOf([attribute(CN, element(tag, octets))]) }))
    expect(facts).toMatchObject({ commonNames: [expected], malformed: [] })
  })

  it.each([
    ['invalid UTF-8', 0x0c, 'ff'],
    ['overlong UTF-8', 0x0c, 'c0af'],
    ['a surrogate in UTF-8', 0x0c, 'eda080'],
    ['an octet above 127 in PrintableString', 0x13, 'e9'],
    ['an octet above 127 in IA5String', 0x16, 'e9'],
    ['an odd BMPString', 0x1e, '00610a'],
    ['a lone surrogate in BMPString', 0x1e, 'd800'],
    ['a UniversalString beyond Unicode', 0x1c, '00110000'],
    ['a short UniversalString', 0x1c, '006100'],
    ['an OCTET STRING', 0x04, '61'],
    ['a BIT STRING', 0x03, '0061'],
    ['a SEQUENCE', 0x30, ''],
  ])('%s is malformed and no name', (_, tag, hex) => {
    const facts = readCertificate(forged({ subject: nameOf([attribute(CN, element(tag, Buffer.from(hex, 'hex')))]) }))
    expect(facts).toMatchObject({ commonNames: [], malformed: ['CN is not a string'] })
    expect(facts.subject).toMatch(/^CN=#/)
  })

  it.each([
    ['UTF8String', 0x0c, Buffer.from('admin\0.example')],
    ['BMPString', 0x1e, Buffer.from('00610000', 'hex')],
  ])('NUL in a %s', (_, tag, octets) => {
    const facts = readCertificate(
      forged({ subject: nameOf([attribute(CN, utf8String('bob'))], [attribute(CN, element(tag, octets))]) }),
    )
    expect(facts).toMatchObject({ commonNames: ['bob'], malformed: ['subject contains NUL'] })
    expect(facts.subject).not.toContain('\0')
  })

  it('an empty CN (X.520)', () => {
    const facts = readCertificate(forged({ subject: nameOf([attribute(CN, utf8String(''))]) }))
    expect(facts).toMatchObject({ commonNames: [], malformed: ['CN is empty'] })
  })

  it('NUL in another attribute of the subject', () => {
    const facts = readCertificate(
      forged({ subject: nameOf([attribute(OU, utf8String('a\0'))], [attribute(CN, utf8String('bob'))]) }),
    )
    expect(facts.malformed).toEqual(['subject contains NUL'])
  })
})

describe('the printed subject stays on one line and cannot be misread (RFC 4514 §2.4)', () => {
  it.each([
    ['line feeds', 'a\nlogin ok', 'CN=a\\0alogin ok'],
    ['escape sequences', '\u001b[2J', 'CN=\\1b[2J'],
    ['bidirectional overrides', 'a\u202eb', 'CN=a\\e2\\80\\aeb'],
    ['line separators', 'a\u2028b', 'CN=a\\e2\\80\\a8b'],
    ['separators', 'a,O=b+c=d;e', 'CN=a\\,O\\=b\\+c\\=d\\;e'],
    ['quotes and backslashes', '"\\<>', 'CN=\\"\\\\\\<\\>'],
    ['spaces around', ' a ', 'CN=\\ a\\ '],
    ['a leading number sign', '#x', 'CN=\\#x'],
    ['one space', ' ', 'CN=\\ '],
  ])('%s', (_, value, printed) => {
    expect(readCertificate(forged({ subject: nameOf([attribute(CN, utf8String(value))]) })).subject).toBe(printed)
  })
})

it('a long subject is cut off in print, not in the lists', () => {
  const facts = readCertificate(forged({ subject: nameOf([attribute(CN, utf8String('x'.repeat(5000)))]) }))
  expect(facts.subject).toHaveLength(1024)
  expect(facts.subject).toMatch(/x…$/)
  expect(facts.commonNames).toEqual(['x'.repeat(5000)])
})

describe('alternative names (RFC 5280 §4.2.1.6, RFC 6120 §13.7.1.4)', () => {
  it.each([
    [
      'an xmppAddr as IA5String',
      () => xmppAddr(element(0x16, Buffer.from('a@b'))),
      'xmppAddr is not a string of its type',
    ],
    [
      'an xmppAddr as OCTET STRING',
      () => xmppAddr(element(0x04, Buffer.from('a@b'))),
      'xmppAddr is not a string of its type',
    ],
    [
      'an xmppAddr of invalid UTF-8',
      () => xmppAddr(element(0x0c, Buffer.of(0xff))),
      'xmppAddr is not a string of its type',
    ],
    ['an xmppAddr with NUL', () => xmppAddr(utf8String('admin@b\0c')), 'xmppAddr contains NUL'],
    ['an empty xmppAddr', () => xmppAddr(utf8String('')), 'xmppAddr is empty'],
    ['an rfc822Name with NUL', () => element(0x81, Buffer.from('a@b\0')), 'rfc822Name contains NUL'],
    ['an rfc822Name outside ASCII', () => element(0x81, Buffer.from('ä@b')), 'rfc822Name is not a string of its type'],
    ['a dNSName with NUL', () => element(0x82, Buffer.from('a\0b')), 'dNSName contains NUL'],
  ])('%s is malformed', (_, name, reason) => {
    const facts = withNames(xmppAddr(utf8String('bob@b')), name())
    expect(facts).toMatchObject({ xmppAddrs: ['bob@b'], emails: [], dnsNames: [], malformed: [reason] })
  })

  it('skips other names of other types', () => {
    expect(withNames(context(0, oid('1.3.6.1.4.1.311.20.2.3'), context(0, utf8String('admin@b'))))).toMatchObject({
      xmppAddrs: [],
      malformed: [],
    })
  })

  it('is malformed when the extension is there twice (RFC 5280 §4.2)', () => {
    const names = (address: string) => extension(SAN, sequence(xmppAddr(utf8String(address))))
    const facts = readCertificate(forged({ extensions: [names('a@b'), names('admin@b')] }))
    expect(facts.malformed).toEqual(['extension 2.5.29.17 is there twice'])
  })

  it.each([
    ['trailing data after the extension', () => extension(SAN, Buffer.concat([sequence(), Buffer.of(5, 0)]))],
    ['an otherName without a value', () => extension(SAN, sequence(context(0, oid('1.3.6.1.5.5.7.8.5'))))],
    [
      'an otherName with two values',
      () =>
        extension(SAN, sequence(context(0, oid('1.3.6.1.5.5.7.8.5'), context(0, utf8String('a'), utf8String('b'))))),
    ],
    ['a primitive in place of the list', () => extension(SAN, utf8String('a@b'))],
  ])('refuses %s', (_, make) => {
    expect(() => readCertificate(forged({ extensions: [make()] }))).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT' }),
    )
  })
})

describe('the form as a whole', () => {
  it.each([1, 2])('extensions in version %d are malformed (RFC 5280 §4.1.2.9)', (version) => {
    const facts = readCertificate(forged({ version, extensions: [extension(SAN, sequence())] }))
    expect(facts).toMatchObject({ version, malformed: [`extensions in a version ${version} certificate`] })
  })

  it('different signature algorithms inside and outside are malformed (RFC 5280 §4.1.1.2)', () => {
    const facts = readCertificate(forged({ outer: sequence(oid('1.2.3')) }))
    expect(facts.malformed).toEqual(['the two signature algorithm fields differ'])
  })

  it.each([
    ['00', '00'],
    ['7f', '7f'],
    ['0080', '80'],
    ['00ffffffffffffffffffffffffffffffffff', 'ffffffffffffffffffffffffffffffffff'],
    ['ff', '-01'],
    ['80', '-80'],
    ['ff00', '-0100'],
  ])('serial number %s is shown as %s', (der, shown) => {
    expect(readCertificate(forged({ serial: element(0x02, Buffer.from(der, 'hex')) })).serial).toBe(shown)
  })

  it.each([
    ['UTCTime of 1950', 0x17, '500101000000Z', '1950-01-01T00:00:00.000Z'],
    ['UTCTime of 2049', 0x17, '491231235959Z', '2049-12-31T23:59:59.000Z'],
    ['GeneralizedTime without end (§4.1.2.5)', 0x18, '99991231235959Z', '9999-12-31T23:59:59.000Z'],
    ['GeneralizedTime before 2050', 0x18, '20260101000000Z', '2026-01-01T00:00:00.000Z'],
  ])('%s', (_, tag, text, iso) => {
    expect(readCertificate(forged({ notAfter: element(tag, Buffer.from(text)) })).notAfter.toISOString()).toBe(iso)
  })

  it.each([
    ['without seconds', 0x17, '2601010000Z'],
    ['with an offset', 0x17, '260101000000+0100'],
    ['with a fraction', 0x18, '20260101000000.5Z'],
    ['with 31 February', 0x17, '260231000000Z'],
    ['with month 13', 0x17, '261301000000Z'],
    ['with hour 24', 0x17, '260101240000Z'],
    ['with minute 60', 0x17, '260101006000Z'],
    ['with second 60', 0x17, '260101000060Z'],
    ['with day 0', 0x17, '260100000000Z'],
    ['with letters', 0x17, '2601010000x0Z'],
    ['of another type', 0x0c, '260101000000Z'],
  ])('refuses a time %s', (_, tag, text) => {
    expect(() => readCertificate(forged({ notAfter: element(tag, Buffer.from(text)) }))).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT' }),
    )
  })

  it.each([
    ['nothing', () => new Uint8Array()],
    ['PEM', () => Buffer.from('-----BEGIN CERTIFICATE-----')],
    ['trailing data', () => Buffer.concat([client, Buffer.of(0)])],
    ['two certificates', () => Buffer.concat([client, client])],
    ['a truncated one', () => client.subarray(0, -1)],
    ['version 4', () => forged({ version: 4 })],
    ['something after the signature', () => forged({ tail: sequence() })],
    ['something after the extensions', () => forged({ extensions: [], tbsTail: sequence() })],
    ['a second list of extensions', () => forged({ extensions: [], tbsTail: context(3, sequence()) })],
    ['an extension with a tail', () => forged({ extensions: [sequence(oid('1.2.3'), element(4), element(5))] })],
    [
      'a critical flag that is neither 00 nor FF',
      () => forged({ extensions: [sequence(oid('1.2.3'), element(1, Uint8Array.of(1)), element(4))] }),
    ],
    [
      'an attribute with two values',
      () => forged({ subject: nameOf([sequence(oid(CN), utf8String('alice'), utf8String('admin'))]) }),
    ],
    ['a padded serial number', () => forged({ serial: Buffer.from('02020001', 'hex') })],
    ['an empty relative name', () => forged({ subject: nameOf([]) })],
  ])('refuses %s', (_, make) => {
    expect(() => readCertificate(make(), 'x.pem')).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringMatching(/^x\.pem is not a certificate/) }),
    )
  })
})

describe('openCertificate', () => {
  it('refuses what OpenSSL cannot use', () => {
    expect(openCertificate(client).subject).toBe('CN=alice')
    expect(() => openCertificate(Buffer.from('3000', 'hex'), 'x.pem')).toThrow(
      'x.pem is not a certificate that can be used',
    )
  })
})

/** mulberry32: the same mutations in every run. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

function mutate(der: Uint8Array, next: () => number): Uint8Array {
  const bytes = Buffer.from(der)
  const pick = (limit: number) => Math.floor(next() * limit)
  switch (pick(5)) {
    case 0:
      return bytes.subarray(0, pick(bytes.length))
    case 1: {
      const at = pick(bytes.length)
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([pick(256)]), bytes.subarray(at)])
    }
    case 2: {
      const at = pick(bytes.length)
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + pick(8))])
    }
    default: {
      for (let i = pick(4); i >= 0; i -= 1) bytes[pick(bytes.length)] = pick(256)
      return bytes
    }
  }
}

describe('mutated certificates', () => {
  it('give a result or BAD_INPUT, never another exception, and quickly', async () => {
    const rich = opensslCertificate(folder, {
      subject: '0.CN=alice\n1.CN=bob\nUID=x\nOU=y',
      extensions:
        'subjectAltName=otherName:1.3.6.1.5.5.7.8.5;UTF8:kate@example.org,email:k@x.org,DNS:a.org\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\nbasicConstraints=critical,CA:TRUE,pathlen:1\n1.2.3.4=critical,ASN1:UTF8:x',
    }).der
    const next = random(5280)
    const outcomes = { read: 0, refused: 0 }
    const start = cpuTime()
    for (let i = 0; i < 6000; i += 1) {
      const mutated = mutate(i % 2 === 0 ? rich : client, next)
      try {
        const facts = readCertificate(mutated)
        expect(
          [facts.subject, ...facts.commonNames, ...facts.xmppAddrs, ...facts.emails, ...facts.dnsNames].join(),
        ).not.toContain('\0')
        outcomes.read += 1
      } catch (error) {
        if (!(error instanceof XmppkiError) || error.code !== 'BAD_INPUT')
          throw new Error(Buffer.from(mutated).toString('hex'), { cause: error })
        outcomes.refused += 1
      }
    }
    expect(outcomes.read).toBeGreaterThan(500)
    expect(outcomes.refused).toBeGreaterThan(1500)
    expect((cpuTime() - start) / 6000).toBeLessThan(5)
  })

  it.each([
    [
      '30,000 relative names',
      () => forged({ subject: nameOf(...Array.from({ length: 30_000 }, () => [attribute(CN, utf8String('a'))])) }),
    ],
    ['a name of 1 MB', () => forged({ subject: nameOf([attribute(CN, element(0x16, Buffer.alloc(1_000_000, 'a')))]) })],
    ['100,000 nested sequences', () => Buffer.alloc(200_000, '3080', 'hex')],
    [
      '30,000 equal extensions',
      () => forged({ extensions: Array.from({ length: 30_000 }, () => extension('1.2.3', sequence())) }),
    ],
  ])('huge input does not break it: %s', (_, make) => {
    const bytes = make()
    const work = () => {
      try {
        readCertificate(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(XmppkiError)
      }
    }
    expect(leastCpuTime(work, 2000)).toBeLessThan(2000)
  })
})
