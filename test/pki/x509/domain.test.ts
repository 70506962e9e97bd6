import { describe, expect, it } from 'vitest'
import { isHostName, isInDnsSubtree, parseDomain } from '../../../src/pki/x509/domain.ts'

describe('parseDomain', () => {
  it.each([
    ['example.org', 'example.org', 'example.org'],
    ['EXAMPLE.org', 'example.org', 'example.org'],
    ['localhost', 'localhost', 'localhost'],
    ['example.org.', 'example.org', 'example.org'],
    ['bücher.example', 'xn--bcher-kva.example', 'bücher.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example', 'bücher.example'],
    ['faß.example', 'xn--fa-hia.example', 'faß.example'],
    ['例え。テスト', 'xn--r8jz45g.xn--zckzah', '例え.テスト'],
    ['1.example', '1.example', '1.example'],
    ['3com', '3com', '3com'],
  ])('%s', (text, ascii, unicode) => {
    expect(parseDomain(text)).toEqual({ ascii, unicode })
  })

  it.each([
    ['an IPv4 address', '192.0.2.1'],
    ['a short IPv4 address', '127.1'],
    ['a hexadecimal IPv4 address', '0x7f.0.0.0x1'],
    ['one number', '2130706433'],
    ['an octal number', '0177.1'],
    ['an IPv4 address in full-width digits', '１９２.0.2.１'],
    ['an IPv6 address', '2001:db8::1'],
    ['an IPv6 literal', '[::1]'],
    ['a port', 'example.org:5222'],
    ['a wildcard', '*.example.org'],
    ['a user', 'alice@example.org'],
    ['a path', 'example.org/x'],
    ['a full-width solidus', 'example.org／x'],
    ['percent encoding', 'ex%61mple.org'],
    ['a space', 'a b'],
    ['NUL', 'a\0.example'],
    ['an underscore', '_xmpp.example'],
    ['a leading hyphen', '-a.example'],
    ['an empty label', 'a..example'],
    ['a dot alone', '.'],
    ['nothing', ''],
    ['a label of 64 octets', `${'a'.repeat(64)}.example`],
    ['more than 253 octets', `${'a.'.repeat(127)}example`],
    ['a broken A-label', 'xn--.example'],
  ])('refuses %s', (_, text) => {
    expect(() => parseDomain(text)).toThrow(expect.objectContaining({ code: 'BAD_NAME' }))
  })
})

describe('a dNSName subtree (RFC 5280 §4.2.1.10)', () => {
  it.each([
    ['example.org', 'example.org', true],
    ['a.example.org', 'example.org', true],
    ['badexample.org', 'example.org', false],
    ['org', 'example.org', false],
    ['a.example.org', '.example.org', true],
    ['example.org', '.example.org', false],
    ['example.org', '', true],
  ])('%s below %j: %s', (host, base, expected) => {
    expect(isInDnsSubtree(host, base)).toBe(expected)
  })
})

describe('isHostName', () => {
  it.each([
    ['a', true],
    ['_xmpp.example.org', true],
    ['xn--bcher-kva.example', true],
    ['A.example', false],
    ['a..example', false],
    ['a.example.', false],
    ['-a.example', false],
    ['*.example', false],
    ['', false],
    [`${'a'.repeat(64)}.example`, false],
    [Array.from({ length: 64 }, () => 'abc').join('.'), false],
  ])('%j: %s', (text, expected) => {
    expect(isHostName(text)).toBe(expected)
  })
})
