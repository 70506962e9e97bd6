import { describe, expect, it } from 'vitest'
import {
  clientAlternativeNames,
  fitsCommonName,
  readAlternativeNames,
  serverAlternativeNames,
  subjectName,
} from '../../../src/pki/x509/names.ts'
import { account } from '../support.ts'

const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex')

describe('alternative names both ways', () => {
  it('of a client: xmppAddr and rfc822Name (RFC 6120 §13.7.1.4)', () => {
    const value = clientAlternativeNames(account('alice@b.org'))
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
    const value = serverAlternativeNames([{ ascii: 'xn--bcher-kva.example', unicode: 'bücher.example' }])
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
    expect(readAlternativeNames(clientAlternativeNames(account(bare))).emails).toEqual(is ? [bare] : [])
  })
})

describe('subjectName', () => {
  it.each([
    ['nothing', {}, '3000'],
    ['a CN', { commonName: 'é' }, '300d310b3009060355040 30c02c3a9'],
    [
      'an organisation first',
      { commonName: 'a', organization: 'b' },
      '3018310a3008060355040a0c0162310a300806035504030c0161',
    ],
  ])('%s, in UTF8String', (_, parts, expected) => {
    expect(hex(subjectName(parts))).toBe(expected.replaceAll(' ', ''))
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
