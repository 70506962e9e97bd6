import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { IssuedRecord, Ledger, Revocation } from '../../../src/store/ledger.ts'
import { MemoryLedger } from '../../../src/store/memory/ledger.ts'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { install } from '../../../src/workspace/base/install.ts'
import type { Replaced } from '../../../src/workspace/base/installation.ts'
import { settleUnfinished } from '../../../src/workspace/base/unfinished.ts'
import { readAuditTrail } from '../../../src/workspace/ca/audit-trail.ts'
import { PUBLIC_FILE, SECRET_FILE } from '../../../src/workspace/disk/files.ts'
import { idOf, issuedRecord } from '../../store/ledger-contract.ts'

let folder: string
let certificate: string
let fingerprint: string
/** A second one. */
let other: { readonly certificate: string; readonly fingerprint: string }
let ledger: MemoryLedger
let count = 0

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-install-'))
  ;({ certificate, fingerprint } = selfSigned('x'))
  other = selfSigned('y')
})
afterAll(() => rmSync(folder, { recursive: true }))

function selfSigned(commonName: string) {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', '/dev/null']
  const made = execFileSync('openssl', ['req', '-x509', ...key, '-subj', `/CN=${commonName}`], {
    encoding: 'utf8',
    stdio: 'pipe',
  })
  return {
    certificate: made,
    fingerprint: new X509Certificate(made).fingerprint256.replaceAll(':', '').toLowerCase(),
  }
}

let home: string
beforeEach(() => {
  home = join(folder, String(count++))
  mkdirSync(home)
  ledger = new MemoryLedger()
})

const temporary = () => join(home, 'tmp')
const recordOf = (serial: string, name: string): IssuedRecord =>
  issuedRecord({ serial, fingerprint, directory: join(home, 'clients', name) })

function installClient(serial: string, name: string, wanted = () => true, into: Ledger = ledger): boolean {
  const files = [
    { name: 'x.key', content: 'key', mode: SECRET_FILE },
    { name: 'x.crt', content: certificate, mode: PUBLIC_FILE },
  ] as const
  return install(into, temporary(), { record: recordOf(serial, name), files, certificateFile: 'x.crt' }, wanted)
}

/** What a process leaves that was killed after it had written its journal. */
function leaveJournal(record: IssuedRecord, replaces?: Replaced): string {
  const staging = join(home, 'clients', '.xmppki-0123456789abcdef')
  mkdirSync(temporary(), { recursive: true })
  writeFileSync(
    join(temporary(), '.xmppki-0123456789abcdef.json'),
    JSON.stringify({ record, certificateFile: 'x.crt', staging, replaces }),
  )
  return staging
}

const serials = () => ledger.list().map(({ serial }) => serial)

describe('install', () => {
  it('makes folder, files and row, and nothing else', () => {
    expect(installClient('a1', 'alice')).toBe(true)
    expect(serials()).toEqual(['a1'])
    expect(readdirSync(join(home, 'clients'))).toEqual(['alice'])
    expect(readdirSync(temporary())).toEqual([])
    const modes = ['', 'x.key', 'x.crt'].map((name) => statSync(join(home, 'clients/alice', name)).mode & 0o777)
    expect(modes).toEqual([0o700, 0o600, 0o644])
  })

  it('does nothing when it is not wanted any more', () => {
    expect(installClient('a1', 'alice', () => false)).toBe(false)
    expect(serials()).toEqual([])
    expect(readdirSync(join(home, 'clients'))).toEqual([])
  })

  it('never touches a folder that is there', () => {
    mkdirSync(join(home, 'clients', 'alice'), { recursive: true })
    writeFileSync(join(home, 'clients', 'alice', 'x.key'), 'precious')
    expect(() => installClient('a1', 'alice')).toThrow(expect.objectContaining({ code: 'EXISTS' }))
    expect(readFileSync(join(home, 'clients/alice/x.key'), 'utf8')).toBe('precious')
    expect(readdirSync(join(home, 'clients'))).toEqual(['alice'])
    expect(serials()).toEqual([])
  })

  it('leaves no key behind when the ledger refuses the row', () => {
    installClient('a1', 'alice')
    expect(() => installClient('a1', 'bob')).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
    expect(readdirSync(join(home, 'clients'))).toEqual(['alice'])
  })
})

