import { describe, expect, it } from 'vitest'
import { clientFolderName } from '../../../src/workspace/base/paths.ts'
import { diskName } from '../../../src/workspace/disk/disk-name.ts'

describe('diskName', () => {
  it.each([
    ['a plain name', 'alice', 'alice'],
    ['digits and the usual signs', 'a.b-c_d+e9', 'a.b-c_d+e9'],
    ['letters of other scripts', 'jürgen', 'jürgen'],
    ['letters without case', '名前', '名前'],
    ['a dot', '.', '%2E'],
    ['two dots', '..', '%2E.'],
    ['a hidden file', '.profile', '%2Eprofile'],
    ['what shells read', '$(rm)*?', '%24%28rm%29%2A%3F'],
    ['a percent sign, so that nothing collides', '%2e', '%252e'],
    ['the sign of cut names', 'a~b', 'a%7Eb'],
    ['an IPv6 literal', '[::1]', '%5B%3A%3A1%5D'],
    ['a backslash', 'a\\b', 'a%5Cb'],
    ['an emoji outside the BMP', '💥', '%F0%9F%92%A5'],
  ])('%s', (_case, name, expected) => {
    expect(diskName(name)).toBe(expected)
  })

  it('cuts long names to 200 bytes and keeps them apart', () => {
    const names = [
      'a'.repeat(201),
      'a'.repeat(202),
      'a'.repeat(1023),
      'ü'.repeat(500),
      `${'a'.repeat(1022)}b`,
      '$'.repeat(1023),
    ]
    const results = names.map(diskName)
    for (const result of results) expect(Buffer.byteLength(result)).toBeLessThanOrEqual(200)
    expect(new Set(results).size).toBe(names.length)
    expect(diskName('a'.repeat(200))).toBe('a'.repeat(200))
    expect(results[0]).toMatch(/^a{167}~[0-9a-f]{32}$/)
  })

  it('never makes a path out of a name', () => {
    const characters = Array.from({ length: 0x3000 }, (_, code) => String.fromCodePoint(code))
    expect(characters.filter((character) => /[/\\\0]|^\.|^$/.test(diskName(character)))).toEqual([])
  })
})

describe('clientFolderName', () => {
  it('keeps devices and users apart', () => {
    const names = [
      clientFolderName('alice', ''),
      clientFolderName('alice', 'phone'),
      clientFolderName('alice@phone', ''),
    ]
    expect(names).toEqual(['alice', 'alice@phone', 'alice%40phone'])
  })
})
