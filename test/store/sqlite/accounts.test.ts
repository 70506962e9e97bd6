import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SqliteAccounts } from '../../../src/store/sqlite/accounts.ts'
import { DatabaseSync } from '../../support/documents/sqlite.ts'
import { account, describeAccounts, keysOf } from '../accounts-contract.ts'

let folder: string
let count = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-accounts-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const newPath = () => join(folder, `accounts-${count++}.db`)
const ALICE = 'alice@example.org'

describeAccounts('sqlite', async () => new SqliteAccounts(newPath()))

describe('SqliteAccounts', () => {
  it('keeps its accounts when it is opened again, and shows them to others', async () => {
    const path = newPath()
    const [first, second] = [new SqliteAccounts(path), new SqliteAccounts(path)]
    await first.create(account(ALICE), {})
    expect(await second.find(ALICE)).toStrictEqual(account(ALICE))
    const secret = await first.dummySecret()
    expect(await second.dummySecret()).toEqual(secret)
    await first.close()
    await second.close()
    const third = new SqliteAccounts(path)
    expect(await third.list()).toStrictEqual([account(ALICE)])
    expect(await third.dummySecret()).toEqual(secret)
    await third.close()
  })

  it('makes an account once, and keeps to the limit, over two connections', async () => {
    const path = newPath()
    const both = [new SqliteAccounts(path), new SqliteAccounts(path)]
    const jids = Array.from({ length: 10 }, (_, index) => `u${index}@example.org`)
    const creations = jids.flatMap((jid) => both.map((accounts) => accounts.create(account(jid), { perDomain: 4 })))
    const outcomes = await Promise.all(creations)
    expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(4)
    expect(await both[0]?.list()).toHaveLength(4)
    for (const accounts of both) await accounts.close()
  })

  it('lets the server go on while another process writes, and does its work when that is done', async () => {
    const path = newPath()
    const accounts = new SqliteAccounts(path)
    await accounts.create(account(ALICE), {})
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const order: string[] = []
    const change = accounts.setKeys(ALICE, keysOf('new'), 9).then(() => order.push('changed'))
    expect(await accounts.find(ALICE)).toStrictEqual(account(ALICE))
    order.push('found')
    other.exec('COMMIT')
    await change
    expect(order).toEqual(['found', 'changed'])
    expect(await accounts.find(ALICE)).toStrictEqual(account(ALICE, { keys: keysOf('new'), changedAt: 9 }))
    other.close()
    await accounts.close()
  })

  it('says that the database is not available when the lock is held for long', async () => {
    const path = newPath()
    const accounts = new SqliteAccounts(path)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const message = `the account database ${path} is locked by another process`
    await expect(accounts.create(account(ALICE), {})).rejects.toMatchObject({ code: 'UNAVAILABLE', message })
    other.exec('COMMIT')
    expect(await accounts.create(account(ALICE), {})).toBeUndefined()
    other.close()
    await accounts.close()
  })

  it('is readable by its owner only, with its WAL, whatever the umask is', async () => {
    const umask = process.umask(0)
    const path = newPath()
    const accounts = new SqliteAccounts(path)
    await accounts.create(account(ALICE), {})
    const modes = ['', '-wal', '-shm'].map((suffix) => statSync(path + suffix).mode & 0o777)
    process.umask(umask)
    await accounts.close()
    expect(modes).toEqual([0o600, 0o600, 0o600])
  })

  it.each([
    ['a text file', 'is not an SQLite database', (path: string) => writeFileSync(path, 'no accounts '.repeat(500))],
    [
      'accounts of a newer version',
      'was written by a newer xmppki',
      (path: string) => {
        const database = new DatabaseSync(path)
        database.exec('PRAGMA user_version = 999')
        database.close()
      },
    ],
  ])('refuses %s and names the path', (_name, text, make) => {
    const path = newPath()
    make(path)
    const message = `the account database ${path} ${text}`
    expect(() => new SqliteAccounts(path)).toThrow(expect.objectContaining({ code: 'CORRUPT', message }))
  })

  it('reports a path where no file can be', () => {
    const path = join(folder, 'no', 'such', 'accounts.db')
    const wanted = { code: 'IO', message: expect.stringContaining(path) }
    expect(() => new SqliteAccounts(path)).toThrow(expect.objectContaining(wanted))
  })
})