describe('install with a certificate that is replaced', () => {
  const folderOf = (name: string) => join(home, 'clients', name)
  const replaces = () => ({ ...idOf('a1'), archive: folderOf('alice~a1') })

  /** Its own certificate, so that the two folders can be told apart. */
  function installSuccessor(
    into: Ledger,
    given: Partial<ReturnType<typeof replaces>> & { revocation?: Revocation } = {},
  ) {
    const record = issuedRecord({ serial: 'b2', fingerprint: other.fingerprint, directory: folderOf('alice') })
    const files = [{ name: 'x.crt', content: other.certificate, mode: PUBLIC_FILE }] as const
    const installation = { record, files, certificateFile: 'x.crt', replaces: { ...replaces(), ...given } }
    return install(into, temporary(), installation, () => true)
  }
  const certificateIn = (name: string) => readFileSync(join(folderOf(name), 'x.crt'), 'utf8')

  it('puts the new folder in the place of the old one, and the ledger knows both', () => {
    installClient('a1', 'alice')
    installSuccessor(ledger, { revocation: { at: 9, reason: 'superseded' } })
    expect(readdirSync(join(home, 'clients')).sort()).toEqual(['alice', 'alice~a1'])
    expect([certificateIn('alice'), certificateIn('alice~a1')]).toEqual([other.certificate, certificate])
    expect(ledger.listBySerial('a1')[0]).toMatchObject({ directory: folderOf('alice~a1'), revokedAt: 9 })
    expect(ledger.listBySerial('b2')[0]).toMatchObject({ directory: folderOf('alice') })
    expect(readdirSync(temporary())).toEqual([])
  })

  it('puts nothing into an archive that is there', () => {
    installClient('a1', 'alice')
    mkdirSync(folderOf('alice~a1'))
    expect(() => installSuccessor(ledger)).toThrow(expect.objectContaining({ code: 'EXISTS' }))
    expect(certificateIn('alice')).toBe(certificate)
    expect(serials()).toEqual(['a1'])
  })

  it('puts the old folder back when the new one cannot take its place', () => {
    installClient('a1', 'alice')
    const staging = () => readdirSync(join(home, 'clients')).find((name) => name.startsWith('.xmppki-')) ?? ''
    const failing: Ledger = {
      find: (certificate) => ledger.find(certificate),
      listBySerial: (serial) => ledger.listBySerial(serial),
      revokedAt: (serial) => ledger.revokedAt(serial),
      knowsClient: (name) => ledger.knowsClient(name),
      findCurrent: (holder) => ledger.findCurrent(holder),
      list: (kind) => ledger.list(kind),
      listRevoked: (issuer) => ledger.listRevoked(issuer),
      countRevoked: () => ledger.countRevoked(),
      revokedAmong: (serials) => ledger.revokedAmong(serials),
      changes: () => ledger.changes(),
      recordLogins: (logins) => ledger.recordLogins(logins),
      lastLogins: () => ledger.lastLogins(),
      auditTrail: () => ledger.auditTrail(),
      auditHead: () => ledger.auditHead(),
      longTransaction: (work) => ledger.longTransaction(work),
      tryTransaction: (work) => ledger.tryTransaction(work),
      enrolments: ledger.enrolments,
      close: () => ledger.close(),
      transaction: (work) =>
        ledger.transaction((insert, changes) =>
          work(insert, {
            ...changes,
            // The last step before the renames: now the second one will find nothing to rename.
            relocate: () => rmSync(join(home, 'clients', staging()), { recursive: true }),
          }),
        ),
    }
    expect(() => installSuccessor(failing)).toThrow(expect.objectContaining({ code: 'IO' }))
    expect(certificateIn('alice')).toBe(certificate)
    expect(readdirSync(join(home, 'clients'))).toEqual(['alice'])
    expect(serials()).toEqual(['a1'])
  })

  it('killed between the two renames: the next installation puts the old folder back', () => {
    installClient('a1', 'alice')
    const record = issuedRecord({ serial: 'b2', fingerprint: other.fingerprint, directory: folderOf('alice') })
    const staging = leaveJournal(record, replaces())
    mkdirSync(staging)
    writeFileSync(join(staging, 'x.crt'), other.certificate)
    renameSync(folderOf('alice'), folderOf('alice~a1'))
    installClient('c3', 'carol')
    expect(certificateIn('alice')).toBe(certificate)
    expect(readdirSync(join(home, 'clients')).sort()).toEqual(['alice', 'carol'])
    expect(ledger.listBySerial('a1')[0]?.directory).toBe(folderOf('alice'))
    expect(serials().sort()).toEqual(['a1', 'c3'])
  })

  it('killed between the two renames: whoever comes to settle it puts the old folder back', () => {
    installClient('a1', 'alice')
    expect(settleUnfinished(ledger, temporary())).toBe(false)
    leaveJournal(issuedRecord({ serial: 'b2', directory: folderOf('alice') }), replaces())
    renameSync(folderOf('alice'), folderOf('alice~a1'))
    expect(settleUnfinished(ledger, temporary())).toBe(true)
    expect(certificateIn('alice')).toBe(certificate)
    expect(readdirSync(temporary())).toEqual([])
  })

  it('but not while another process writes: it is not waited for, and what it has under way stays', async () => {
    const writer = new SqliteLedger(join(home, 'ledger.db'))
    const onlooker = new SqliteLedger(join(home, 'ledger.db'))
    const staging = leaveJournal(recordOf('a1', 'alice'))
    mkdirSync(staging, { recursive: true })
    await writer.longTransaction(async () => {
      expect(() => settleUnfinished(onlooker, temporary())).toThrow(expect.objectContaining({ code: 'IO' }))
    })
    expect(existsSync(staging)).toBe(true)
    expect(settleUnfinished(onlooker, temporary())).toBe(true)
    expect(existsSync(staging)).toBe(false)
    onlooker.close()
    writer.close()
  })

  it('killed before the first rename: the next installation removes what was prepared', () => {
    installClient('a1', 'alice')
    const record = issuedRecord({ serial: 'b2', fingerprint: other.fingerprint, directory: folderOf('alice') })
    const staging = leaveJournal(record, replaces())
    mkdirSync(staging)
    installClient('c3', 'carol')
    expect(readdirSync(join(home, 'clients')).sort()).toEqual(['alice', 'carol'])
    expect(certificateIn('alice')).toBe(certificate)
    expect(serials().sort()).toEqual(['a1', 'c3'])
  })

  it('killed after the second rename: the next installation brings the ledger up to date', () => {
    installClient('a1', 'alice')
    const record = issuedRecord({ serial: 'b2', fingerprint: other.fingerprint, directory: folderOf('alice') })
    leaveJournal(record, { ...replaces(), revocation: { at: 9, reason: 'superseded' } })
    renameSync(folderOf('alice'), folderOf('alice~a1'))
    mkdirSync(folderOf('alice'))
    writeFileSync(join(folderOf('alice'), 'x.crt'), other.certificate)
    installClient('c3', 'carol')
    expect(ledger.listBySerial('a1')[0]).toMatchObject({ directory: folderOf('alice~a1'), revokedAt: 9 })
    expect(ledger.listBySerial('b2')[0]).toStrictEqual(record)
  })

  /** What the version before has left: nothing says which CA a certificate is from. */
  function leaveOldJournal(record: IssuedRecord, replaces?: Replaced): string {
    const { authority: _authority, ...old } = record
    const { authority: _other, issuer: _issuer, ...oldReplaces } = replaces ?? idOf('')
    return leaveJournal(old as IssuedRecord, replaces && (oldReplaces as Replaced))
  }

  it('killed after the second rename by the version before: the same', () => {
    installClient('a1', 'alice')
    const record = issuedRecord({ serial: 'b2', fingerprint: other.fingerprint, directory: folderOf('alice') })
    leaveOldJournal(record, { ...replaces(), revocation: { at: 9, reason: 'superseded' } })
    renameSync(folderOf('alice'), folderOf('alice~a1'))
    mkdirSync(folderOf('alice'))
    writeFileSync(join(folderOf('alice'), 'x.crt'), other.certificate)
    installClient('c3', 'carol')
    expect(ledger.find(idOf('a1'))).toMatchObject({ directory: folderOf('alice~a1'), revokedAt: 9 })
    expect(ledger.find(idOf('b2'))).toStrictEqual({ ...record, authority: '' })
  })

  it('adds no row a second time that says which CA it is from since', () => {
    installClient('a1', 'alice')
    leaveOldJournal(recordOf('a1', 'alice'))
    installClient('c3', 'carol')
    expect(serials()).toEqual(['a1', 'c3'])
  })

  it('moves nothing that a journal puts elsewhere', () => {
    const elsewhere = join(home, 'precious')
    mkdirSync(elsewhere)
    leaveJournal(issuedRecord({ serial: 'b2', directory: folderOf('alice') }), { ...idOf('a1'), archive: elsewhere })
    installClient('c3', 'carol')
    expect(existsSync(elsewhere)).toBe(true)
    expect(readdirSync(join(home, 'clients'))).toEqual(['carol'])
  })
})

