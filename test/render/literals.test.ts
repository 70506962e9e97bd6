import { describe, expect, it } from 'vitest'
import { literal } from '../../src/render/literals.ts'

describe('literal', () => {
  it.each([
    ['ini', 'a b', 'a b'],
    ['text', '$x', '$x'],
    ['python', 'a"b\\c', '"a\\"b\\\\c"'],
    ['c', 'a"b\\c', '"a\\"b\\\\c"'],
    ['tcl', 'a [exec x] $y "\\', '"a \\[exec x\\] \\$y \\"\\\\"'],
    ['sh', '/home/alice/alice.crt', '/home/alice/alice.crt'],
    ['sh', "$(x) `y` it's", "'$(x) `y` it'\\''s'"],
    ['sh', '=ls', "'=ls'"],
    ['sh', '', "''"],
  ])('in %s: %s', (language, text, expected) => {
    expect(literal(text, language)).toBe(expected)
  })

  it('leaves numbers bare in every language', () => {
    expect(['ini', 'python', 'tcl', 'sh'].map((language) => literal(5222, language))).toEqual(Array(4).fill('5222'))
  })

  it.each(['a\nb', 'a\rb', 'a\u0000b', 'a\u0085b', 'a\u2028b'])('refuses what could begin a line: %j', (text) => {
    expect(() => literal(text, 'ini')).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  })

  it('knows no language but those of the templates', () => {
    expect(() => literal('x', 'perl')).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  })
})
