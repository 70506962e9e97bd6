import { describe, expect, it } from 'vitest'
import { XmppkiError } from '../../src/errors.ts'
import { csvSeparator, splitCsv } from '../../src/formats/csv.ts'

const split = (text: string, trim: boolean) =>
  splitCsv(text, { delimiter: ',', source: 'a.csv', trim }).map(({ record, info }) => [info.lines, ...record])

describe('CSV (RFC 4180)', () => {
  it('counts lines, and leaves rows without values out', () => {
    expect(split('a,b\r\n"1,""2",\n\n,\n"x\ny",z\n', true)).toEqual([
      [1, 'a', 'b'],
      [2, '1,"2', ''],
      [6, 'x\ny', 'z'],
    ])
  })

  it('keeps white space where it counts', () => {
    expect(split('a , b\n', false)).toEqual([[1, 'a ', ' b']])
    expect(split('a , b\n', true)).toEqual([[1, 'a', 'b']])
  })

  it.each([
    ['a quote that does not close', 'name,password\nalice,"secret\n', 'a.csv:2: a quote is not closed'],
    [
      'a quote in the middle of a value',
      'name,password\nalice,sec"ret\n',
      'a.csv:2: a quote stands inside of a value that does not begin with one',
    ],
    [
      'text behind a quote that closes',
      'name,password\nalice,"sec"ret\n',
      'a.csv:2: something stands between the quote that closes a value and the next separator',
    ],
  ])('refuses %s, without repeating what stands there', (_case, text, message) => {
    expect(() => split(text, true)).toThrow(new XmppkiError('BAD_INPUT', message, { spec: 'RFC 4180 §2' }))
  })

  it.each([
    ['a,b', ','],
    ['a;b', ';'],
    ['a\tb', '\t'],
    ['a', undefined],
  ])('finds the separator of %j', (heading, separator) => {
    expect(csvSeparator(heading)).toBe(separator)
  })
})
