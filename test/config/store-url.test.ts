import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { storeUrl } from '../../src/config/store-url.ts'

const folder = mkdtempSync(join(tmpdir(), 'xmppki-store-url-'))
afterAll(() => rmSync(folder, { recursive: true }))

const URL = 'postgres://xmppki:p%40ss@db.example.org/accounts'

function inFile(content: string): string | undefined {
  const path = join(folder, 'url')
  writeFileSync(path, content)
  return storeUrl({ store: { url: undefined, url_file: path } })
}

describe('storeUrl', () => {
  it('is that of the configuration, or none', () => {
    expect(storeUrl({ store: { url: URL, url_file: undefined } })).toBe(URL)
    expect(storeUrl({ store: { url: undefined, url_file: undefined } })).toBeUndefined()
  })

  it.each([URL, `${URL}\n`, `${URL}\r\nsecond line\n`])('is the first line of the file %j', (content) => {
    expect(inFile(content)).toBe(URL)
  })

  it.each(['', '\n', 'sesame\n', 'x'.repeat(10_000)])('refuses the file %j, and repeats nothing of it', (content) => {
    const message = expect.stringMatching(/^\S+\/url: the URL of the database cannot be used: it is not a URL$/)
    expect(() => inFile(content)).toThrow(expect.objectContaining({ code: 'BAD_INPUT', message }))
  })

  it('says when there is no file', () => {
    const missing = () => storeUrl({ store: { url: undefined, url_file: join(folder, 'missing') } })
    const message = `cannot read ${join(folder, 'missing')}, the url_file of the store: ENOENT`
    expect(missing).toThrow(expect.objectContaining({ code: 'NOT_FOUND', message }))
  })
})
