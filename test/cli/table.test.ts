import { describe, expect, it } from 'vitest'
import { table } from '../../src/cli/table.ts'

describe('table', () => {
  it('aligns columns by their widest cell, and leaves no white space at the end', () => {
    expect(
      table(
        ['name', 'state'],
        [
          ['alice@localhost', 'valid'],
          ['bob', ''],
        ],
      ),
    ).toEqual(['NAME             STATE', 'alice@localhost  valid', 'bob'])
  })

  it('is only a heading without rows', () => {
    expect(table(['name'], [])).toEqual(['NAME'])
  })
})
