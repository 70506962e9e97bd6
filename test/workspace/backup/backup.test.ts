import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SqliteAccounts } from '../../../src/store/sqlite/accounts.ts'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { ageEncryption } from '../../../src/workspace/backup/age.ts'
import { backupWorkspace } from '../../../src/workspace/backup/backup.ts'
import { restoreWorkspace } from '../../../src/workspace/backup/restore.ts'
import { writeTar } from '../../../src/workspace/backup/tar.ts'
import { signerId } from '../../../src/workspace/base/authority.ts'
import { openWorkspace } from '../../../src/workspace/base/workspace.ts'
import { readAuditTrail } from '../../../src/workspace/ca/audit-trail.ts'
import { account } from '../../store/accounts-contract.ts'
import { CaFolder } from '../support.ts'

let ca: CaFolder
beforeEach(async () => {
  ca = await new CaFolder().init()
})
afterEach(() => ca.remove())

const backup = (name = 'x.age') => backupWorkspace(ca.workspace, ca.path(name), 'pass', 10)
const restore = (name = 'x.age', home = 'new') => restoreWorkspace(ca.path(home), ca.path(name), 'pass')
const failure = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) })

/** Paths, modes and contents of everything but the ledger. */
function contentOf(home: string): unknown[] {
  return readdirSync(home, { recursive: true, encoding: 'utf8' })
    .filter((path) => !/^(ledger\.db.*|tmp)$/.test(path))
    .sort()
    .map((path) => {
      const status = statSync(join(home, path))
      return [path, status.mode & 0o777, status.isFile() ? readFileSync(join(home, path), 'utf8') : undefined]
    })
}

