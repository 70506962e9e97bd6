import { spawn } from 'node:child_process'
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createFile,
  createFolder,
  makePrivateFolder,
  PUBLIC_FILE,
  replaceFile,
  SECRET_FILE,
} from '../../../src/workspace/disk/files.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-files-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const modeOf = (...parts: string[]) => statSync(join(folder, ...parts)).mode & 0o777
const failure = (text: string) => expect.objectContaining({ code: 'IO', message: expect.stringContaining(text) })

describe('makePrivateFolder', () => {
  it('makes every missing folder for the owner alone, and leaves others as they are', () => {
    chmodSync(folder, 0o755)
    makePrivateFolder(join(folder, 'a/b/c'))
    makePrivateFolder(join(folder, 'a/b/c'))
    expect([modeOf(), modeOf('a'), modeOf('a/b'), modeOf('a/b/c')]).toEqual([0o755, 0o700, 0o700, 0o700])
  })

  it('copes with another process that makes and removes the same folders all the time', async () => {
    const script = 'while :; do mkdir -p "$0/r/s/t"; rmdir "$0/r/s/t" "$0/r/s" "$0/r" 2>/dev/null; done'
    const other = spawn('sh', ['-c', script, folder], { stdio: 'ignore' })
    const closed = new Promise((resolve) => other.on('close', resolve))
    const errors: unknown[] = []
    for (let i = 0; i < 8000; i++) {
      try {
        makePrivateFolder(join(folder, 'r/s'))
      } catch (error) {
        errors.push(error)
      }
    }
    other.kill()
    await closed
    // A folder that is removed again right after it was made may be missing; it must never be "already there".
    for (const error of errors) expect(error).not.toEqual(failure('EEXIST'))
  })

  it('does not take a file or what is below one for a folder', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => makePrivateFolder(join(folder, 'file'))).toThrow(failure('is not a folder'))
    expect(() => makePrivateFolder(join(folder, 'file/x'))).toThrow(failure('ENOTDIR'))
  })
})

describe('createFile', () => {
  const secret = { name: 'key', content: 'secret', mode: SECRET_FILE } as const

  it('never follows or replaces what is there', () => {
    const target = join(folder, 'elsewhere')
    symlinkSync(target, join(folder, 'key'))
    expect(() => createFile(folder, secret)).toThrow(failure('EEXIST'))
    expect(readdirSync(folder)).not.toContain('elsewhere')
  })

  it('gives modes that a missing umask does not widen', () => {
    const umask = process.umask(0)
    createFolder(join(folder, 'new'), [secret, { name: 'crt', content: 'public', mode: PUBLIC_FILE }])
    process.umask(umask)
    expect([modeOf('new'), modeOf('new/key'), modeOf('new/crt')]).toEqual([0o700, 0o600, 0o644])
  })
})

describe('replaceFile', () => {
  it('replaces the whole file and leaves nothing beside it', () => {
    makePrivateFolder(join(folder, 'settings'))
    for (const content of ['a long first text', 'b']) {
      replaceFile(join(folder, 'settings/file'), { content, mode: PUBLIC_FILE })
    }
    expect(readFileSync(join(folder, 'settings/file'), 'utf8')).toBe('b')
    expect(readdirSync(join(folder, 'settings'))).toEqual(['file'])
  })
})
