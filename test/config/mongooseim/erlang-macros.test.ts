import { describe, expect, it } from 'vitest'
import { expandMacros } from '../../../src/config/mongooseim/erlang-macros.ts'
import { plain } from '../../../src/config/mongooseim/plain-term.ts'
import { readErlangTerms } from '../../../src/formats/erlang-reader.ts'

function expanded(text: string): unknown[] {
  return expandMacros(readErlangTerms(text, 'a.cfg')).terms.map(plain)
}

describe('expandMacros', () => {
  it('puts values in their places, wherever the definition stands', () => {
    const text = "{a, ['PORT', {b, 'PORT'}], \"PORT\"}. {define_macro, 'PORT', 5222}."
    expect(expanded(text)).toEqual([['a', [5222, ['b', 5222]], 'PORT']])
  })

  it('takes the default of a use where there is no definition', () => {
    expect(expanded("{a, {use_macro, 'X', 1}}. {b, {use_macro, 'Y', 1}}. {define_macro, 'Y', 2}.")).toEqual([
      ['a', 1],
      ['b', 2],
    ])
  })

  it('leaves atoms with small letters alone', () => {
    expect(expanded("{'Hello', a}.")).toEqual([['Hello', 'a']])
  })

  it('does not look into values again: no macro can grow without end', () => {
    expect(expanded("{define_macro, 'X', ['X', 'X']}. {a, 'X'}.")).toEqual([['a', ['X', 'X']]])
  })

  it.each([
    ['a macro without definition', "{a,\n 'PORT'}.", 'a.cfg:2:2: the macro PORT is not defined'],
    ['half a definition', "{define_macro, 'PORT'}.", "a.cfg:1:1: expected {define_macro, 'NAME', Value}"],
  ])('refuses %s', (_, text, message) => {
    expect(() => expanded(text)).toThrow(message)
  })
})
