import { describe, expect, it } from 'vitest'
import {
  JidError,
  parseJid,
  prepareDomain,
  prepareLocalpart,
  prepareResource,
  tryParseJid,
} from '../../../src/xmpp/address/jid.ts'

type Parts = [local: string | undefined, domain: string, resource: string | undefined]

/** RFC 7622 §3.5, table 1, and what its prose says about it. */
const valid: [name: string, text: string, ...Parts][] = [
  ['bare JID', 'juliet@example.com', 'juliet', 'example.com', undefined],
  ['full JID', 'juliet@example.com/foo', 'juliet', 'example.com', 'foo'],
  ['space in resourcepart', 'juliet@example.com/foo bar', 'juliet', 'example.com', 'foo bar'],
  ['leading space in resourcepart (erratum 4560)', 'juliet@example.com/ foo', 'juliet', 'example.com', ' foo'],
  ['@ in resourcepart', 'juliet@example.com/foo@bar', 'juliet', 'example.com', 'foo@bar'],
  ['/ in resourcepart', 'juliet@example.com/a/b', 'juliet', 'example.com', 'a/b'],
  ['escaped space (XEP-0106)', 'foo\\20bar@example.com', 'foo\\20bar', 'example.com', undefined],
  ['two s', 'fussball@example.com', 'fussball', 'example.com', undefined],
  ['sharp s', 'fu\u00dfball@example.com', 'fu\u00dfball', 'example.com', undefined],
  ['Greek letter', '\u03c0@example.com', '\u03c0', 'example.com', undefined],
  ['capital sigma', '\u03a3@example.com/foo', '\u03c3', 'example.com', 'foo'],
  ['sigma', '\u03c3@example.com/foo', '\u03c3', 'example.com', 'foo'],
  ['final sigma', '\u03c2@example.com/foo', '\u03c2', 'example.com', 'foo'],
  ['symbol in resourcepart', 'king@example.com/\u265a', 'king', 'example.com', '\u265a'],
  ['domain', 'example.com', undefined, 'example.com', undefined],
  ['domain and resource', 'example.com/foobar', undefined, 'example.com', 'foobar'],
  ['resourcepart like a JID', 'a.example.com/b@example.net', undefined, 'a.example.com', 'b@example.net'],
  ['upper case', 'ALICE@LocalHost/Phone', 'alice', 'localhost', 'Phone'],
  ['trailing dot', 'alice@localhost./x', 'alice', 'localhost', 'x'],
  ['IPv4', 'a@192.0.2.1', 'a', '192.0.2.1', undefined],
  ['IPv6', 'a@[2001:DB8::1]/x', 'a', '[2001:db8::1]', 'x'],
]

/** RFC 7622 §3.5, table 2, and its neighbours. */
const invalid: [name: string, text: string, reason: string][] = [
  ['quotes in localpart', '"juliet"@example.com', 'the localpart contains "'],
  ['space in localpart', 'foo bar@example.com', 'the localpart contains a space'],
  ['empty localpart', '@example.com/', 'the localpart is empty'],
  ['empty resourcepart', 'a@example.com/', 'the resourcepart is empty'],
  ['Roman numeral', 'henry\u2163@example.com', 'the localpart contains \u2163 (U+2163)'],
  ['symbol in localpart', '\u265a@example.com', 'the localpart contains \u265a (U+265A)'],
  ['no domainpart', 'juliet@', 'the domainpart is empty'],
  ['only a resourcepart', '/foobar', 'the domainpart is empty'],
  ['empty', '', 'the domainpart is empty'],
  ['two @', 'a@b@c', 'the domainpart contains @'],
  ['two @ in a row', 'a@@c', 'the domainpart contains @'],
  ['control character', 'a\u0000b@c', 'the localpart contains U+0000'],
  ['newline in resourcepart', 'a@b/c\nd', 'the resourcepart contains U+000A'],
  ['half a surrogate pair', 'a\ud800@b', 'the localpart contains U+D800'],
  ['unassigned character', 'a\u0378@b', 'the localpart contains U+0378'],
  ['fullwidth @ in localpart', 'a\uff20b@c', 'the localpart contains @'],
  ['fullwidth / in localpart', 'a\uff0fb@c', 'the localpart contains /'],
]

