import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseDays, parseDevice, parseDomain, parsePath, parsePort } from '../../src/cli/flags.ts'

const failure = (code: string) => expect.objectContaining({ code })

describe('parseDays', () => {
  it.each([
    ['one', '1', 1],
    ['the default of a client', '500', 500],
    ['a hundred years', '36525', 36_525],
  ])('takes %s', (_case, text, days) => {
    expect(parseDays(text)).toBe(days)
  })

  it.each(['', '0', '-1', '+5', '1.5', '1e3', '0x10', ' 5', '36526', '9'.repeat(30), 'NaN', '٣'])(
    'refuses %j',
    (text) => {
      expect(() => parseDays(text)).toThrow(failure('BAD_INPUT'))
    },
  )
})

describe('parsePort', () => {
  it.each(['0', '5222', '65535'])('takes %s', (text) => {
    expect(parsePort(text)).toBe(Number(text))
  })

  it.each(['', '-1', '65536', '5222x', '1e2'])('refuses %j', (text) => {
    expect(() => parsePort(text)).toThrow(failure('BAD_INPUT'))
  })
})

describe('parsePath', () => {
  it.each(['x', '../x', '/x', './-', '--', ' '])('takes %j', (text) => {
    expect(parsePath(text)).toBe(resolve(text))
  })

  it.each(['', '-'])('refuses %j', (text) => {
    expect(() => parsePath(text)).toThrow(failure('BAD_INPUT'))
  })
})

describe('parseDevice', () => {
  it.each([
    ['a word', 'phone', 'phone'],
    ['capital letters', 'Phone-2', 'phone-2'],
    ['32 characters', 'x'.repeat(32), 'x'.repeat(32)],
  ])('takes %s', (_case, text, label) => {
    expect(parseDevice(text)).toBe(label)
  })

  it.each(['', '.', '..', '.x', '-x', 'a/b', 'a b', 'a@b', 'ü', 'x'.repeat(33), 'a\n', '\u212a'])(
    'refuses %j',
    (text) => {
      expect(() => parseDevice(text)).toThrow(failure('BAD_NAME'))
    },
  )
})

describe('parseDomain', () => {
  it.each([
    ['capital letters', 'Example.ORG', 'example.org'],
    ['the dot of the root', 'example.org.', 'example.org'],
    ['A-labels', 'xn--mnchen-3ya.example', 'münchen.example'],
  ])('prepares %s', (_case, text, domain) => {
    expect(parseDomain(text)).toBe(domain)
  })

  it.each(['', '.', 'a..b', '*.example.org', 'a b', 'a/b', 'a@b', '1.2', '0x7f.1'])('refuses %j', (text) => {
    expect(() => parseDomain(text)).toThrow(failure('BAD_NAME'))
  })
})
