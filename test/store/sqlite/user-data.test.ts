import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { SqliteDocuments } from '../../../src/store/sqlite/documents.ts'
import type { SqliteDatabase } from '../../../src/store/sqlite/driver.ts'
import { SqliteEventLog } from '../../../src/store/sqlite/event-log.ts'
import { SqliteUserData } from '../../../src/store/sqlite/user-data.ts'
import { DatabaseSync } from '../../support/documents/sqlite.ts'
import { entry } from '../event-log-contract.ts'

const ALICE = 'alice@example.org'

let folder: string
let count = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-user-data-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const newPath = () => join(folder, `user-data-${count++}.db`)

describe('SqliteUserData', () => {
  let path: string
  let file: SqliteUserData
  let log: SqliteEventLog
  /** Somebody else who has the file open. */
  let other: SqliteDatabase
  beforeEach(() => {
    path = newPath()
    file = new SqliteUserData(path)
    log = new SqliteEventLog(file, 'archive')
    other = new DatabaseSync(path)
  })
  afterEach(async () => {
    other.close()
    await file.close()
  })

  const texts = async () => {
    const { entries } = await log.page(ALICE, { max: 1_000, from: 'oldest' })
    return entries.map(({ text }) => text).join('')
  }

  it('writes what comes together in one transaction, of whichever log', async () => {
    const version = () => (other.prepare('PRAGMA data_version').get() as { data_version: number }).data_version
    const before = version()
    const offline = new SqliteEventLog(file, 'offline')
    const appended = [...'abcdef'].map((text) => log.append(ALICE, entry(text)))
    appended.push(offline.append(ALICE, entry('g')))
    expect(new Set(appended.map(({ durable }) => durable)).size).toBe(1)
    await Promise.all(appended.map(({ durable }) => durable))
    expect(version()).not.toBe(before)
    expect(await offline.count(ALICE)).toBe(1)
  })

  it('writes nothing of a batch that fails, and what comes later', async () => {
    other.exec(
      `CREATE TRIGGER poison BEFORE INSERT ON event WHEN NEW.text = 'c' BEGIN SELECT RAISE(ABORT, 'poison'); END`,
    )
    const lost = [...'abcd'].map((text) => log.append(ALICE, entry(text)).durable)
    for (const durable of lost) await expect(durable).rejects.toThrow()
    expect(await texts()).toBe('')
    await log.append(ALICE, entry('e')).durable
    expect(await texts()).toBe('e')
  })

  it('goes on while another process holds the lock, and writes when it is free', async () => {
    other.exec('BEGIN IMMEDIATE')
    let isWritten = false
    const { durable } = log.append(ALICE, entry('a'))
    void durable.then(() => {
      isWritten = true
    })
    // Whoever serves is not kept: turns pass in which nothing is written.
    for (let turn = 0; turn < 1_000; turn++) await nextTurn()
    expect(isWritten).toBe(false)
    other.exec('COMMIT')
    await durable
    expect(await texts()).toBe('a')
  })

  it('says that the database is not available when the lock is held for long', async () => {
    other.exec('BEGIN IMMEDIATE')
    const message = `the database of user data ${path} is locked by another process`
    const documents = new SqliteDocuments(file, 'roster')
    const [appended, written] = [log.append(ALICE, entry('a')).durable, documents.write(ALICE, new Map([['x', 1]]))]
    await expect(written).rejects.toMatchObject({ code: 'UNAVAILABLE', message })
    other.exec('COMMIT')
    // In its turn it may have found the lock free.
    await appended.catch((error: unknown) => expect(error).toMatchObject({ code: 'UNAVAILABLE', message }))
    await log.append(ALICE, entry('b')).durable
    expect(await texts()).toMatch(/^a?b$/)
  })

  it('says what is wrong with the file, and goes on when it is as it was', async () => {
    other.exec('ALTER TABLE event RENAME TO elsewhere')
    await expect(log.append(ALICE, entry('a')).durable).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringContaining(`${path} cannot be used: `),
    })
    other.exec('ALTER TABLE elsewhere RENAME TO event')
    await log.append(ALICE, entry('b')).durable
    expect(await texts()).toBe('b')
  })

  it('is readable by its owner only, with its WAL, whatever the umask is', async () => {
    const umask = process.umask(0)
    const fresh = newPath()
    const opened = new SqliteUserData(fresh)
    await new SqliteDocuments(opened, 'roster').write(ALICE, new Map([['x', 1]]))
    const modes = ['', '-wal', '-shm'].map((suffix) => statSync(fresh + suffix).mode & 0o777)
    process.umask(umask)
    await opened.close()
    expect(modes).toEqual([0o600, 0o600, 0o600])
  })

  it('survives a defect in the thread that writes', async () => {
    const row = { collection: 'archive', owner: ALICE, id: 'x', at: 1, peer: '', resource: '', text: {} as string }
    const change = file.change({ kind: 'append', rows: [row] })
    const message = `the thread that writes ${path} has ended`
    await expect(change).rejects.toMatchObject({ code: 'INTERNAL', message })
    await log.append(ALICE, entry('a')).durable
    expect(await texts()).toBe('a')
  })

  it.each([
    ['a text file', 'is not an SQLite database', (name: string) => writeFileSync(name, 'no data '.repeat(500))],
    [
      'data of a newer version',
      'was written by a newer xmppki',
      (name: string) => {
        const database = new DatabaseSync(name)
        database.exec('PRAGMA user_version = 999')
        database.close()
      },
    ],
  ])('refuses %s and names the path', (_name, text, make) => {
    const strange = newPath()
    make(strange)
    const message = `the database of user data ${strange} ${text}`
    expect(() => new SqliteUserData(strange)).toThrow(expect.objectContaining({ code: 'CORRUPT', message }))
  })
})
