import { describe, expect, it } from 'vitest'
import { LineIndex } from '../../src/formats/line-index.ts'

describe('the index of lines', () => {
  it.each(['', '\n', 'a', 'a\nbc\n\nd', '\n\n\nlast\n', 'a\r\nb'])(
    'counts as one who reads from the start: %j',
    (text) => {
      const index = new LineIndex(text)
      for (let at = 0; at <= text.length; at++) {
        const before = text.slice(0, at).split('\n')
        expect(index.locate(at)).toEqual({ line: before.length, column: (before.at(-1)?.length ?? 0) + 1 })
      }
    },
  )
})
