import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { IssuedRecord, Ledger } from '../../src/store/ledger.ts'
import { MemoryLedger } from '../../src/store/memory.ts'
import { SqliteLedger } from '../../src/store/sqlite.ts'
import { PUBLIC_FILE, SECRET_FILE } from '../../src/workspace/files.ts'
import { publish } from '../../src/workspace/publish.ts'
import { issuedRecord } from '../store/contract.ts'

let folder: string
let certificate: string
let fingerprint: string
let ledger: MemoryLedger
let count = 0

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-publish-'))
  const request = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=x',
  ]
  certificate = execFileSync('openssl', [...request, '-keyout', '/dev/null'], { encoding: 'utf8', stdio: 'pipe' })
  fingerprint = new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase()
})
afterAll(() => rmSync(folder, { recursive: true }))

let home: string
beforeEach(() => {
  home = join(folder, String(count++))
  mkdirSync(home)
  ledger = new MemoryLedger()
})

const temporary = () => join(home, 'tmp')
const recordOf = (serial: string, name: string): IssuedRecord =>
  issuedRecord({ serial, fingerprint, directory: join(home, 'clients', name) })

function publishClient(serial: string, name: string, wanted = () => true, into: Ledger = ledger): boolean {
  const files = [
    { name: 'x.key', content: 'key', mode: SECRET_FILE },
    { name: 'x.crt', content: certificate, mode: PUBLIC_FILE },
  ] as const
  return publish(into, temporary(), { record: recordOf(serial, name), files, certificateFile: 'x.crt' }, wanted)
}

/** What a process leaves that was killed after it had written its journal. */
function leaveJournal(record: IssuedRecord): string {
  const staging = join(home, 'clients', '.xmppki-0123456789abcdef')
  mkdirSync(temporary(), { recursive: true })
  writeFileSync(
    join(temporary(), '.xmppki-0123456789abcdef.json'),
    JSON.stringify({ record, certificateFile: 'x.crt', staging }),
  )
  return staging
}

const serials = () => ledger.list().map(({ serial }) => serial)

describe('publish', () => {
  it('makes folder, files and row, and nothing else', () => {
    expect(publishClient('a1', 'alice')).toBe(true)
    expect(serials()).toEqual(['a1'])
    expect(readdirSync(join(home, 'clients'))).toEqual(['alice'])
    expect(readdirSync(temporary())).toEqual([])
    const modes = ['', 'x.key', 'x.crt'].map((name) => statSync(join(home, 'clients/alice', name)).mode & 0o777)
    expect(modes).toEqual([0o700, 0o600, 0o644])
  })

  it('does nothing when it is not wanted any more', () => {
    expect(publishClient('a1', 'alice', () => false)).toBe(false)
    expect(serials()).toEqual([])
    expect(readdirSync(join(home, 'clients'))).toEqual([])
  })

  it('never touches a folder that is there', () => {
    mkdirSync(join(home, 'clients', 'alice'), { recursive: true })
    writeFileSync(join(home, 'clients', 'alice', 'x.key'), 'precious')
    expect(() => publishClient('a1', 'alice')).toThrow(expect.objectContaining({ code: 'EXISTS' }))
    expect(readFileSync(join(home, 'clients/alice/x.key'), 'utf8')).toBe('precious')
    expect(readdirSync(join(home, 'clients'))).toEqual(['alice'])
    expect(serials()).toEqual([])
  })

  it('leaves no key behind when the ledger refuses the row', () => {
    publishClient('a1', 'alice')
    expect(() => publishClient('a1', 'bob')).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
    expect(readdirSync(join(home, 'clients'))).toEqual(['alice'])
  })
})