describe('parseJid', () => {
  it.each(valid)('accepts: %s', (_name, text, local, domain, resource) => {
    const jid = parseJid(text)
    expect([jid.local, jid.domain, jid.resource]).toEqual([local, domain, resource])
    expect(parseJid(jid.toString()).equals(jid)).toBe(true)
    expect(jid.isBare).toBe(resource === undefined)
  })

  it.each(invalid)('refuses: %s', (_name, text, reason) => {
    expect(() => parseJid(text)).toThrow(new JidError(reason))
    expect(tryParseJid(text)).toBeUndefined()
  })

  it.each([...'"&\'/:<>@'])('does not allow %s in a localpart (§3.3.1)', (character) => {
    expect(() => prepareLocalpart(`a${character}b`)).toThrow(`the localpart contains ${character}`)
    expect(() => prepareLocalpart(`é${character}b`)).toThrow(`the localpart contains ${character}`)
  })

  it('allows every other printable ASCII character', () => {
    const rest = [...'!#$%()*+,-.0129;=?AZ[\\]^_`az{|}~'].join('')
    expect(prepareLocalpart(rest)).toBe(rest.toLowerCase())
    expect(prepareLocalpart(`${rest}é`)).toBe(`${rest.toLowerCase()}é`)
  })
})

describe('Jid', () => {
  it('is equal to what has the same prepared parts', () => {
    expect(parseJid('Alice@LOCALHOST/a').equals(parseJid('alice@localhost/a'))).toBe(true)
    expect(parseJid('alice@localhost/A').equals(parseJid('alice@localhost/a'))).toBe(false)
  })

  it('has a bare form and other resources', () => {
    const jid = parseJid('alice@localhost/a')
    expect(jid.bare().toString()).toBe('alice@localhost')
    expect(jid.bare().bare()).toBe(jid.bare())
    expect(jid.withResource('b\u00a0c').toString()).toBe('alice@localhost/b c')
    expect(() => jid.withResource('')).toThrow('the resourcepart is empty')
  })
})

describe('lengths (§3.1)', () => {
  it.each([
    ['localpart', prepareLocalpart],
    ['resourcepart', prepareResource],
  ])('%s: 1023 octets are allowed, 1024 are not', (_name, prepare) => {
    expect(prepare('a'.repeat(1023))).toHaveLength(1023)
    expect(prepare('é'.repeat(511))).toHaveLength(511)
    expect(() => prepare('a'.repeat(1024))).toThrow('longer than 1023 octets')
    expect(() => prepare('é'.repeat(512))).toThrow('longer than 1023 octets')
    expect(() => prepare('é'.repeat(1_000_000))).toThrow('longer than 1023 octets')
  })

  it('counts after preparation', () => {
    expect(prepareResource('e\u0301'.repeat(511))).toBe('é'.repeat(511))
  })

  it('a domain name has at most 253 octets, a label 63 (RFC 1035 §2.3.4)', () => {
    const label = 'a'.repeat(63)
    expect(prepareDomain(`${label}.${label}.${label}.${'a'.repeat(61)}`)).toHaveLength(253)
    expect(() => prepareDomain(`${label}.${label}.${label}.${'a'.repeat(62)}`)).toThrow('longer than 253 octets')
    expect(() => prepareDomain(`${label}a.example`)).toThrow('is not a domain name')
  })
})

