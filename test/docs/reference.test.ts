import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { REFERENCE, referencePages } from '../../bin/docs/reference.ts'
import { COMMANDS } from '../../src/commands/index.ts'
import { EXIT_CODES } from '../../src/errors.ts'
import { REFUSALS } from '../../src/trust/refusal.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(root, REFERENCE)
const pages = referencePages(root)

describe('the reference', () => {
  it('has these pages and no others', () => {
    expect(readdirSync(folder).sort()).toEqual(Object.keys(pages))
  })

  it.each(Object.entries(pages))('is current: %s; if not, run: npm run docs', (name, text) => {
    expect(readFileSync(join(folder, name), 'utf8')).toBe(text)
  })

  it('has the shape of what every command prints with --json', () => {
    for (const [id, { enableJsonFlag }] of Object.entries(COMMANDS)) {
      const heading = `\n### xmppki ${id.replaceAll(':', ' ')}\n`
      expect(pages['json.md']?.includes(heading), id).toBe(enableJsonFlag)
    }
    expect(pages['json.md']).not.toMatch(/: (any|Buffer|Uint8Array|Map|Set)\b/)
  })

  it('says of every exit code and every error what it means', () => {
    const rows = [...(pages['exit-codes.md'] ?? '').matchAll(/^\| (\d+) \| `(\w+)` \| (.+) \|$/gm)]
    expect(Object.fromEntries(rows.map(([, code, name]) => [name, Number(code)]))).toEqual(EXIT_CODES)
  })

  it('lists every refusal', () => {
    for (const name of Object.keys(REFUSALS)) expect(pages['refusals.md']).toContain(`\n| \`${name}\` | `)
  })
})
