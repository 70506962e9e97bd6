import { describe, expect, it } from 'vitest'
import { parseToml } from '../../src/config/toml-document.ts'
import { placeOf } from '../../src/config/toml-error.ts'

const SAFE_INTEGER = 'an integer must be between -9007199254740991 and 9007199254740991'

/** What TOML refuses, each with the message. */
const REFUSED: Readonly<Record<string, readonly (readonly [document: string, message: string])[]>> = {
  value: [
    ['[auth]\nmethods = [pki]', '2:12: expected a value: strings need quotes'],
    ['a = info', '1:5: expected a value: strings need quotes'],
    ['a = True', '1:5: expected a value: strings need quotes'],
    ['a = truely', '1:5: expected a value: strings need quotes'],
    ['a = ', '1:5: expected a value, not the end of the file'],
    ['a =\nb = 1', '2:1: expected a value: strings need quotes'],
    ['a = [\n  b,\n  c\n]', '2:3: expected a value: strings need quotes'],
    ['a = [\n  "b",\n  c\n]', '3:3: unexpected text'],
    ['a\n= 1', '2:1: a key with its value, or the name of a table, must be on one line'],
    ['a = 1 b = 2', '1:7: expected the end of the line, not text'],
    ['a = 1 = 2', '1:7: expected the end of the line, not "="'],
    ['a', '1:2: expected = after the key, not the end of the file'],
    ['a b = 1', '1:3: expected = after the key, not text'],
    ['a = [1 2]', '1:8: expected a comma or the closing bracket, not text'],
    ['a = [1,, 2]', '1:8: unexpected ","'],
    ['a = [1', '1:7: the array has no closing ]'],
    ['a = {b = 1', '1:11: the inline table has no closing }'],
    ['a = {b = 1 c = 2}', '1:12: expected a comma or the closing bracket, not text'],
    ['a = {,}', '1:6: unexpected ","'],
    ['a = {', '1:6: unexpected end of the file'],
  ],
  string: [
    ['a = "\n"', '1:6: the string has no closing quote'],
    ["a = 'b", '1:7: the string has no closing quote'],
    ['a = """b"', '1:10: the string has no closing quote'],
    ['a = """b""""""', '1:9: the string has too many quotes at its end'],
    ['a = "C:\\path"', '1:9: there is no such escape; a backslash is written \\\\'],
    ['a = "\\u12"', '1:7: there is no such escape; a backslash is written \\\\'],
    ['a = "\\ud800"', '1:11: the escape names no Unicode character'],
    ['a = "\\U00110000"', '1:15: the escape names no Unicode character'],
    ['a = “b”', '1:5: expected a value, not "“"'],
  ],
  character: [
    ['a = "\u0000"', '1:6: the control character U+0000 is not allowed here'],
    ["a = '\u007f'", '1:6: the control character U+007F is not allowed here'],
    ['a = """\u001b"""', '1:8: the control character U+001B is not allowed here'],
    ['# \u0007', '1:3: the control character U+0007 is not allowed here'],
    ['a = 1 \f', '1:7: unexpected U+000C'],
    ['a = 1\rb = 2', '1:6: a carriage return must be followed by a line feed'],
    ['# a\rb = 2', '1:4: a carriage return must be followed by a line feed'],
    ['a = 1\nb = """\r"""', '2:8: a carriage return must be followed by a line feed'],
    ['a = 1\n\uFEFF', '2:1: unexpected U+FEFF'],
    ['a = \u202e1', '1:5: expected a value, not U+202E'],
  ],
  number: [
    ['a = 012', '1:5: a number must not have leading zeros'],
    ['a = -012', '1:5: expected a value'],
    ['a = 1__0', '1:7: an underscore must be between two digits'],
    ['a = 1_', '1:7: an underscore must be between two digits'],
    ['a = .5', '1:5: expected a value'],
    ['a = 5.', '1:5: expected a value'],
    ['a = 1.e5', '1:5: expected a value'],
    ['a = 0xg', '1:5: expected a value'],
    ['a = -0x1', '1:5: expected a value'],
    ['a = 0b2', '1:5: expected a value'],
    ['a = ++1', '1:5: expected a value'],
    ['a = 9007199254740992', `1:5: ${SAFE_INTEGER}`],
    ['a = [1,\n -0]\nb = -9223372036854775809', `3:5: ${SAFE_INTEGER}`],
    ['a = 0xffffffffffffffffff', `1:5: ${SAFE_INTEGER}`],
  ],
  date: [
    ['a = 2023-02-29', '1:14: there is no such date'],
    ['a = 2023-13-01', '1:14: there is no such date'],
    ['a = 2023-1-1', '1:5: expected a value'],
    ['a = 24:00:00', '1:12: there is no such time'],
    ['a = 2023-01-01T00:00:00+24:00', '1:29: there is no such time'],
    ['a = 2023-01-01T00', '1:5: expected a value'],
  ],
  'second definition': [
    ['a = 1\na = 2', '2:1: "a" is defined twice'],
    ['a = 1\n"a" = 2', '2:1: "a" is defined twice'],
    ['a = 1\na.b = 2', '2:1: "a" is defined twice'],
    ['a.b = 1\na = 2', '2:1: "a" is defined twice'],
    ['a = { b = 1 }\na.c = 2', '2:1: "a" is defined twice'],
    ['a = { b = 1 }\n[a.c]', '2:2: "a" is defined twice'],
    ['a = { b = 1, b = 2 }', '1:14: "b" is defined twice'],
    ['a = { b = {}, b.c = 2 }', '1:15: "b" is defined twice'],
    ['[a]\n[a]', '2:2: "a" is defined twice'],
    ['[a]\nb = 1\n[a.b]', '3:4: "b" is defined twice'],
    ['[a]\nb.c = 1\n[a.b]', '3:4: "b" is defined twice'],
    ['[a.b.c]\n[a]\nb.c.d = 1', '3:3: "c" is defined twice'],
    ['[a]\n[[a]]', '2:3: "a" is defined twice'],
    ['[[a]]\n[a]', '2:2: "a" is defined twice'],
    ['a = [{}]\n[[a]]', '2:3: "a" is defined twice'],
    ['a = [{}]\n[a.b]', '2:2: "a" is defined twice'],
    ['[[a.b]]\n[a]\nb = 1', '3:1: "b" is defined twice'],
  ],
  'key or table': [
    ['[]', '1:2: the table has no name'],
    ['[a', '1:3: expected ] after the name of the table, not the end of the file'],
    ['[a]]', '1:4: expected the end of the line, not "]"'],
    ['[[a]', '1:5: expected ] after the name of the table, not the end of the file'],
    ['[ [a]]', '1:3: double brackets must not have spaces between them'],
    ['[a] b = 1', '1:5: expected the end of the line, not text'],
    ['[a..b]', '1:3: the key has two dots in a row'],
    ['[.a]', '1:2: the key starts with a dot'],
    ['a. = 1', '1:2: the key ends with a dot'],
    ['= 1', '1:1: unexpected "="'],
    ['ä = 1', '1:1: unexpected text'],
    ['"""a""" = 1', '1:1: unexpected text'],
  ],
}

describe.each(Object.entries(REFUSED))('a bad %s', (_, documents) => {
  it.each(documents)('%j: %s', (document, message) => {
    expect(() => parseToml(document, { source: 'f', hint: 'h' })).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: `f:${message}`, hint: 'h' }),
    )
  })
})

describe('a secret', () => {
  it.each([
    'url = postgres://u:hunter2@h/d',
    'url = hunter2',
    'url hunter2',
    'url "hunter2"',
    'url = "x" hunter2',
    'url = "x" "hunter2"',
    'url = ["hunter2" "hunter2"]',
    'url = [hunter2',
    "url = 'hunter2",
    'url = "hunter2\\p"',
    'url = 1hunter2',
    'url = {hunter2}',
  ])('is not repeated: %s', (document) => {
    const attempt = () => parseToml(document, { source: 'f', hint: 'h' })
    expect(attempt).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hunter2') }))
  })
})

describe('a place', () => {
  it('is counted in lines and UTF-16 code units from 1', () => {
    expect(placeOf('a\r\n\u{1F511}b', 5)).toEqual({ line: 2, column: 3 })
    expect(placeOf('a', 0)).toEqual({ line: 1, column: 1 })
  })
})
