import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decoySecret } from '../../src/workspace/decoy-secret.ts'
import { WorkspacePaths } from '../../src/workspace/paths.ts'

let paths: WorkspacePaths
beforeEach(() => {
  paths = new WorkspacePaths(mkdtempSync(join(tmpdir(), 'xmppki-decoy-')))
})
afterEach(() => rmSync(paths.home, { recursive: true }))

describe('decoySecret', () => {
  it('is made once, for its owner alone', () => {
    const made = decoySecret(paths)
    expect(made).toHaveLength(32)
    expect(decoySecret(paths)).toEqual(made)
    expect(statSync(paths.decoySecret).mode & 0o777).toBe(0o600)
  })

  it('is another one in every workspace', () => {
    const made = decoySecret(paths)
    rmSync(paths.decoySecret)
    expect(decoySecret(paths)).not.toEqual(made)
  })

  it('says when the file is damaged', () => {
    writeFileSync(paths.decoySecret, 'short')
    expect(() => decoySecret(paths)).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
  })
})
