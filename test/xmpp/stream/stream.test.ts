import { describe, expect, it } from 'vitest'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { objectionTo, readStreamHeader, streamErrorElement } from '../../../src/xmpp/stream/stream.ts'
import { serialize } from '../../../src/xmpp/xml/element.ts'

const header = (attrs: Readonly<Record<string, string>>, given = {}) => ({
  name: 'stream',
  namespace: 'http://etherx.jabber.org/streams',
  contentNamespace: 'jabber:client',
  attrs: { to: 'localhost', version: '1.0', ...attrs },
  ...given,
})

const served = (domain: string) => ['localhost', 'bücher.example'].includes(domain)
const read = (attrs: Readonly<Record<string, string>>, given = {}) => readStreamHeader(header(attrs, given), served)

describe('a stream header (RFC 6120 §4.7)', () => {
  it.each([
    ['another name', { name: 'flood' }],
    ['another namespace', { namespace: 'urn:x' }],
    ['no namespace', { namespace: '' }],
    ['the content namespace of servers', { contentNamespace: 'jabber:server' }],
    ['no content namespace', { contentNamespace: '' }],
  ])('cannot have %s (§4.9.3.10)', (_, given) => {
    expect(read({}, given)).toEqual({ condition: 'invalid-namespace' })
  })

  it.each([
    ['1.0', undefined],
    ['1.99', undefined],
    ['2.0', undefined],
    ['10.0', undefined],
    ['0.9', 'unsupported-version'],
    ['1', 'unsupported-version'],
    ['01.0', 'unsupported-version'],
    ['1.0 ', 'unsupported-version'],
    ['', 'unsupported-version'],
  ])('of version %j: %s (§4.7.5)', (version, condition) => {
    const result = read({ version })
    expect('condition' in result ? result.condition : undefined).toBe(condition)
  })

  it('without version or to is refused', () => {
    const { to, version } = header({}).attrs
    expect(read({}, { attrs: { to } })).toEqual({ condition: 'unsupported-version' })
    expect(read({}, { attrs: { version } })).toMatchObject({ condition: 'improper-addressing' })
  })

  it.each([
    ['localhost', 'localhost'],
    ['LOCALHOST', 'localhost'],
    ['localhost.', 'localhost'],
    ['xn--bcher-kva.example', 'bücher.example'],
    ['elsewhere.example', undefined],
    ['alice@localhost', undefined],
    ['localhost/x', undefined],
    ['', undefined],
    ['@', undefined],
  ])('to %j is for %s (§4.9.3.6)', (to, domain) => {
    expect(read({ to })).toEqual(
      domain === undefined ? { condition: 'host-unknown' } : expect.objectContaining({ domain }),
    )
  })

  it.each([
    ['alice@localhost', 'alice@localhost', true],
    ['ALICE@localhost/a', 'alice@localhost/a', true],
    ['localhost', 'localhost', false],
    ['a@b@c', undefined, true],
    ['@', undefined, true],
    ['my machine', undefined, false],
    ['', undefined, false],
  ])('from %j is %s, and names an account: %s', (from, jid, namesAccount) => {
    const result = read({ from })
    expect(result).toMatchObject({ namesAccount })
    expect('from' in result && result.from?.toString()).toBe(jid)
  })

  it('may come from nobody', () => {
    expect(read({})).toEqual({ domain: 'localhost', from: undefined, namesAccount: false })
  })
})

describe('another stream on a connection', () => {
  const account = parseJid('alice@localhost/a')

  it.each([
    { attrs: {}, condition: undefined },
    { attrs: { from: 'alice@localhost' }, condition: undefined },
    { attrs: { from: 'alice@localhost/b' }, condition: undefined },
    { attrs: { from: 'a machine' }, condition: undefined },
    { attrs: { from: 'elsewhere.example' }, condition: undefined },
    { attrs: { from: 'bob@localhost' }, condition: 'invalid-from' },
    { attrs: { from: 'alice@elsewhere.example' }, condition: 'invalid-from' },
    { attrs: { from: 'a@b@c' }, condition: 'invalid-from' },
    { attrs: { to: 'bücher.example' }, condition: 'host-unknown' },
    { attrs: { to: 'bücher.example', from: 'alice@localhost' }, condition: 'host-unknown' },
  ])('with $attrs after the login: $condition', ({ attrs, condition }) => {
    const request = read(attrs)
    if ('condition' in request) throw new Error(request.condition)
    expect(objectionTo(request, account)?.condition).toBe(condition)
    expect(objectionTo(request, undefined)).toBeUndefined()
  })
})

describe('a stream error (RFC 6120 §4.9.2)', () => {
  it.each([
    { error: { condition: 'reset' } as const, text: '' },
    {
      error: { condition: 'conflict', text: 'a < b' } as const,
      text: '<text xmlns="urn:ietf:params:xml:ns:xmpp-streams" xml:lang="en">a &lt; b</text>',
    },
  ])('has its condition, and a text if there is one: $error', ({ error, text }) => {
    expect(serialize(streamErrorElement(error))).toBe(
      `<stream:error><${error.condition} xmlns="urn:ietf:params:xml:ns:xmpp-streams"/>${text}</stream:error>`,
    )
  })
})
