import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { restoreWorkspace } from '../../../src/workspace/backup/restore.ts'

/** Made before age-encryption and tar-stream wrote backups; test/fixtures/backup/README.md says of what. */
const BACKUP = fileURLToPath(new URL('../../fixtures/backup/own-age-and-tar.age', import.meta.url))
const PASSPHRASE = 'a passphrase of the backup'

let folder: string
let home: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-earlier-'))
  home = join(folder, 'home')
})
afterAll(() => rmSync(folder, { recursive: true }))

const [ä, x, y] = ['ä'.repeat(60), 'x'.repeat(120), 'y'.repeat(120)]
const stateOf = (path: string) => {
  const status = statSync(join(home, path))
  const mode = (status.mode & 0o777).toString(8)
  return status.isFile() ? [mode, status.size] : mode
}

describe('a backup of an earlier version', () => {
  it('is restored: contents, modes, names that are long or not of ASCII', async () => {
    const restored = await restoreWorkspace(home, BACKUP, PASSPHRASE)
    expect(restored).toMatchObject({ domain: 'example.org', files: 13, certificates: 2, outside: 0, hasRootKey: true })
    const notes = readdirSync(join(home, 'notes'), { recursive: true, encoding: 'utf8' }).sort()
    expect(notes.map((path) => [path, stateOf(join('notes', path))])).toEqual([
      ['block', ['600', 1_024]],
      ['empty', ['644', 0]],
      [x, '700'],
      [join(x, y), ['644', 5]],
      [ä, '700'],
      [join(ä, x), '700'],
      [join(ä, x, 'long.txt'), ['640', 4]],
    ])
    expect(readFileSync(join(home, 'notes', ä, x, 'long.txt'), 'utf8')).toBe('long')
    expect(readFileSync(join(home, 'notes', 'block'), 'utf8')).toBe('b'.repeat(1_024))
    expect(stateOf('clients/example.org/münchen/münchen.key')).toEqual(['600', expect.any(Number)])
  })

  it('is opened with its passphrase alone', async () => {
    await expect(restoreWorkspace(join(folder, 'other'), BACKUP, 'another')).rejects.toThrow(
      expect.objectContaining({ code: 'PASSPHRASE' }),
    )
  })
})
