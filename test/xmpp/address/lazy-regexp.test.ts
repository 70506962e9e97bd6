import { describe, expect, it } from 'vitest'
import { LazyRegexp } from '../../../src/xmpp/address/lazy-regexp.ts'

describe('a regular expression that is compiled at its first use', () => {
  it('is not compiled before', () => {
    const broken = new LazyRegexp('[')
    expect(() => broken.test('x')).toThrow(SyntaxError)
  })

  it('knows Unicode, and remembers nothing from one text to the next', () => {
    const greek = new LazyRegexp('^\\p{Script=Greek}.$')
    expect(['β😀', 'β😀', 'b😀', 'β'].map((text) => greek.test(text))).toEqual([true, true, false, false])
  })
})
