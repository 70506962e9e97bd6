import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { literal } from '../../../src/render/literals.ts'
import { program } from '../program.ts'

/** What tries to be more than text, in one language or another. */
const EVIL = [
  'plain',
  '',
  ' a b ',
  `it's "quoted"`,
  '\\ \\n \\" \\',
  '$(echo x) `echo x` $HOME $1 ~ * ? ! # ; & | < >',
  '[exec echo x] {a} {{ }} }',
  '%d %s %n',
  '=ls',
  '"); exit(1); ("',
  '☃ ä 𝄞',
]

describe('what a language makes of a literal', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'xmppki-literals-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** Every text on a line of its own, as a program of the language prints it. */
  const expected = EVIL.map((text) => `${text}\n`).join('')
  const lines = (language: string, line: (written: string) => string) =>
    EVIL.map((text) => line(literal(text, language))).join('\n')

  it.each([
    ['sh', (): string[] => ['sh', '-euc', lines('sh', (word) => `printf '%s\\n' ${word}`)]],
    ['python', (): string[] => ['/usr/bin/python3', '-c', lines('python', (word) => `print(${word})`)]],
  ])('%s', (_, command) => {
    const [file = '', ...args] = command()
    expect(program(file, args)).toMatchObject({ code: 0, output: expected })
  })

  it('tcl', () => {
    const input = `fconfigure stdout -encoding utf-8\n${lines('tcl', (word) => `puts ${word}`)}\n`
    writeFileSync(join(folder, 'x.tcl'), input)
    expect(program('tclsh', ['-encoding', 'utf-8', join(folder, 'x.tcl')])).toMatchObject({ code: 0, output: expected })
  })

  it.each([
    ['c', 'gcc'],
    ['cpp', 'g++'],
  ])('%s', (language, compiler) => {
    const source = join(folder, `x.${language}`)
    const body = lines(language, (word) => `puts(${word});`)
    writeFileSync(source, `#include <stdio.h>\nint main(void) {\n${body}\nreturn 0;\n}\n`)
    const binary = join(folder, `from-${language}`)
    expect(program(compiler, ['-o', binary, source])).toMatchObject({ code: 0, output: '' })
    expect(program(binary, [])).toMatchObject({ code: 0, output: expected })
  })
})
