import { expect, it } from 'vitest'
import { randomText } from '../../src/server/random-text.ts'

it('is 144 bits as text, and never the same', () => {
  const texts = Array.from({ length: 1000 }, randomText)
  expect(texts.filter((text) => !/^[\w-]{24}$/.test(text))).toEqual([])
  expect(new Set(texts).size).toBe(1000)
  // Every bit is one in some and none in others: what is drawn fills all of the text.
  const octets = texts.map((text) => Buffer.from(text, 'base64url'))
  const ones = Array.from({ length: 144 }, (_, bit) =>
    octets.filter((text) => (text[bit >> 3] ?? 0) & (1 << (bit & 7))),
  )
  expect(ones.every(({ length }) => length > 350 && length < 650)).toBe(true)
})
