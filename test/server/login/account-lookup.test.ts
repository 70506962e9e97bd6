import { describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { isFailure, lookUp, lookUpDummyKeys } from '../../../src/server/login/account-lookup.ts'
import { MemoryAccounts } from '../../../src/store/memory/accounts.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { failed } from '../../../src/xmpp/sasl/attempt.ts'
import { addAccount } from '../../support/servers/password-server.ts'
import { LogBook } from '../../support/servers/server.ts'

/** Accounts that answer every question with this error. */
function broken(error: Error): MemoryAccounts {
  const reject = () => Promise.reject(error)
  return Object.assign(new MemoryAccounts(), { find: reject, dummySecret: reject, keyForms: reject })
}

const AWAY = new XmppkiError('UNAVAILABLE', 'the database is away', { hint: 'start it' })

describe('a question about an account', () => {
  it('is about the account, whatever resource it is asked with', async () => {
    const accounts = new MemoryAccounts()
    await addAccount(accounts, 'alice@localhost')
    const log = new LogBook()
    expect(await lookUp(accounts, parseJid('alice@localhost/phone'), log)).toMatchObject({ jid: 'alice@localhost' })
    expect(await lookUp(accounts, parseJid('bob@localhost'), log)).toBeUndefined()
    expect(log.lines).toEqual([])
  })

  it('gets what dummies are made from', async () => {
    const accounts = new MemoryAccounts()
    await addAccount(accounts, 'alice@localhost', 'open sesame')
    const found = await lookUpDummyKeys(accounts, 'localhost', new LogBook())
    expect(found).toMatchObject({ secret: await accounts.dummySecret(), forms: await accounts.keyForms('localhost') })
  })

  it.each([
    { what: 'an account', ask: (log: LogBook) => lookUp(broken(AWAY), parseJid('alice@localhost'), log) },
    { what: 'dummies', ask: (log: LogBook) => lookUpDummyKeys(broken(AWAY), 'localhost', log) },
  ])('costs the login when the store is away, and the log says why: $what', async ({ ask }) => {
    const log = new LogBook()
    const answer = await ask(log)
    expect(answer).toMatchObject({ kind: 'failure', condition: 'temporary-auth-failure' })
    expect(isFailure(answer)).toBe(true)
    expect(log.lines).toMatchObject([{ level: 'error', error: 'the database is away', hint: 'start it' }])
  })

  it('does not hide a defect', async () => {
    const question = lookUp(broken(new TypeError('a defect')), parseJid('alice@localhost'), new LogBook())
    await expect(question).rejects.toThrow('a defect')
  })
})

describe('a failure', () => {
  it.each([
    [undefined, false],
    [{ jid: 'alice@localhost', keys: {}, createdAt: 1, changedAt: 1 }, false],
    [failed('not-authorized', 'nobody'), true],
  ])('is told from what was found: %o', (found, isOne) => {
    expect(isFailure(found)).toBe(isOne)
  })
})
