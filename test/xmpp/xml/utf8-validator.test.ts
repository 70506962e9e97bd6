import { describe, expect, it } from 'vitest'
import { Utf8Validator, wholeCharacters } from '../../../src/xmpp/xml/utf8-validator.ts'

/** What is good of each chunk, then an exclamation mark behind the first that is bad. */
function validate(...chunks: readonly (readonly number[])[]) {
  const validator = new Utf8Validator()
  const good: string[] = []
  for (const chunk of chunks) {
    const { bytes, length, invalid } = validator.validate(Uint8Array.from(chunk))
    good.push(bytes.toString('utf8', 0, length))
    if (invalid) return [...good, '!']
  }
  return good
}

describe('UTF-8 in chunks (RFC 3629)', () => {
  const TEXT = 'aäß€😀z\u{10ffff}\0'
  const octets = Buffer.from(TEXT)

  it('is the same text, wherever it is cut', () => {
    for (let cut = 0; cut <= octets.length; cut++) {
      const parts = validate([...octets.subarray(0, cut)], [...octets.subarray(cut)])
      expect(parts.join('')).toBe(TEXT)
    }
    expect(validate(...[...octets].map((octet) => [octet])).join('')).toBe(TEXT)
  })

  it.each([
    ['a continuation alone', [0x61, 0x80], 'a'],
    ['an octet that starts nothing', [0x61, 0xff], 'a'],
    ['overlong', [0x61, 0xc0, 0xaf], 'a'],
    ['overlong in three', [0xe0, 0x80, 0xaf], ''],
    ['a surrogate', [0x62, 0xed, 0xa0, 0x80], 'b'],
    ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80], ''],
    ['a character that breaks off', [0xc3, 0xa4, 0xe2, 0x82, 0x61], 'ä'],
  ])('is good up to %s', (_, bad, good) => {
    expect(validate(bad)).toEqual([good, '!'])
    for (let cut = 1; cut < bad.length; cut++) {
      const parts = validate(bad.slice(0, cut), bad.slice(cut))
      expect(parts.join('')).toBe(`${good}!`)
    }
  })

  it('finds what is bad far behind what is good', () => {
    const good = 'ä'.repeat(5_000)
    expect(validate([...Buffer.from(good), 0xff, ...Buffer.from(good)])).toEqual([good, '!'])
  })

  it('says what is ASCII as a whole', () => {
    const validator = new Utf8Validator()
    const isAscii = (...octets: number[]) => validator.validate(Uint8Array.from(octets)).ascii
    expect([isAscii(0x61, 0x7f), isAscii(0xc3), isAscii(0xa4), isAscii(0x61)]).toEqual([true, false, false, true])
  })

  it('keeps a copy of what waits for its rest, and forgets it when told to', () => {
    const chunk = Buffer.from('€').subarray(0, 2)
    const validator = new Utf8Validator()
    validator.validate(chunk)
    chunk.fill(0x61)
    expect(validator.validate(Uint8Array.of(0xac)).bytes.toString()).toBe('€')
    validator.validate(Uint8Array.of(0xe2))
    validator.reset()
    expect(validator.validate(Buffer.from('a'))).toMatchObject({ length: 1, ascii: true, invalid: false })
  })
})

describe('the largest length that cuts no character short', () => {
  it.each([
    { text: 'a€', ends: [0, 1, 1, 1, 4] },
    { text: '😀a', ends: [0, 0, 0, 0, 4, 5] },
    { text: 'ää', ends: [0, 0, 2, 2, 4] },
  ])('$text: $ends', ({ text, ends }) => {
    const bytes = Buffer.from(text)
    expect(ends.map((_, end) => wholeCharacters(bytes, end))).toEqual(ends)
  })

  it.each([[[0xff]], [[0xc0]], [[0x80, 0x80, 0x80, 0x80]]])('does not wait for the rest of %j', (octets) => {
    expect(wholeCharacters(Uint8Array.from(octets), octets.length)).toBe(octets.length)
  })
})
