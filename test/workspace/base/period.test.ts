import { describe, expect, it } from 'vitest'
import { endsWithin, parsePeriod } from '../../../src/workspace/base/period.ts'

const DAY = 86_400_000

describe('parsePeriod', () => {
  it.each([
    ['30d', { milliseconds: 30 * DAY }],
    ['12h', { milliseconds: DAY / 2 }],
    ['2w', { milliseconds: 14 * DAY }],
    ['25%', { share: 0.25 }],
    ['100%', { share: 1 }],
  ])('%s', (text, period) => expect(parsePeriod(text)).toEqual(period))

  it.each(['', '30', 'd', '0d', '0%', '101%', '-1d', '1.5d', '30D', '30 d', '999999d', '30d '])(
    'refuses %j',
    (text) => {
      expect(() => parsePeriod(text)).toThrow(
        expect.objectContaining({ code: 'BAD_INPUT', message: `'${text}' is not a period` }),
      )
    },
  )
})

describe('endsWithin', () => {
  const validity = { notBefore: 0, notAfter: 100 * DAY }
  it.each([
    ['30d', 70 * DAY - 1, false],
    ['30d', 70 * DAY, true],
    ['30d', 101 * DAY, true],
    ['25%', 75 * DAY - 1, false],
    ['25%', 75 * DAY, true],
  ])('%s, at %d', (text, now, expected) => expect(endsWithin(parsePeriod(text), validity, now)).toBe(expected))
})
