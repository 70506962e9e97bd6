import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemoryLedger } from '../../../src/store/memory/ledger.ts'
import { type UserFile, writeUserFiles } from '../../../src/workspace/clients/user-files.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-files-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const write = (files: readonly UserFile[]) => writeUserFiles(new MemoryLedger(), files)

const file = (name: string, content = name) => ({ path: join(folder, name), content })

describe('writeUserFiles', () => {
  it('writes many into several folders, for their owner alone', async () => {
    const names = Array.from({ length: 250 }, (_, index) => `${index % 3}/${index}.html`)
    expect(await write(names.map((name) => file(name)))).toEqual([])
    for (const name of names) {
      expect(readFileSync(join(folder, name), 'utf8')).toBe(name)
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    }
    expect(['', '0', '1', '2'].flatMap((name) => readdirSync(join(folder, name)))).toHaveLength(253)
    expect(statSync(join(folder, '0')).mode & 0o777).toBe(0o700)
  })

  it('overwrites nothing, and names what says something else', async () => {
    writeFileSync(join(folder, 'same'), 'same')
    writeFileSync(join(folder, 'other'), 'mine')
    expect(await write([file('same'), file('other'), file('new')])).toEqual([join(folder, 'other')])
    expect(['new', 'other', 'same'].map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual([
      'new',
      'mine',
      'same',
    ])
  })

  it('clears up what a killed run has left, and nothing else', async () => {
    for (const name of ['.xmppki-0123456789abcdef', '.xmppki-mine', 'other']) mkdirSync(join(folder, name))
    writeFileSync(join(folder, '.xmppki-0123456789abcdef', 'a.html'), 'secret')
    await write([file('a.html')])
    expect(readdirSync(folder).sort()).toEqual(['.xmppki-mine', 'a.html', 'other'])
  })

  it('leaves nothing behind where it may not write', async () => {
    writeFileSync(join(folder, 'file'), '')
    await expect(write([file('file/a')])).rejects.toMatchObject({ code: 'IO' })
    expect(readdirSync(folder)).toEqual(['file'])
    expect(existsSync(join(folder, 'file', 'a'))).toBe(false)
  })
})
