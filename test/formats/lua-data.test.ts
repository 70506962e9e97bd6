import { describe, expect, it } from 'vitest'
import { XmppkiError } from '../../src/errors.ts'
import { type LuaValue, readLuaData } from '../../src/formats/lua-data.ts'
import { generator, mutate } from '../pki/mutations.ts'

const plain = (value: LuaValue): unknown =>
  value instanceof Map ? Object.fromEntries([...value].map(([key, one]) => [key, plain(one)])) : value

const read = (text: string) => plain(readLuaData(Buffer.from(text), 'a.dat'))

/** As the serialiser of Prosody 0.12 writes accounts. */
const ACCOUNT = `return {
	["stored_key"] = "d4df254ff54a5f0bb98d6b5daa5a77084ca1badc";
	["salt"] = "92c7aed2-1ce6-4615-b16f-b7d7b620828c";
	["iteration_count"] = 10000;
};
`

describe('data of Lua', () => {
  it.each([
    ['nothing', 'return {}', {}],
    ['comments', '-- one\nreturn { -- two\n }; -- three', {}],
    ['an account of Prosody', ACCOUNT, expect.objectContaining({ iteration_count: 10000 })],
    [
      'names and numbers as keys',
      'return { a = 1, ["b"] = 2; [7] = 3, "first", "second" }',
      { a: 1, b: 2, 7: 3, 1: 'first', 2: 'second' },
    ],
    [
      'all values',
      'return { a = true, b = false, c = nil, d = -1.5e3, e = {}, f = { g = "h" } }',
      { a: true, b: false, c: undefined, d: -1500, e: {}, f: { g: 'h' } },
    ],
    ['bytes in decimal', String.raw`return { "pa\"ss\\\195\169" }`, { 1: 'pa"ss\\é' }],
    ['other escapes', String.raw`return { 'it\'s\n\t\x41\z` + '\n   B\\\nC" }' + "' }", { 1: 'it\'s\n\tAB\nC" }' }],
    ['bytes as they are', 'return { "żółw" }', { 1: 'żółw' }],
    [
      'words that begin like others',
      'return { returns = 1, nilly = 2, ["return"] = 3 }',
      { returns: 1, nilly: 2, return: 3 },
    ],
  ])('%s', (_case, text, expected) => {
    expect(read(text)).toEqual(expected)
  })

  it.each([
    ['no data', 'x = 1', 'a.dat:1:1: expected "return" and a table'],
    ['no table', 'return 1', 'a.dat:1:8: expected a table'],
    ['a call', 'return { a = os.execute("x") }', 'a.dat:1:14: expected a value'],
    ['a call behind it', 'return {}\nos.exit()', 'a.dat:2:1: expected the end of the file'],
    ['a function', 'return { function() end }', 'a.dat:1:10: expected a value'],
    ['joining', 'return { "a" .. "b" }', "a.dat:1:14: expected ',', ';' or '}'"],
    ['long strings', 'return { [[a]] }', 'a.dat:1:11: expected a value'],
    ['long comments', 'return { --[[ x ]] }', 'a.dat:1:10: expected a value'],
    ['a string without end', 'return { "abc', 'a.dat:1:10: expected the end of this string'],
    ['a string over two lines', 'return { "abc\n" }', 'a.dat:1:10: expected the end of this string'],
    ['a table without end', 'return { 1,', 'a.dat:1:12: expected a value'],
    ['a byte of 256', String.raw`return { "\256" }`, 'a.dat:1:11: expected a byte'],
    ['an unknown escape', String.raw`return { "\q" }`, 'a.dat:1:11: expected an escape that Lua knows'],
    ['a table as key', 'return { [{}] = 1 }', 'a.dat:1:11: expected no more than 20 tables in each other'],
    ['a key twice', 'return { a = 1, a = 2 }', 'a.dat:1:17: expected a key that is not there already'],
    ['text that is not UTF-8', String.raw`return { "\255" }`, 'a.dat:1:10: the string is not UTF-8 text'],
    [
      'a hundred thousand tables',
      `return ${'{'.repeat(100_000)}`,
      'a.dat:1:28: expected no more than 20 tables in each other',
    ],
  ])('refuses %s', (_case, text, message) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'BAD_INPUT', message }))
  })

  it('reads or refuses whatever becomes of a file', () => {
    const random = generator(7)
    for (let round = 0; round < 3_000; round++) {
      try {
        readLuaData(mutate(Buffer.from(ACCOUNT), [], random), 'a.dat')
      } catch (error) {
        if (!(error instanceof XmppkiError)) throw error
        expect(error.message).toMatch(/^a\.dat:/)
      }
    }
  })
})
