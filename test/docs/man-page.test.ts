import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { manPage } from '../../bin/docs/man-page.ts'
import { COMMANDS } from '../../src/commands/index.ts'

const page = manPage(fileURLToPath(new URL('../..', import.meta.url)))

/** What a reader sees: without escapes and macros. */
const read = page
  .replace(/\\f[BIRP]/g, '')
  .replaceAll('\\-', '-')
  .replaceAll('\\e', '\\')

describe('the manual page', () => {
  it.each(Object.keys(COMMANDS).map((id) => id.replaceAll(':', ' ')))('has %s', (name) => {
    expect(read).toContain(`.SS "xmppki ${name}"\n`)
  })

  it('names every flag with its variable', () => {
    for (const command of Object.values(COMMANDS)) {
      for (const [name, { env = '' }] of Object.entries({ ...command.baseFlags, ...command.flags })) {
        expect(read).toMatch(new RegExp(`^--${name}(=|$)`, 'm'))
        expect(read).toContain(`\n${env}\nSets --`)
      }
    }
  })

  it('has the sections that man(7) asks for, in order', () => {
    const sections = [...page.matchAll(/^\.SH "(.*)"$/gm)].map(([, title]) => title)
    expect(sections).toEqual([
      'NAME',
      'SYNOPSIS',
      'DESCRIPTION',
      'FLAGS OF ALL COMMANDS',
      'COMMANDS',
      'ENVIRONMENT',
      'EXIT STATUS',
      'FILES',
    ])
  })

  it('is ASCII, and has no line that roff takes for a request unless it is one of ours', () => {
    expect(page).toMatch(/^[\n -~]*$/)
    const requests = [...page.matchAll(/^[.']\S*/gm)].map(([request]) => request)
    expect([...new Set(requests)].sort()).toEqual([
      '.PP',
      '.RE',
      '.RS',
      '.SH',
      '.SS',
      '.TH',
      '.TP',
      '.ad',
      '.fi',
      '.nf',
      '.nh',
    ])
  })
})
