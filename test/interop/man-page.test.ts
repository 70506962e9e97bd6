import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../src/commands/index.ts'
import { program } from './program.ts'

const page = fileURLToPath(new URL('../../dist/xmppki.1', import.meta.url))

describe('the manual page of the build', () => {
  it.each([
    ['mandoc', ['-Tlint', '-W', 'warning', page]],
    ['groff', ['-man', '-Tutf8', '-ww', '-z', page]],
  ])('is all right for %s', (reader, args) => {
    expect(program(reader, args)).toMatchObject({ code: 0, output: '' })
  })

  it('names every command when man shows it', () => {
    const env = { MANWIDTH: '100', MANPAGER: 'cat', MAN_KEEP_FORMATTING: '', PATH: process.env['PATH'] }
    const { code, output } = program('man', ['--warnings', '-E', 'UTF-8', '-l', page], { env })
    expect(code).toBe(0)
    expect(output).not.toContain(': warning:')
    const lines = output.split('\n').map((line) => line.trim())
    for (const id of Object.keys(COMMANDS)) expect(lines).toContain(`xmppki ${id.replaceAll(':', ' ')}`)
  })
})
