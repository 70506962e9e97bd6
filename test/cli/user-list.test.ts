import { describe, expect, it } from 'vitest'
import { type ListRow, parseUserList } from '../../src/cli/user-list.ts'

const read = (text: string) => parseUserList(Buffer.from(text), 'users')
const fields = (rows: readonly ListRow[]) =>
  rows.map((row) => ('problem' in row ? [row.line, row.problem.message] : [row.line, row.fields]))

describe('one name a line', () => {
  it('skips comments and blank lines, and counts them', () => {
    expect(fields(read('\n# team\nalice\n\n  bob@example.org \r\n'))).toEqual([
      [3, { name: 'alice' }],
      [5, { name: 'bob@example.org' }],
    ])
  })
})

describe('CSV (RFC 4180)', () => {
  it.each([
    ['commas', 'name,device,days\nalice,phone,30\nbob,,\n'],
    ['semicolons, as spreadsheets of half the world write them', 'name;device;days\nalice;phone;30\nbob;;\n'],
    ['tabs', 'name\tdevice\tdays\nalice\tphone\t30\nbob\t\t\n'],
    ['a byte order mark and CRLF', '\ufeffname,device,days\r\nalice,phone,30\r\nbob,,\r\n'],
    ['quotes', '"name","device","days"\n"alice","phone","30"\n"bob","",""\n'],
    ['other words for the name', 'User,Device,DAYS\nalice,phone,30\nbob,,\n'],
    ['no line break at the end', 'name,device,days\nalice,phone,30\nbob,,'],
  ])('with %s', (_case, text) => {
    expect(fields(read(text))).toEqual([
      [2, { name: 'alice', device: 'phone', days: '30' }],
      [3, { name: 'bob' }],
    ])
  })

  it('takes a heading alone for one column', () => {
    expect(fields(read('jid\nalice\n\nbob\n'))).toEqual([
      [2, { name: 'alice' }],
      [4, { name: 'bob' }],
    ])
  })

  it('keeps a quoted separator in a name', () => {
    expect(fields(read('name,device\n"a,""b",\n'))).toEqual([[2, { name: 'a,"b' }]])
  })

  it('refuses single rows and goes on', () => {
    expect(fields(read('name,device\nalice\n,phone\nbob,phone\nc,d,e\n'))).toEqual([
      [2, '1 fields where the heading has 2'],
      [3, 'there is no name'],
      [4, { name: 'bob', device: 'phone' }],
      [5, '3 fields where the heading has 2'],
    ])
  })

  it.each([
    ['an unknown column', 'name,devise\n', 'unknown column "devise"', "did you mean 'device'?"],
    ['a column of passwords', 'name,password\n', 'passwords are not taken from lists', '--passwords'],
    ['no column for the name', 'device,days\n', "no column 'name'", 'name,device,days,domain'],
    ['a row of data in place of the heading', 'alice,phone\n', 'unknown column "alice"', 'name, device'],
    ['two columns for the name', 'name,jid\n', 'two columns for the name', undefined],
    ['a quote that does not close', 'name\n"alice\nbob\n', 'users:', undefined],
  ])('refuses %s', (_case, text, message, hint) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({
        code: 'BAD_INPUT',
        message: expect.stringContaining(message),
        hint: hint === undefined ? undefined : expect.stringContaining(hint),
      }),
    )
  })
})

describe('JSON, one object a line', () => {
  it('takes the same keys, numbers too, and refuses single lines', () => {
    const lines = [
      '{"name": "alice", "days": 30}',
      '',
      '{"jid": "bob@example.org", "device": "phone"}',
      '{"name": "carol", "dayz": 1}',
      '{"name": ["dora"]}',
      '[1]',
      '{"name": "eve"',
      '{"name": "f", "user": "g"}',
      '{}',
    ]
    expect(fields(read(lines.join('\n')))).toEqual([
      [1, { name: 'alice', days: '30' }],
      [3, { name: 'bob@example.org', device: 'phone' }],
      [4, 'unknown key "dayz"'],
      [5, 'the name must be a string'],
      [6, 'this is not a JSON object'],
      [7, 'this is not JSON'],
      [8, 'two values for the name'],
      [9, 'there is no name'],
    ])
  })
})

describe('files that is not a list', () => {
  it.each([
    ['nothing', Buffer.from(' \n\n'), 'users is empty'],
    ['UTF-16', Buffer.from('\ufeffalice', 'utf16le'), 'users is not UTF-8 text'],
  ])('%s', (_case, octets, message) => {
    expect(() => parseUserList(octets, 'users')).toThrow(expect.objectContaining({ code: 'BAD_INPUT', message }))
  })
})
