import { AsnConvert } from '@peculiar/asn1-schema'
import { describe, expect, it } from 'vitest'
import { readSingle, TAG } from '../../../src/pki/der/der.ts'
import { bmpString, oid, sequence, setOf, utf8String } from '../../../src/pki/der/der-writer.ts'
import { OID } from '../../../src/pki/der/oids.ts'
import { readName } from '../../../src/pki/x509/distinguished-name.ts'
import { alternativeNames } from '../../../src/pki/x509/extensions.ts'
import {
  type AlternativeName,
  clientAlternativeNames,
  fitsCommonName,
  isSubject,
  readAlternativeNames,
  serverAlternativeNames,
} from '../../../src/pki/x509/names.ts'
import { profileExtension } from '../../../src/pki/x509/schema-extensions.ts'
import { schemaName } from '../../../src/pki/x509/schema-names.ts'
import { account } from '../support.ts'

const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex')
const cn = (text: string) => sequence(oid(OID.commonName), utf8String(text))

/** The value of the extension. */
function written(names: readonly AlternativeName[]): Uint8Array {
  return new Uint8Array(profileExtension(alternativeNames(names, 'x')).extnValue.buffer)
}

describe('alternative names both ways', () => {
  it('of a client: xmppAddr and rfc822Name (RFC 6120 §13.7.1.4)', () => {
    const value = written(clientAlternativeNames(account('alice@b.org')))
    const xmppAddr = `a019${'06082b06010505070805'}a00d${'0c0b'}${hex(Buffer.from('alice@b.org'))}`
    const mail = `810b${hex(Buffer.from('alice@b.org'))}`
    expect(hex(value)).toBe(`3028${xmppAddr}${mail}`)
    expect(readAlternativeNames(value)).toEqual({
      xmppAddrs: ['alice@b.org'],
      emails: ['alice@b.org'],
      dnsNames: [],
      srvNames: [],
      malformed: [],
    })
  })

  it('of a server: dNSName, SRVName as IA5String (RFC 4985 §2), xmppAddr', () => {
    const value = written(serverAlternativeNames([{ ascii: 'xn--bcher-kva.example', unicode: 'bücher.example' }]))
    expect(readAlternativeNames(value)).toEqual({
      xmppAddrs: ['bücher.example'],
      emails: [],
      dnsNames: ['xn--bcher-kva.example'],
      srvNames: ['_xmpp-client.xn--bcher-kva.example', '_xmpps-client.xn--bcher-kva.example'],
      malformed: [],
    })
    expect(hex(value)).toContain(
      `06082b06010505070807a0241622${hex(Buffer.from('_xmpp-client.xn--bcher-kva.example'))}`,
    )
  })
})

describe('rfc822Name of a client (RFC 5280 §4.2.1.6: rfc822Name is a Mailbox in ASCII)', () => {
  it.each([
    ['alice@example.org', true],
    ['o+x_y-z!#$%*?^`{|}~=@example.org', true],
    ['alice@localhost', true],
    ['jörg@example.org', false],
    ['alice@bücher.example', false],
    ['.alice@example.org', false],
    ['a..b@example.org', false],
    ['a[1]@example.org', false],
    ['a,b@example.org', false],
    ['a;b@example.org', false],
    ['a\\40b@example.org', false],
  ])('%s: %s', (bare, is) => {
    expect(readAlternativeNames(written(clientAlternativeNames(account(bare)))).emails).toEqual(is ? [bare] : [])
  })
})

describe('a subject', () => {
  const SUBJECTS = [
    ['of nothing', {}, '3000'],
    ['of a CN', { commonName: 'é' }, '300d310b3009060355040 30c02c3a9'],
    [
      'with the organisation first',
      { commonName: 'a', organization: 'b' },
      '3018310a3008060355040a0c0162310a300806035504030c0161',
    ],
  ] as const

  it.each(SUBJECTS)('%s, in UTF8String', (_, subject, expected) => {
    expect(hex(new Uint8Array(AsnConvert.serialize(schemaName(subject))))).toBe(expected.replaceAll(' ', ''))
  })

  it('is found in a name whatever the types of its strings are', () => {
    const name = (...attributes: readonly Uint8Array[]) =>
      readName(readSingle(sequence(...attributes.map((attribute) => setOf(attribute))), TAG.sequence))
    const [organization, commonName] = [sequence(oid(OID.organizationName), bmpString('b')), cn('a')]
    expect(isSubject(name(organization, commonName), { commonName: 'a', organization: 'b' })).toBe(true)
    expect(isSubject(name(commonName, organization), { commonName: 'a', organization: 'b' })).toBe(false)
    expect(isSubject(name(commonName), { commonName: 'a' })).toBe(true)
    expect(isSubject(name(commonName, commonName), { commonName: 'a' })).toBe(false)
    expect(isSubject(name(cn('A')), { commonName: 'a' })).toBe(false)
    expect(isSubject(name(), {})).toBe(true)
    const together = readName(readSingle(sequence(setOf(organization, commonName)), TAG.sequence))
    expect(isSubject(together, { commonName: 'a' })).toBe(false)
  })
})

describe('fitsCommonName counts characters (RFC 5280 appendix A.1, ub-common-name)', () => {
  it.each([
    ['64 of ASCII', 'a'.repeat(64), true],
    ['65 of ASCII', 'a'.repeat(65), false],
    ['64 outside the BMP', '😀'.repeat(64), true],
  ])('%s', (_, text, fits) => {
    expect(fitsCommonName(text)).toBe(fits)
  })
})
