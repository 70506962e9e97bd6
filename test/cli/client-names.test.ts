import { describe, expect, it } from 'vitest'
import { parseClientNames, remarksAbout } from '../../src/cli/client-names.ts'

const context = { domain: 'example.org', explicit: false }
const jidsOf = (...names: string[]) => parseClientNames(names, context).map(({ jid }) => jid.toString())

describe('parseClientNames', () => {
  it.each([
    ['a username', 'alice', 'alice@example.org'],
    ['capital letters', 'Alice', 'alice@example.org'],
    ['full-width letters', 'ａlice', 'alice@example.org'],
    ['a bare JID', 'alice@Chat.Example.ORG', 'alice@chat.example.org'],
    ['another script', 'Ελένη', 'ελένη@example.org'],
    ['a username like a flag value', '-', '-@example.org'],
  ])('takes %s', (_case, name, expected) => {
    expect(jidsOf(name)).toEqual([expected])
  })

  it('keeps the order', () => {
    expect(jidsOf('c', 'a@b', 'b')).toEqual(['c@example.org', 'a@b', 'b@example.org'])
  })

  it('names everything that is wrong at once', () => {
    expect(() => jidsOf('alice', 'a@@b', '', 'ALICE@example.org', 'x/y')).toThrow(
      expect.objectContaining({
        code: 'BAD_NAME',
        message:
          '4 of 5 names cannot be used: "a@@b" (the domainpart contains @), "" (the localpart is empty), ' +
          '"ALICE@example.org" (the user alice@example.org is named twice), "x/y" (the localpart contains /)',
      }),
    )
  })

  it('lets a domain in the name win only where none was asked for', () => {
    expect(jidsOf('alice@other.example')).toEqual(['alice@other.example'])
    const explicit = { domain: 'example.org', explicit: true }
    expect(parseClientNames(['alice@example.org'], explicit)).toHaveLength(1)
    expect(() => parseClientNames(['alice@other.example'], explicit)).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    )
  })
})

describe('remarksAbout', () => {
  const remarks = (name: string) => parseClientNames([name], context).flatMap(remarksAbout)

  it.each([
    ['a name that is taken as it is', 'alice', 0],
    ['a JID that is taken as it is', 'alice@example.org', 0],
    ['a name that was changed', 'Alice', 1],
    ['64 characters', 'x'.repeat(64), 0],
    ['64 characters of two octets each', 'ü'.repeat(64), 0],
    ['65 characters (RFC 5280, ub-common-name)', 'x'.repeat(65), 1],
    ['both', 'X'.repeat(65), 2],
  ])('%s', (_case, name, count) => {
    expect(remarks(name)).toHaveLength(count)
  })
})
