import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { HolderBook } from '../../../src/server/accounts/holder-book.ts'
import { MemoryAccounts } from '../../../src/store/memory/accounts.ts'
import { MemoryLedger } from '../../../src/store/memory/ledger.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { issuedRecord } from '../../store/ledger-contract.ts'
import { LogBook } from '../../support/servers/server.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Accounts that count what is written, and can be away. */
class CountingAccounts extends MemoryAccounts {
  readonly written: (readonly string[])[] = []
  failure: Error | undefined

  override async noteHolders(jids: readonly string[]): Promise<void> {
    if (this.failure !== undefined) throw this.failure
    this.written.push(jids)
    await super.noteHolders(jids)
  }
}

function setUp() {
  const accounts = new CountingAccounts()
  const ledger = new MemoryLedger()
  const log = new LogBook()
  const world: { accounts: CountingAccounts | undefined } = { accounts }
  const book = new HolderBook({ accounts: () => world.accounts, ledger, log })
  const note = (...names: readonly string[]) => {
    for (const name of names) book.note(parseJid(`${name}@localhost`))
  }
  return { accounts, ledger, log, world, book, note }
}

describe('a name that somebody has had a certificate for', () => {
  it('is known at once, and written with all that come in the same second', async () => {
    const { accounts, book, note } = setUp()
    note('alice', 'bob')
    expect(await book.isKnown('alice@localhost')).toBe(true)
    await vi.advanceTimersByTimeAsync(999)
    note('carol')
    expect(accounts.written).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(accounts.written).toEqual([['alice@localhost', 'bob@localhost', 'carol@localhost']])
    expect(await book.isKnown('alice@localhost')).toBe(true)
    expect(await book.isKnown('dora@localhost')).toBe(false)
  })

  it('is written once, however often it comes back', async () => {
    const { accounts, note } = setUp()
    note('alice', 'alice')
    await vi.advanceTimersByTimeAsync(1_000)
    note('alice')
    await vi.advanceTimersByTimeAsync(5_000)
    note('alice', 'bob')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(accounts.written).toEqual([['alice@localhost'], ['bob@localhost']])
  })

  it.each([
    {
      where: 'in the ledger',
      find: ({ ledger }: ReturnType<typeof setUp>) =>
        ledger.transaction((insert) => insert(issuedRecord({ serial: 'a1', name: 'alice@localhost' }))),
    },
    {
      where: 'at another server',
      find: ({ accounts }: ReturnType<typeof setUp>) => accounts.noteHolders(['alice@localhost']),
    },
  ])('is known $where', async ({ find }) => {
    const world = setUp()
    expect(await world.book.isKnown('alice@localhost')).toBe(false)
    await find(world)
    expect(await world.book.isKnown('alice@localhost')).toBe(true)
  })

  it('is not lost while the store is away: it is known, and written with the next one', async () => {
    const { accounts, log, book, note } = setUp()
    accounts.failure = new XmppkiError('UNAVAILABLE', 'away')
    note('alice')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(log.lines).toMatchObject([{ level: 'warn', error: 'away' }])
    expect(await book.isKnown('alice@localhost')).toBe(true)
    accounts.failure = undefined
    note('bob')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(accounts.written).toEqual([['alice@localhost', 'bob@localhost']])
  })

  it('waits for a store where there is none yet', async () => {
    const { accounts, world, book, note } = setUp()
    world.accounts = undefined
    note('alice')
    await vi.advanceTimersByTimeAsync(1_000)
    expect([await book.isKnown('alice@localhost'), await book.isKnown('bob@localhost')]).toEqual([true, false])
    world.accounts = accounts
    await book.write()
    expect(accounts.written).toEqual([['alice@localhost']])
  })

  it('is written at the end, without waiting for the second to pass', async () => {
    const { accounts, book, note } = setUp()
    note('alice')
    await book.write()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(accounts.written).toEqual([['alice@localhost']])
  })

  it('hides no defect', async () => {
    const { accounts, book, note } = setUp()
    accounts.failure = new TypeError('a defect')
    note('alice')
    await expect(book.write()).rejects.toThrow('a defect')
  })
})
