import { describe, expect, it } from 'vitest'
import { table } from '../../src/cli/table.ts'

describe('table', () => {
  it('aligns columns by their widest cell, and leaves no white space at the end', async () => {
    expect(
      await table(
        ['name', 'state'],
        [
          ['alice@localhost', 'valid'],
          ['bob', ''],
        ],
      ),
    ).toEqual(['NAME             STATE', 'alice@localhost  valid', 'bob'])
  })

  it.each([
    ['ideographs', '李雷@例え.jp', 12],
    ['an emoji of several characters', '👩‍👩‍👧@a', 4],
    ['a flag', '🇩🇪x', 3],
    ['a letter with a combining mark', 'e\u0301va', 3],
    ['Hangul in parts', '\u1112\u1161\u11ab', 2],
  ])('is aligned as a terminal shows %s', async (_case, name, width) => {
    const rows = [
      [name, 'valid'],
      ['x'.repeat(12), 'valid'],
    ]
    expect((await table(['name', 'state'], rows)).slice(1)).toEqual([
      `${name}${' '.repeat(12 - width)}  valid`,
      'xxxxxxxxxxxx  valid',
    ])
  })

  it('is made of more rows than a call can have arguments', async () => {
    const rows = Array.from({ length: 200_000 }, () => ['a', 'b'])
    expect(await table(['name', 'state'], rows)).toHaveLength(200_001)
  })

  it('is only a heading without rows', async () => {
    expect(await table(['name'], [])).toEqual(['NAME'])
  })
})
