import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readBundlePassword } from '../../../src/commands/client/bundle-password.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-bundle-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('readBundlePassword', () => {
  it.each([
    ['ASCII', 'corr3ct horse!~', 0],
    ['an umlaut', 'pässword', 1],
    ['another script', 'пароль', 1],
    ['a tabulator', 'a\tb', 1],
  ])('with %s', async (_case, p12Password, count) => {
    const file = join(folder, 'password')
    writeFileSync(file, `${p12Password}\n`, { mode: 0o600 })
    const warnings: string[] = []
    expect(await readBundlePassword(file, (text) => warnings.push(text))).toEqual({ p12Password })
    expect(warnings).toHaveLength(count)
    for (const text of warnings) expect(text).toContain('Java cannot open them')
    expect(warnings.join()).not.toContain(p12Password)
  })

  it('leaves it to be generated without a file', async () => {
    expect(await readBundlePassword(undefined, () => undefined)).toEqual({})
  })
})