/** The rollback leaves the file as the kernel leaves it when it takes the lock from a dead process. */
function crashingAtCommit(sqlite: SqliteLedger): Ledger {
  return {
    find: (certificate) => sqlite.find(certificate),
    listBySerial: (serial) => sqlite.listBySerial(serial),
    revokedAt: (serial) => sqlite.revokedAt(serial),
    knowsClient: (name) => sqlite.knowsClient(name),
    findCurrent: (holder) => sqlite.findCurrent(holder),
    list: (kind) => sqlite.list(kind),
    listRevoked: (issuer) => sqlite.listRevoked(issuer),
    countRevoked: () => ledger.countRevoked(),
    revokedAmong: (serials) => sqlite.revokedAmong(serials),
    changes: () => sqlite.changes(),
    recordLogins: (logins) => sqlite.recordLogins(logins),
    lastLogins: () => sqlite.lastLogins(),
    auditTrail: () => sqlite.auditTrail(),
    auditHead: () => sqlite.auditHead(),
    longTransaction: (work) => sqlite.longTransaction(work),
    tryTransaction: (work) => sqlite.tryTransaction(work),
    enrolments: sqlite.enrolments,
    close: () => sqlite.close(),
    transaction: (work) =>
      sqlite.transaction((insert, changes) => {
        work(insert, changes)
        throw new Error('killed')
      }),
  }
}

