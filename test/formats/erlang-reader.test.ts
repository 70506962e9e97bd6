import { describe, expect, it } from 'vitest'
import { plain } from '../../src/config/mongooseim/plain-term.ts'
import { XmppkiError } from '../../src/errors.ts'
import { readErlangTerms, type Term } from '../../src/formats/erlang-reader.ts'

function values(text: string): unknown[] {
  return readErlangTerms(text, 'a.cfg').terms.map((term: Term) => plain(term))
}

/** Erlang reference manual, chapter "Data Types". */
const GOOD: readonly (readonly [name: string, text: string, expected: readonly unknown[]])[] = [
  ['nothing', '', []],
  ['comments alone', '%% one\n% two', []],
  ['a byte order mark', '\uFEFFa.', ['a']],
  [
    'atoms, with and without quotes',
    "abc. aB@_9. 'Hello, World'. 'it\\'s'. ''.",
    ['abc', 'aB@_9', 'Hello, World', "it's", ''],
  ],
  ['booleans', 'true. false.', [true, false]],
  ['strings', '"a b". "". "a" "b"\n"c".', ['a b', '', 'abc']],
  ['escapes', String.raw`"\"\\\n\t\s\e\d\x41\x{1F600}\101\^A\z".`, ['"\\\n\t \u001b\u007fA\u{1F600}A\u0001z']],
  ['a percent sign in a string', '"100 % {sure}".', ['100 % {sure}']],
  ['integers', '1. -7. 1_000. 16#ff. -16#FF. 2#101. 36#z.', [1, -7, 1000, 255, -255, 5, 35]],
  ['characters', String.raw`$a. $\n. $ . $\s. $}.`, [97, 10, 32, 32, 125]],
  ['floats', '1.5. -2.0e3. 1.0E-2.', [1.5, -2000, 0.01]],
  ['binaries', '<<"abc">>. <<>>. <<"ż"/utf8>>. <<104, 105>>.', ['abc', '', 'ż', 'hi']],
  ['tuples and lists', '{a,[b,{}],[]}.', [['a', ['b', []], []]]],
  ['maps', '#{a => 1, "b" => [c]}. #{}.', [{ a: 1, b: ['c'] }, {}]],
  ['a dot before a comment', 'a.%b.\nc.', ['a', 'c']],
  [
    'curly brackets in a row',
    '{ {s2s_addr, "h"}, { {127,0,0,1}, 5269 } }.',
    [
      [
        ['s2s_addr', 'h'],
        [[127, 0, 0, 1], 5269],
      ],
    ],
  ],
]

const BAD: readonly (readonly [name: string, text: string, message: string])[] = [
  ['no dot', '{a,\nb}', 'a.cfg:2:3: expected a dot after the term, not the end of the file'],
  ['no end of a string', '\n\n  {a, "b}.', 'a.cfg:3:7: what is quoted here has no end'],
  ['no end of a list', '[a, b', "a.cfg:1:6: expected ',' or ']', not the end of the file"],
  ['a comma at the end of a list', '[a,\n b,\n].', "a.cfg:3:1: expected a term, not ']'"],
  ['no comma', '[a b].', "a.cfg:1:4: expected ',' or ']', not 'b'"],
  ['the wrong bracket', '{a, b].', "a.cfg:1:6: expected ',' or '}', not ']'"],
  ['a variable', '{a, Value}.', 'a.cfg:1:5: Value is a variable, which has no value here'],
  ['what the guide leaves out', '[\n  (...)\n].', 'a.cfg:2:3: "(...)" stands for what an example leaves out'],
  ['something else', '{a, b; c}.', 'a.cfg:1:6: ";" is not expected here'],
  ['no number of its base', '8#9.', 'a.cfg:1:1: 8#9 is not a number'],
  ['half a map', '#{a}.', "a.cfg:1:4: expected '=>', not '}'"],
  ['a list in a binary', '<<[1]>>.', "a.cfg:1:3: expected text or a byte, not '['"],
  ['no byte', '<<256>>.', 'a.cfg:1:3: expected text or a byte, not a number'],
  ['no character', String.raw`"\x{110000}".`, 'a.cfg:1:2: this is not a character: write \\xHH or \\x{H…}'],
  ['half a pair of surrogates', String.raw`"\x{D800}".`, 'a.cfg:1:2: this is not a character: write \\xHH or \\x{H…}'],
]

describe('readErlangTerms', () => {
  it.each(GOOD)('reads %s', (_, text, expected) => {
    expect(values(text)).toEqual(expected)
  })

  it.each(BAD)('refuses %s', (_, text, message) => {
    const read = () => values(text)
    expect(read).toThrow(XmppkiError)
    expect(read).toThrow(message)
  })

  it('bounds the depth', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}.`
    expect(values(nested(100))).toHaveLength(1)
    expect(() => values(nested(101))).toThrow('a.cfg:1:101: terms are nested more than 100 deep')
    expect(() => values('{'.repeat(1_000_000))).toThrow('nested more than 100 deep')
  })

  it('takes a megabyte of blanks and comments as it comes', () => {
    expect(values(`${' \n'.repeat(250_000)}${'% a\n'.repeat(125_000)}a.`)).toEqual(['a'])
  })

  it('keeps strings out of messages: they may be secrets', () => {
    expect(() => values('{password "secret"}.')).toThrow("a.cfg:1:11: expected ',' or '}', not a string")
  })
})