describe('backupWorkspace and restoreWorkspace', () => {
  it('bring everything to another folder, which goes on', async () => {
    const { serial } = await ca.issue('alice')
    await ca.issue('bob', { out: ca.path('out') })
    const made = await backup()
    expect(made).toMatchObject({ files: 9, outside: 1, skipped: [] })
    expect(statSync(made.file).mode & 0o777).toBe(0o600)
    expect(statSync(made.file).size).toBe(made.bytes)
    expect(readdirSync(ca.folder).sort()).toEqual(['home', 'out', 'x.age'])
    expect(readAuditTrail(ca.workspace.ledger()).entries.at(-1)).toMatchObject({
      event: 'backed-up',
      details: { file: made.file, sha256: made.sha256, files: 9 },
    })
    const restored = await restore()
    expect(restored).toMatchObject({ home: ca.path('new'), domain: 'localhost', files: 9, certificates: 3, outside: 1 })
    expect(contentOf(ca.path('new'))).toEqual(contentOf(ca.home))
    expect(readdirSync(ca.folder).sort()).toEqual(['home', 'new', 'out', 'x.age'])
    const workspace = openWorkspace(ca.path('new'))
    expect(workspace.ledger().listBySerial(serial)[0]?.directory).toBe(ca.path('new/clients/localhost/alice'))
    const { entries } = readAuditTrail(workspace.ledger(), {}, restored.head.hash)
    expect(entries.map(({ event }) => event)).toEqual(['log-started', 'ca-created', 'issued', 'issued', 'restored'])
    workspace.close()
  })

  it('bring the accounts as they are while a server writes them', async () => {
    const accounts = new SqliteAccounts(ca.workspace.paths.accounts)
    await accounts.create(account('alice@localhost'), {})
    expect(await backup()).toMatchObject({ files: 5, skipped: [] })
    await accounts.delete('alice@localhost')
    await accounts.close()
    expect(await restore()).toMatchObject({ files: 5 })
    expect(statSync(ca.path('new/accounts.db')).mode & 0o777).toBe(0o600)
    const restored = new SqliteAccounts(ca.path('new/accounts.db'))
    expect(await restored.list()).toStrictEqual([account('alice@localhost')])
    await restored.close()
  })

  it('has nothing readable in the file', async () => {
    await ca.issue('alice')
    const content = readFileSync((await backup()).file)
    for (const text of ['root.key', 'PRIVATE KEY', 'SQLite', 'alice']) expect(content.includes(text)).toBe(false)
  })

  it('finishes first what a killed process has left', async () => {
    const { directory } = await ca.issue('alice')
    const { home } = ca
    // As after a crash between rename and commit: files and journal, no row.
    const ledger = ca.workspace.ledger()
    const record = ledger.list('client')[0]
    const temporary = ca.workspace.paths.temporary
    const other = await new CaFolder().init()
    const journal = { record, certificateFile: 'alice.crt', staging: join(home, 'clients/localhost/.xmppki-0') }
    mkdirSync(other.path('home/clients/localhost'), { recursive: true, mode: 0o700 })
    mkdirSync(other.path('home/tmp'), { recursive: true, mode: 0o700 })
    const there = other.path('home/clients/localhost/alice')
    mkdirSync(there, { mode: 0o700 })
    writeFileSync(join(there, 'alice.crt'), readFileSync(join(directory, 'alice.crt')))
    const moved = { ...journal, record: { ...record, ...signerId(other.workspace.root()), directory: there } }
    writeFileSync(other.path('home/tmp/.xmppki-0.json'), JSON.stringify(moved))
    await backupWorkspace(other.workspace, ca.path('x.age'), 'pass', 10)
    expect(readdirSync(temporary)).toEqual([])
    await restore()
    const restored = new SqliteLedger(ca.path('new/ledger.db'))
    expect(restored.list('client').map(({ name }) => name)).toEqual(['alice@localhost'])
    restored.close()
    other.remove()
  })

  it('leaves out other workspaces and links, and says so', async () => {
    mkdirSync(join(ca.home, 'quickstart'))
    writeFileSync(join(ca.home, 'quickstart/ledger.db'), '')
    symlinkSync('/etc/hostname', join(ca.home, 'link'))
    expect(await backup()).toMatchObject({ files: 4, skipped: ['link', 'quickstart'] })
  })

  it.each([
    ['over another file', 'taken', 'EXISTS', 'already there'],
    ['into the workspace', 'home/x.age', 'USAGE', 'is in the workspace'],
    ['where no file can be', 'no/folder/x', 'IO', 'cannot write'],
  ])('does not write %s', async (_case, name, code, text) => {
    writeFileSync(ca.path('taken'), 'precious')
    const before = readAuditTrail(ca.workspace.ledger()).head
    await expect(backup(name)).rejects.toThrow(failure(code, text))
    expect(readFileSync(ca.path('taken'), 'utf8')).toBe('precious')
    expect(readAuditTrail(ca.workspace.ledger()).head).toEqual(before)
    expect(readdirSync(ca.workspace.paths.temporary)).toEqual([])
  })

  it('restores into a folder that has other things, but not over them', async () => {
    await backup()
    mkdirSync(ca.path('new/quickstart'), { recursive: true })
    await restore()
    const names = readdirSync(ca.path('new')).filter((name) => !name.startsWith('ledger.db-'))
    expect(names.sort()).toEqual(['ca', 'ledger.db', 'quickstart', 'workspace.json'])
    mkdirSync(ca.path('other'))
    writeFileSync(ca.path('other/workspace.json'), 'precious')
    await expect(restore('x.age', 'other')).rejects.toThrow(failure('EXISTS', 'workspace.json'))
    expect(readdirSync(ca.path('other'))).toEqual(['workspace.json'])
  })

  it('does not touch a CA that is there', async () => {
    await backup()
    await expect(restore('x.age', 'home')).rejects.toThrow(failure('EXISTS', '/home/ca'))
  })

  it('keeps others from writing meanwhile', async () => {
    const ledger = new SqliteLedger(ca.workspace.paths.ledger)
    const isFree = () => {
      try {
        return ledger.tryTransaction(() => true)
      } catch {
        return false
      }
    }
    const found: boolean[] = []
    const made = backup()
    let isDone = false
    made.finally(() => {
      isDone = true
    })
    while (!isDone) {
      found.push(isFree())
      await new Promise(process.nextTick)
    }
    expect(found).toContain(false)
    expect(isFree()).toBe(true)
    ledger.close()
  })

  it.each<[what: string, content: (good: Buffer) => Uint8Array | Promise<Uint8Array>, code: string]>([
    ['a cut file', (good) => good.subarray(0, -1), 'CORRUPT'],
    ['something else', () => Buffer.from('hello'), 'BAD_INPUT'],
    ['another passphrase', () => sealed([], 'other'), 'PASSPHRASE'],
    ['an empty archive', () => sealed([]), 'CORRUPT'],
    ['a path that leads out', () => sealed([['../evil', 'x']]), 'CORRUPT'],
    ['no archive', () => encrypted(Buffer.from('x')), 'CORRUPT'],
    [
      'an archive that is cut in a file',
      async () => encrypted((await archive([['a', 'x'.repeat(700)]])).subarray(0, 1_000)),
      'CORRUPT',
    ],
    ['an archive without its end', async () => encrypted((await archive([['a', 'x']])).subarray(0, 1_024)), 'CORRUPT'],
    ['an archive with something behind its end', async () => encrypted(await archive([]), Buffer.from('x')), 'CORRUPT'],
  ])('restores nothing from %s', async (_what, content, code) => {
    const good = readFileSync((await backup()).file)
    writeFileSync(ca.path('bad.age'), await content(good))
    await expect(restore('bad.age')).rejects.toThrow(expect.objectContaining({ code }))
    expect(readdirSync(ca.folder).sort()).toEqual(['bad.age', 'home', 'x.age'])
    expect(existsSync(ca.path('evil'))).toBe(false)
  })
})

type Files = readonly (readonly [path: string, text: string])[]

function archive(files: Files): Promise<Buffer> {
  const members = files.map(([path, text]) => {
    const content = [Buffer.from(text)]
    return { path, kind: 'file', mode: 0o600, modified: 0, size: text.length, content } as const
  })
  return buffer(writeTar(members))
}

async function encrypted(...pieces: readonly Uint8Array[]): Promise<Buffer> {
  return buffer((await ageEncryption('pass', 10))(Readable.from(pieces)))
}

async function sealed(files: Files, passphrase = 'pass'): Promise<Buffer> {
  return buffer((await ageEncryption(passphrase, 10))(Readable.from([await archive(files)])))
}
