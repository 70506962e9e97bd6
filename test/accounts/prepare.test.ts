import { describe, expect, it } from 'vitest'
import type { Credential, ForeignRow } from '../../src/accounts/foreign-account.ts'
import { prepareAccounts } from '../../src/accounts/prepare.ts'
import { XmppkiError } from '../../src/errors.ts'

const KEYS = { salt: 'AAAA', iterations: 4096, storedKey: 'AAAA', serverKey: 'AAAA' }
const password: Credential = { kind: 'password', password: 'secret' }
const keys = (...hashes: string[]): Credential => ({
  kind: 'keys',
  keys: Object.fromEntries(hashes.map((hash) => [hash, KEYS])),
})

const prepare = (...credentials: Credential[]) => {
  const rows = credentials.map((credential, index): ForeignRow => {
    return { place: `a:${index + 1}`, name: 'alice', domain: undefined, credential }
  })
  return prepareAccounts(rows, ({ name }) => `${name}@localhost`)
}

describe('rows about one account', () => {
  it.each([
    [
      'add up when they have keys of several hashes',
      [keys('sha-1'), keys('sha-256', 'sha-512')],
      keys('sha-1', 'sha-256', 'sha-512'),
    ],
    ['are the password, where there is one', [keys('sha-1'), password], password],
    ['are the password, also when it is first', [password, keys('sha-1'), keys('sha-256')], password],
  ])('%s', (_case, credentials, expected) => {
    const { accounts, refused } = prepare(...credentials)
    expect(accounts).toEqual([{ place: 'a:1', jid: 'alice@localhost', credential: expected }])
    expect(refused).toEqual([])
  })

  it.each([
    ['two passwords', [password, password]],
    ['keys of one hash twice', [keys('sha-1'), keys('sha-256', 'sha-1')]],
    ['nothing and a password', [{ kind: 'none' }, password] as const],
    ['nothing twice', [{ kind: 'none' }, { kind: 'none' }] as const],
  ])('are too many with %s', (_case, [first, second]) => {
    const { accounts, refused } = prepare(first!, second!)
    expect(accounts).toEqual([{ place: 'a:1', jid: 'alice@localhost', credential: first }])
    expect(refused.map(({ place, error }) => [place, error.message])).toEqual([
      ['a:2', 'alice@localhost stands at a:1 already'],
    ])
  })
})

describe('a row', () => {
  it('is refused for its password, without repeating it', () => {
    const { accounts, refused } = prepare({ kind: 'password', password: 'a\u0007b' })
    expect(accounts).toEqual([])
    expect(refused.map(({ error }) => error.message)).toEqual([
      'the password is blank, too long, or has characters that no password may have',
    ])
  })

  it('is refused for its name', () => {
    const rows: ForeignRow[] = [
      { place: 'a:1', name: 'bad', domain: undefined, credential: password },
      { place: 'a:2', name: 'x', error: new XmppkiError('BAD_INPUT', 'before') },
    ]
    const { refused } = prepareAccounts(rows, () => {
      throw new XmppkiError('BAD_NAME', 'no such name')
    })
    expect(refused.map(({ place, error }) => [place, error.message])).toEqual([
      ['a:1', 'no such name'],
      ['a:2', 'before'],
    ])
  })
})