describe('prepareDomain (§3.2)', () => {
  const accepted: [text: string, prepared: string][] = [
    ['EXAMPLE.com.', 'example.com'],
    ['a-b.3com.example', 'a-b.3com.example'],
    ['fußball.de', 'fußball.de'],
    ['FUSSBALL.de', 'fussball.de'],
    ['BÜCHER.example', 'bücher.example'],
    ['bu\u0308cher.example', 'bücher.example'],
    ['xn--bcher-kva.example', 'bücher.example'],
    ['XN--BCHER-KVA.example', 'bücher.example'],
    ['例え。テスト', '例え.テスト'],
    ['ｅｘａｍｐｌｅ.com', 'example.com'],
    ['ΣΟΦΟΣ.gr', 'σοφοσ.gr'],
    ['אבג.example', 'אבג.example'],
    ['[::1]', '[::1]'],
    ['127.0.0.1', '127.0.0.1'],
  ]
  it.each(accepted)('%s is %s', (text, prepared) => {
    expect(prepareDomain(text)).toBe(prepared)
    expect(prepareDomain(prepared)).toBe(prepared)
  })

  const refused: [text: string, reason: string][] = [
    ['0x7f.1', 'ends in a number but is not an IPv4 address'],
    ['1.2', 'ends in a number but is not an IPv4 address'],
    ['127.1', 'ends in a number but is not an IPv4 address'],
    ['2130706433', 'ends in a number but is not an IPv4 address'],
    ['127.0.0.1.5', 'ends in a number but is not an IPv4 address'],
    ['256.0.0.1', 'ends in a number but is not an IPv4 address'],
    ['example.0x', 'ends in a number but is not an IPv4 address'],
    ['\uff11\uff12\uff17.1', 'ends in a number but is not an IPv4 address'],
    ['127\u30020\u30020\u30021', 'ends in a number but is not an IPv4 address'],
    ['é.0x7F', 'ends in a number but is not an IPv4 address'],
    ['\u2488', 'is not a domain name'],
    ['[::1', 'is not an IPv6 address in brackets'],
    ['[127.0.0.1]', 'is not an IPv6 address in brackets'],
    ['[fe80::1%eth0]', 'is not an IPv6 address in brackets'],
    ['::1', 'contains :'],
    ['.', 'is empty'],
    ['..', 'is not a domain name'],
    ['a..b', 'is not a domain name'],
    ['.a', 'is not a domain name'],
    ['a.b..', 'is not a domain name'],
    ['-a.b', 'is not a domain name'],
    ['a-.b', 'is not a domain name'],
    ['a b', 'contains a space'],
    ['a_b', 'contains _'],
    ['a%62é', 'contains %'],
    ['é:80', 'contains :'],
    ['é?x', 'contains ?'],
    ['é#x', 'contains #'],
    ['a\u0000é', 'contains a control character'],
    ['é\uff0fx', 'is not a domain name'],
    ['ab--c.example', 'has a label with hyphens in third and fourth place'],
    ['xn--a.example', 'is not a domain name'],
    ['xn--45h.com', 'contains ♚ (U+265A)'],
    ['♚.com', 'contains ♚ (U+265A)'],
    ['a\u200db.com', 'is not a domain name'],
    ['אa.com', 'is not a domain name'],
  ]
  it.each(refused)('refuses %j: %s', (text, reason) => {
    expect(() => prepareDomain(text)).toThrow(new JidError(`the domainpart ${reason}`))
  })
})

describe('prepared parts', () => {
  const samples = [
    '\u0130',
    'ǅ',
    'K',
    'ſ',
    '\u1e9e',
    'ﾃﾞ',
    'e\u0301',
    'ͅα',
    'ΟΔΟΣ',
    '\u1f88',
    'Ω',
    'À',
    '\u0345',
    '\u{1e921}',
    'ﬁ',
    '한',
    '\u1100\u1161',
  ]
  it.each(samples)('do not change when prepared again: %s', (sample) => {
    for (const prepare of [prepareLocalpart, prepareResource]) {
      let prepared: string
      try {
        prepared = prepare(sample)
      } catch (error) {
        expect(error).toBeInstanceOf(JidError)
        continue
      }
      expect(prepare(prepared)).toBe(prepared)
    }
  })
})