describe('install after a crash', () => {
  it('of the real ledger between rename and commit: files, journal and no row; the next one adds the row', () => {
    const sqlite = new SqliteLedger(join(home, 'ledger.db'))
    expect(() => installClient('a1', 'alice', () => true, crashingAtCommit(sqlite))).toThrow('killed')
    expect(readdirSync(join(home, 'clients/alice')).sort()).toEqual(['x.crt', 'x.key'])
    expect(readdirSync(temporary())).toHaveLength(1)
    expect(sqlite.list()).toEqual([])
    installClient('b2', 'bob', () => true, sqlite)
    expect(sqlite.list().map(({ serial }) => serial)).toEqual(['a1', 'b2'])
    expect(readAuditTrail(sqlite).entries.map(({ serial }) => serial)).toEqual([undefined, 'a1', 'b2'])
    expect(sqlite.listBySerial('a1')[0]).toStrictEqual(recordOf('a1', 'alice'))
    expect(readdirSync(temporary())).toEqual([])
    sqlite.close()
  })

  it('and another one while the first is being finished: nothing is forgotten', () => {
    const sqlite = new SqliteLedger(join(home, 'ledger.db'))
    for (const [serial, name] of [
      ['a1', 'alice'],
      ['b2', 'bob'],
    ] as const) {
      expect(() => installClient(serial, name, () => true, crashingAtCommit(sqlite))).toThrow('killed')
    }
    expect(sqlite.list()).toEqual([])
    installClient('c3', 'carol', () => true, sqlite)
    expect(
      sqlite
        .list()
        .map(({ serial }) => serial)
        .sort(),
    ).toEqual(['a1', 'b2', 'c3'])
    expect(readdirSync(temporary())).toEqual([])
    sqlite.close()
  })

  it('between rename and commit: adds the missing row', () => {
    installClient('a1', 'alice')
    ledger = new MemoryLedger()
    leaveJournal(recordOf('a1', 'alice'))
    installClient('b2', 'bob')
    expect(ledger.listBySerial('a1')[0]).toStrictEqual(recordOf('a1', 'alice'))
    expect(serials()).toEqual(['a1', 'b2'])
    expect(readdirSync(temporary())).toEqual([])
  })

  it('between rename and commit: the row is there when `wanted` is asked', () => {
    installClient('a1', 'alice')
    ledger = new MemoryLedger()
    leaveJournal(recordOf('a1', 'alice'))
    expect(installClient('b2', 'alice', () => ledger.listBySerial('a1')[0] === undefined)).toBe(false)
    expect(serials()).toEqual(['a1'])
  })

  it('after the commit: the row is not added twice', () => {
    installClient('a1', 'alice')
    leaveJournal(recordOf('a1', 'alice'))
    installClient('b2', 'bob')
    expect(serials()).toEqual(['a1', 'b2'])
  })

  it('before the rename: removes the staged private key, adds no row', () => {
    const staging = leaveJournal(recordOf('a1', 'alice'))
    mkdirSync(staging, { recursive: true })
    writeFileSync(join(staging, 'x.key'), 'secret')
    installClient('b2', 'bob')
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
    installClient('b2', 'bob')
    expect(serials()).toEqual(['b2'])
  })

  it.each([
    ['cut off', '{"record":{"ser'],
    ['empty', ''],
  ])('while the journal was written (%s): forgets it', (_case, text) => {
    mkdirSync(temporary())
    writeFileSync(join(temporary(), '.xmppki-x.json'), text)
    installClient('b2', 'bob')
    expect(readdirSync(temporary())).toEqual([])
    expect(serials()).toEqual(['b2'])
  })

  it('removes nothing but staging folders', () => {
    const victim = join(home, 'precious')
    mkdirSync(victim)
    mkdirSync(temporary())
    const journal = { record: recordOf('a1', 'alice'), certificateFile: 'x.crt', staging: victim }
    writeFileSync(join(temporary(), 'j.json'), JSON.stringify(journal))
    installClient('b2', 'bob')
    expect(existsSync(victim)).toBe(true)
  })
})
