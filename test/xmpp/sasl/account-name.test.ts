import { describe, expect, it } from 'vitest'
import { accountAt, requestedAccount } from '../../../src/xmpp/sasl/account-name.ts'

describe('the account that a text names', () => {
  it.each([
    { text: 'alice@localhost', at: 'alice@localhost', requested: 'alice@localhost' },
    { text: 'ALICE@localhost', at: 'alice@localhost', requested: 'alice@localhost' },
    { text: 'alice@localhost/phone', at: 'alice@localhost/phone', requested: 'alice@localhost/phone' },
    { text: 'alice', at: undefined, requested: 'alice@localhost' },
    { text: 'localhost', at: undefined, requested: 'localhost@localhost' },
    { text: 'alice@elsewhere.example', at: undefined, requested: undefined },
    { text: 'alice/phone', at: undefined, requested: undefined },
    { text: '@localhost', at: undefined, requested: undefined },
    { text: '', at: undefined, requested: undefined },
  ])('$text: $at, and $requested where the domain may be missing', ({ text, at, requested }) => {
    expect(accountAt('localhost', text)?.toString()).toBe(at)
    expect(requestedAccount(text, 'localhost')?.toString()).toBe(requested)
  })
})
