import { describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { type AccountOptions, AccountService } from '../../../src/server/accounts/account-service.ts'
import { MemoryAccounts } from '../../../src/store/memory/accounts.ts'
import { MemoryLedger } from '../../../src/store/memory/ledger.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { verifyPassword } from '../../../src/xmpp/sasl/scram-credentials.ts'
import type { StanzaError } from '../../../src/xmpp/stanza.ts'
import { issuedRecord } from '../../store/ledger-contract.ts'
import { addAccount, ITERATIONS } from '../../support/servers/password-server.ts'
import { LogBook } from '../../support/servers/server.ts'

const ALICE = parseJid('alice@localhost')
const START = Date.UTC(2030, 0, 1)

/** A service whose account alice@localhost has no password. */
async function setUp(given: Partial<AccountOptions> | 'closed' = {}) {
  const accounts = new MemoryAccounts()
  await addAccount(accounts, 'alice@localhost')
  const ledger = new MemoryLedger()
  const log = new LogBook()
  const clock = { now: START }
  const ended: string[] = []
  const removal: { objection: StanzaError | undefined } = { objection: undefined }
  const options: AccountOptions = {
    accounts,
    hashes: ['sha-256'],
    iterations: ITERATIONS,
    mechanisms: new Set(['SCRAM-SHA-256']),
    registration: true,
    ...(given === 'closed' ? {} : given),
  }
  const service = new AccountService({
    settings: () => (given === 'closed' ? undefined : options),
    now: () => new Date(clock.now),
    ledger,
    beforeRemoval: async () => removal.objection,
    endSessions: (account) => ended.push(account.toString()),
    log,
  })
  const register = (username: string, password = 'secret', remote = '192.0.2.1:40000') =>
    service.register('localhost', { username, password }, remote)
  return { service, accounts, ledger, log, clock, ended, removal, register }
}

describe('an account that somebody makes', () => {
  it('is there with keys of its password, which stands nowhere', async () => {
    const { accounts, log, register } = await setUp()
    expect(await register('Bob', 'correct horse')).toBeUndefined()
    const bob = await accounts.find('bob@localhost')
    expect(bob).toMatchObject({ createdAt: START, changedAt: START })
    expect(await verifyPassword('correct horse', bob?.keys ?? {})).toBe(true)
    expect(log.lines).toMatchObject([{ level: 'info', account: 'bob@localhost', remote: '192.0.2.1:40000' }])
    expect(JSON.stringify([bob, log.lines])).not.toContain('correct horse')
  })

  it.each([
    ['alice', 'secret', 'conflict'],
    ['ALICE', 'secret', 'conflict'],
    ['holder', 'secret', 'conflict'],
    ['bob@localhost', 'secret', 'jid-malformed'],
    ['bob/x', 'secret', 'jid-malformed'],
    ['two words', 'secret', 'jid-malformed'],
    ['', 'secret', 'jid-malformed'],
    ['bob', '', 'not-acceptable'],
    ['bob', '\u0221', 'not-acceptable'],
  ])('is not: %s with the password %j is %s', async (username, password, condition) => {
    const { accounts, ledger, register } = await setUp()
    ledger.transaction((insert) => insert(issuedRecord({ serial: 'a1', name: 'holder@localhost' })))
    expect(await register(username, password)).toMatchObject({ condition })
    expect(await accounts.list()).toHaveLength(1)
  })

  it('is not one more than there may be', async () => {
    const { register } = await setUp({ maxPerDomain: 2 })
    expect(await register('bob')).toBeUndefined()
    expect(await register('carol')).toMatchObject({ condition: 'not-allowed' })
  })

  it('is not the seventh from one network in a short time, whether the others were made or not', async () => {
    const { clock, register } = await setUp()
    for (const name of ['alice', 'alice', 'alice', 'b', 'c', 'd']) await register(name, 'secret', '192.0.2.1:1')
    expect(await register('e', 'secret', '192.0.2.1:2')).toMatchObject({ condition: 'resource-constraint' })
    expect(await register('e', 'secret', '198.51.100.1:2')).toBeUndefined()
    clock.now += 600_000
    expect(await register('f', 'secret', '192.0.2.1:3')).toBeUndefined()
  })
})

describe('a password that somebody changes', () => {
  it('is the only one from then on', async () => {
    const { service, accounts, clock, log } = await setUp()
    clock.now += 1_000
    expect(await service.changePassword(ALICE, 'new one')).toBeUndefined()
    const alice = await accounts.find('alice@localhost')
    expect(alice?.changedAt).toBe(START + 1_000)
    expect(await verifyPassword('new one', alice?.keys ?? {})).toBe(true)
    expect(log.lines).toMatchObject([{ level: 'info', account: 'alice@localhost', message: 'password changed' }])
  })

  it.each([
    { account: 'alice@localhost', password: '', condition: 'not-acceptable' },
    { account: 'gone@localhost', password: 'new one', condition: 'item-not-found' },
  ])('stays the old one of $account: $condition', async ({ account, password, condition }) => {
    const { service, accounts } = await setUp()
    const before = await accounts.list()
    expect(await service.changePassword(parseJid(account), password)).toMatchObject({ condition })
    expect(await accounts.list()).toEqual(before)
  })

  it('is not changed too often, whatever others do', async () => {
    const { service } = await setUp()
    const told = []
    for (let n = 0; n < 7; n++) told.push((await service.changePassword(ALICE, `password ${n}`))?.condition)
    expect(told).toEqual([...Array(6).fill(undefined), 'resource-constraint'])
    const other = await service.changePassword(parseJid('gone@localhost'), 'x')
    expect(other?.condition).toBe('item-not-found')
  })
})

describe('an account that somebody removes', () => {
  it('is gone, and its sessions end when they are told to', async () => {
    const { service, accounts, ended } = await setUp()
    expect(await service.remove(ALICE)).toBeUndefined()
    expect([await accounts.find('alice@localhost'), ended]).toEqual([undefined, []])
    service.endSessions(ALICE)
    expect(ended).toEqual(['alice@localhost'])
  })

  it('stays when what has to go before it stays', async () => {
    const { service, accounts, removal } = await setUp()
    removal.objection = { condition: 'resource-constraint' }
    expect(await service.remove(ALICE)).toBe(removal.objection)
    expect(await accounts.find('alice@localhost')).toBeDefined()
  })
})

describe('what is open to whom', () => {
  it.each<{ name: string; given: Parameters<typeof setUp>[0]; open: readonly boolean[] }>([
    { name: 'strangers may make accounts', given: {}, open: [true, true, true, true, true] },
    { name: 'they may not', given: { registration: false }, open: [true, false, false, true, false] },
    { name: 'there are no passwords', given: 'closed', open: [false, false, false, false, false] },
  ])('$name', async ({ given, open }) => {
    const { service, register } = await setUp(given)
    const isOpen = (error: StanzaError | undefined) => error?.condition !== 'not-allowed'
    expect([
      service.isOpen,
      service.takesRegistrations,
      isOpen(await register('bob')),
      isOpen(await service.changePassword(ALICE, 'new one')),
      isOpen(await service.remove(ALICE)),
    ]).toEqual(open)
  })

  it('cannot be done while the store is away, and the log says why', async () => {
    const { service, accounts, log, register } = await setUp()
    const away = () => Promise.reject(new XmppkiError('UNAVAILABLE', 'away', { hint: 'start it' }))
    Object.assign(accounts, { create: away, setKeys: away, delete: away })
    for (const attempt of [register('bob'), service.changePassword(ALICE, 'new one'), service.remove(ALICE)]) {
      expect(await attempt).toMatchObject({ condition: 'resource-constraint' })
    }
    expect(log.lines.map(({ level, error, hint }) => [level, error, hint])).toEqual(
      Array(3).fill(['error', 'away', 'start it']),
    )
  })
})
