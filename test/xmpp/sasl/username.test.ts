import { describe, expect, it } from 'vitest'
import { accountOfName, isHostOf } from '../../../src/xmpp/sasl/username.ts'

describe('a Common Name that is that of a server', () => {
  const hosts = ['Example.org', 'mail.example.org', 'xn--bcher-kva.example', 'not a host']

  it.each([
    ['example.org', true],
    ['EXAMPLE.ORG', true],
    ['example.org.', true],
    ['mail.example.org', true],
    ['bücher.example', true],
    ['NOT A HOST', true],
    ['www.example.org', false],
    ['example', false],
    ['alice', false],
    ['alice@example.org', false],
    ['example.org/alice', false],
    ['', false],
  ])('%j: %s', (name, isHost) => {
    expect(isHostOf(name, hosts)).toBe(isHost)
  })
})

describe('the account of a name', () => {
  it.each([
    { name: 'alice', account: 'alice@localhost' },
    { name: 'Alice', account: 'alice@localhost' },
    { name: 'alice@localhost', account: 'alice@localhost' },
    { name: 'alice@LOCALHOST', account: 'alice@localhost' },
    { name: 'alice@elsewhere.example', account: undefined },
    { name: 'alice/phone', account: undefined },
    { name: 'alice@localhost/phone', account: undefined },
    { name: 'a@b@localhost', account: undefined },
    { name: '@localhost', account: undefined },
    { name: 'two words', account: undefined },
    { name: '', account: undefined },
  ])('$name: $account', ({ name, account }) => {
    expect(accountOfName(name, 'localhost', { prefix: '', suffix: '' })?.toString()).toBe(account)
  })

  it.each([
    { name: 'alice', prefix: 'x_', suffix: '', account: 'x_alice@localhost' },
    { name: 'alice', prefix: '', suffix: '.y', account: 'alice.y@localhost' },
    { name: 'ALICE', prefix: 'X_', suffix: '.Y', account: 'x_alice.y@localhost' },
    // A JID does not step over what keeps certificates apart.
    { name: 'alice@localhost', prefix: 'x_', suffix: '.y', account: 'x_alice.y@localhost' },
    { name: 'alice@elsewhere.example', prefix: 'x_', suffix: '', account: undefined },
    // Whatever changes beside its affixes would be the name of somebody else.
    { name: '\u0301alice', prefix: 'xe', suffix: '', account: undefined },
    { name: '\u0301alice', prefix: 'x_', suffix: '', account: undefined },
    { name: 'alice', prefix: '', suffix: '\u0301', account: undefined },
    { name: 'אב', prefix: 'x', suffix: '', account: undefined },
    { name: '', prefix: 'x', suffix: '', account: undefined },
    { name: '@localhost', prefix: 'x', suffix: '', account: undefined },
    { name: 'alice', prefix: 'a b', suffix: '', account: undefined },
    { name: 'a'.repeat(1_000), prefix: 'x'.repeat(100), suffix: '', account: undefined },
  ])('$prefix, $name, $suffix: $account', ({ name, prefix, suffix, account }) => {
    expect(accountOfName(name, 'localhost', { prefix, suffix })?.toString()).toBe(account)
  })
})
