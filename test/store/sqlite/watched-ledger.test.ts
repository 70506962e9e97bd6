import { copyFileSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { XmppkiError } from '../../../src/errors.ts'
import { LEDGER_WORDS } from '../../../src/store/sqlite/driver.ts'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { snapshotDatabase } from '../../../src/store/sqlite/snapshot.ts'
import { WatchedLedger } from '../../../src/store/sqlite/watched-ledger.ts'
import { describeLedger, idOf, issuedRecord } from '../ledger-contract.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-watched-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let count = 0
const watch = (
  path: string,
  onChange: (absence: XmppkiError | undefined) => void = () => undefined,
  now?: () => number,
) => new WatchedLedger({ path, open: () => new SqliteLedger(path), onChange }, now)

describeLedger('watched', () => watch(join(folder, `contract-${count++}.db`)))

/** A ledger with these certificates, beside the others. */
function prepared(name: string, ...records: readonly (readonly [serial: string, revoked: boolean])[]): string {
  const path = join(folder, `${count++}-${name}`)
  const ledger = new SqliteLedger(path)
  ledger.transaction((insert, changes) => {
    for (const [serial, isRevoked] of records) {
      insert(issuedRecord({ serial }))
      if (isRevoked) changes.revoke(idOf(serial), { at: 1, reason: 'keyCompromise' })
    }
  })
  ledger.close()
  // By itself, without a log beside it.
  const whole = `${path}.whole`
  snapshotDatabase(path, whole, LEDGER_WORDS)
  return whole
}

describe('WatchedLedger', () => {
  let path: string
  let clock: number
  let told: (string | undefined)[]
  let ledger: WatchedLedger
  beforeEach(() => {
    path = prepared('ledger.db', ['aa', false], ['bb', false])
    clock = 0
    told = []
    ledger = watch(
      path,
      (absence) => told.push(absence?.message),
      () => clock,
    )
  })
  afterEach(() => ledger.close())

  /** Looks again, as often as it takes to be sure. */
  const later = async () => {
    for (let look = 0; look < 8; look++) {
      clock += 100
      ledger.absence()
      for (let turn = 0; turn < 5; turn++) await nextTurn()
    }
  }

  it('leaves what others have written to the next file where they have written it', async () => {
    expect(ledger.revokedAt(idOf('aa'))).toBeUndefined()
    renameSync(prepared('next.db', ['aa', false]), path)
    const other = new SqliteLedger(path)
    other.transaction((_insert, changes) => changes.revoke(idOf('aa'), { at: 1, reason: 'keyCompromise' }))
    await later()
    other.close()
    await later()
    expect(ledger.revokedAt(idOf('aa'))).toBe(1)
  })

  it('reads the file that has been put in its place, and says that much has changed', async () => {
    const before = ledger.changes()
    renameSync(prepared('next.db', ['aa', true]), path)
    expect(ledger.revokedAt(idOf('aa'))).toBeUndefined()
    await later()
    expect(ledger.revokedAt(idOf('aa'))).toBe(1)
    expect(ledger.find(idOf('bb'))).toBeUndefined()
    expect(ledger.changes()).toBeGreaterThan(before)
    expect([ledger.absence(), told]).toEqual([undefined, [undefined]])
  })

  it('hears of what others write to that file', async () => {
    renameSync(prepared('next.db', ['aa', false]), path)
    await later()
    const before = ledger.changes()
    const other = new SqliteLedger(path)
    other.transaction((_insert, changes) => changes.revoke(idOf('aa'), { at: 5, reason: 'superseded' }))
    expect(ledger.changes()).not.toBe(before)
    expect(ledger.revokedAt(idOf('aa'))).toBe(5)
    other.close()
  })

  it('leaves nothing in the write-ahead log that would get into the next file', async () => {
    const other = new SqliteLedger(path)
    other.transaction((_insert, changes) => changes.revoke(idOf('bb'), { at: 5, reason: 'superseded' }))
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0)
    ledger.changes()
    expect(statSync(`${path}-wal`).size).toBe(0)
    other.close()
    renameSync(prepared('next.db', ['aa', true], ['bb', false]), path)
    await later()
    expect([ledger.revokedAt(idOf('aa')), ledger.revokedAt(idOf('bb'))]).toEqual([1, undefined])
  })

  it('reads a file anew that has been written over in place', async () => {
    const next = prepared('next.db', ['aa', true])
    expect(ledger.revokedAt(idOf('aa'))).toBeUndefined()
    const before = ledger.changes()
    copyFileSync(next, path)
    await later()
    expect(ledger.revokedAt(idOf('aa'))).toBe(1)
    expect(ledger.changes()).toBeGreaterThan(before)
  })

  it.each<[string, (file: string) => void]>([
    ['deleted', (file) => rmSync(file)],
    ['moved away', (file) => renameSync(file, `${file}.away`)],
    ['emptied', (file) => writeFileSync(file, '')],
    ['replaced by something else', (file) => renameSync(junk(), file)],
  ])('refuses while the file is %s, and goes on when it is back', async (_what, remove) => {
    const before = ledger.changes()
    const copy = join(folder, `${count++}-copy.db`)
    snapshotDatabase(path, copy, LEDGER_WORDS)
    remove(path)
    await later()
    expect(ledger.absence()).toContain(path)
    expect(() => ledger.revokedAt(idOf('aa'))).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
    expect(() => ledger.enrolments.find('x')).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
    const absent = ledger.changes()
    expect(absent).toBeGreaterThan(before)
    expect(told).toEqual([expect.stringContaining(path)])
    rmSync(path, { force: true })
    renameSync(copy, path)
    await later()
    expect(ledger.absence()).toBeUndefined()
    expect(ledger.find(idOf('bb'))).toMatchObject({ serial: 'bb' })
    expect(ledger.changes()).toBeGreaterThan(absent)
    expect(told).toEqual([expect.stringContaining(path), undefined])
  })

  it('does not mind a moment without a file', async () => {
    renameSync(path, `${path}.away`)
    clock += 150
    expect(ledger.absence()).toBeUndefined()
    expect(ledger.find(idOf('aa'))).toMatchObject({ serial: 'aa' })
    renameSync(`${path}.away`, path)
    await later()
    expect(told).toEqual([])
  })

  it('gives what has been moved away all that was written to it', async () => {
    ledger.transaction((_insert, changes) => changes.revoke(idOf('aa'), { at: 9, reason: 'keyCompromise' }))
    renameSync(path, `${path}.away`)
    await later()
    const away = new SqliteLedger(`${path}.away`)
    expect(away.revokedAt(idOf('aa'))).toBe(9)
    away.close()
  })

  it('stays with a file until a transaction is over', async () => {
    await ledger.longTransaction(async (insert) => {
      insert(issuedRecord({ serial: 'cc' }))
      renameSync(prepared('next.db', ['aa', true]), path)
      await later()
      expect(ledger.find(idOf('cc'))).toBeDefined()
    })
    await later()
    expect(ledger.revokedAt(idOf('aa'))).toBe(1)
  })
})

function junk(): string {
  const file = join(folder, `${count++}-junk`)
  writeFileSync(file, 'no ledger '.repeat(500))
  return file
}