describe('publish after a crash', () => {
  it('of the real ledger between rename and commit: files, journal and no row; the next one adds the row', () => {
    const sqlite = new SqliteLedger(join(home, 'ledger.db'))
    // The rollback leaves the file as the kernel leaves it when it takes the lock from a dead process.
    const crashing: Ledger = {
      findBySerial: (serial) => sqlite.findBySerial(serial),
      findCurrent: (holder) => sqlite.findCurrent(holder),
      list: (kind) => sqlite.list(kind),
      close: () => sqlite.close(),
      transaction: (work) =>
        sqlite.transaction((insert) => {
          work(insert)
          throw new Error('killed')
        }),
    }
    expect(() => publishClient('a1', 'alice', () => true, crashing)).toThrow('killed')
    expect(readdirSync(join(home, 'clients/alice')).sort()).toEqual(['x.crt', 'x.key'])
    expect(readdirSync(temporary())).toHaveLength(1)
    expect(sqlite.list()).toEqual([])
    publishClient('b2', 'bob', () => true, sqlite)
    expect(sqlite.list().map(({ serial }) => serial)).toEqual(['a1', 'b2'])
    expect(sqlite.findBySerial('a1')).toStrictEqual(recordOf('a1', 'alice'))
    expect(readdirSync(temporary())).toEqual([])
    sqlite.close()
  })

  it('between rename and commit: adds the missing row', () => {
    publishClient('a1', 'alice')
    ledger = new MemoryLedger()
    leaveJournal(recordOf('a1', 'alice'))
    publishClient('b2', 'bob')
    expect(ledger.findBySerial('a1')).toStrictEqual(recordOf('a1', 'alice'))
    expect(serials()).toEqual(['a1', 'b2'])
    expect(readdirSync(temporary())).toEqual([])
  })

  it('between rename and commit: the row is there when `wanted` is asked', () => {
    publishClient('a1', 'alice')
    ledger = new MemoryLedger()
    leaveJournal(recordOf('a1', 'alice'))
    expect(publishClient('b2', 'alice', () => ledger.findBySerial('a1') === undefined)).toBe(false)
    expect(serials()).toEqual(['a1'])
  })

  it('after the commit: the row is not added twice', () => {
    publishClient('a1', 'alice')
    leaveJournal(recordOf('a1', 'alice'))
    publishClient('b2', 'bob')
    expect(serials()).toEqual(['a1', 'b2'])
  })

  it('before the rename: removes the staged private key, adds no row', () => {
    const staging = leaveJournal(recordOf('a1', 'alice'))
    mkdirSync(staging, { recursive: true })
    writeFileSync(join(staging, 'x.key'), 'secret')
    publishClient('b2', 'bob')
    expect(existsSync(staging)).toBe(false)
    expect(serials()).toEqual(['b2'])
    expect(readdirSync(temporary())).toEqual([])
  })

  it.each([
    [
      'another certificate',
      () =>
        execFileSync(
          'openssl',
          ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-subj', '/CN=y', '-keyout', '/dev/null'],
          { stdio: 'pipe' },
        ),
    ],
    ['no certificate at all', () => 'hello'],
  ])('before the rename, and %s in its place: adds no row', (_case, make) => {
    leaveJournal(recordOf('a1', 'alice'))
    mkdirSync(join(home, 'clients', 'alice'), { recursive: true })
    writeFileSync(join(home, 'clients/alice/x.crt'), make())
    publishClient('b2', 'bob')
    expect(serials()).toEqual(['b2'])
  })

  it.each([
    ['cut off', '{"record":{"ser'],
    ['empty', ''],
  ])('while the journal was written (%s): forgets it', (_case, text) => {
    mkdirSync(temporary())
    writeFileSync(join(temporary(), '.xmppki-x.json'), text)
    publishClient('b2', 'bob')
    expect(readdirSync(temporary())).toEqual([])
    expect(serials()).toEqual(['b2'])
  })

  it('removes nothing but staging folders', () => {
    const victim = join(home, 'precious')
    mkdirSync(victim)
    mkdirSync(temporary())
    const journal = { record: recordOf('a1', 'alice'), certificateFile: 'x.crt', staging: victim }
    writeFileSync(join(temporary(), 'j.json'), JSON.stringify(journal))
    publishClient('b2', 'bob')
    expect(existsSync(victim)).toBe(true)
  })
})
