import { describe, expect, it } from 'vitest'
import { generatedJid, wantedJid } from '../../../src/server/session/generated-jid.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'

const account = parseJid('alice@localhost')
const MADE = '[A-Za-z0-9_-]{12}'

describe('a resource that the server makes (RFC 6120 §7.6)', () => {
  it('is another one each time', () => {
    const jids = Array.from({ length: 1_000 }, () => generatedJid(account).toString())
    expect(new Set(jids).size).toBe(jids.length)
  })

  it.each([
    { name: 'none', tag: '', begins: '' },
    { name: 'the name of a client', tag: 'Gajim', begins: 'Gajim/' },
    { name: 'what changes when it is prepared', tag: 'e\u0301', begins: '\u00e9/' },
    { name: 'what no resource may have', tag: 'a\tb', begins: '' },
    { name: 'what leaves no room', tag: 'x'.repeat(1_020), begins: '' },
  ])('begins with the tag if it can (XEP-0386 §3.2.1): $name', ({ tag, begins }) => {
    const { resource, local, domain } = generatedJid(account, tag)
    expect(resource).toMatch(new RegExp(`^${begins}${MADE}$`))
    expect([local, domain]).toEqual(['alice', 'localhost'])
  })

  it('takes the place of one that the account names', () => {
    const made = generatedJid(account.withResource('old'), 'tag').toString()
    expect(made).toMatch(new RegExp(`^alice@localhost/tag/${MADE}$`))
  })
})

describe('the resource that a client asks for (RFC 6120 §7.7)', () => {
  it.each([
    { resource: 'phone', jid: 'alice@localhost/phone' },
    { resource: 'e\u0301', jid: 'alice@localhost/\u00e9' },
    { resource: 'a/b@c', jid: 'alice@localhost/a/b@c' },
  ])('is its own: $resource', ({ resource, jid }) => {
    expect(String(wantedJid(account, { resource, tag: 'has no say' }))).toBe(jid)
  })

  it.each(['', 'a\tb', 'x'.repeat(1_024)])('is refused when it cannot be one: %j (§7.7.2.1)', (resource) => {
    expect(wantedJid(account, { resource })).toMatchObject({ condition: 'bad-request' })
  })

  it('is made when it asks for none', () => {
    const wanted = wantedJid(account, { resource: undefined, tag: 'desk' })
    expect(String(wanted)).toMatch(new RegExp(`^alice@localhost/desk/${MADE}$`))
  })
})
