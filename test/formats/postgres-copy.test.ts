import { describe, expect, it } from 'vitest'
import { isCopyStatement, readCopiedRows } from '../../src/formats/postgres-copy.ts'

const read = (text: string) =>
  readCopiedRows(text, 'users', 'a.sql').map(({ line, values }) => [line, values && Object.fromEntries(values)])

const dump = (...rows: string[]) =>
  [
    "--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';",
    'COPY public.last (username, seconds) FROM stdin;',
    'alice\t1',
    '\\.',
    '',
    'COPY public.users (username, server, "password", pass_details) FROM stdin;',
    ...rows,
    '\\.',
    '',
    'COPY public.vcard (username) FROM stdin;\nx\n\\.\n',
  ].join('\n')

describe('a dump of PostgreSQL', () => {
  it('has the rows of the table, NULL left out', () => {
    expect(read(dump('alice\ta.example\t\t\\N', 'bób\tb.example\tpw\tx'))).toEqual([
      [11, { username: 'alice', server: 'a.example', password: '' }],
      [12, { username: 'bób', server: 'b.example', password: 'pw', pass_details: 'x' }],
    ])
  })

  it('takes escapes back', () => {
    const [[, row]] = read(dump(String.raw`a\tb\nc\\d	\101	\x42	\q\\N`)) as [[number, Record<string, string>]]
    expect(row).toEqual({ username: 'a\tb\nc\\d', server: 'A', password: 'B', pass_details: 'q\\N' })
  })

  it('does not guess about rows of another length', () => {
    expect(read(dump('alice\ta.example'))).toEqual([[11, undefined]])
  })

  it('takes nothing that stands in another table for a statement', () => {
    const trap = 'COPY users (username, password\t) FROM stdin;\nCOPY users (a) FROM stdin;\nINSERT INTO'
    expect(read(`COPY vcard (a, b) FROM stdin;\n${trap}\nadmin\tpw\n\\.\n${dump('alice\tb\tc\td')}`)).toHaveLength(1)
  })

  it.each([
    ['a table in quotes', 'COPY "my schema"."users" ("a b", c) FROM stdin;\n1\t2\n\\.', [[2, { 'a b': '1', c: '2' }]]],
    ['lines of Windows', 'COPY users (a) FROM stdin;\r\n1\r\n\\.\r\n', [[2, { a: '1' }]]],
    ['no rows', 'COPY users (a) FROM stdin;\n\\.\n', []],
  ])('takes %s', (_case, text, expected) => {
    expect(read(text)).toEqual(expected)
  })

  it.each([
    [
      'without the table',
      'COPY public.people (a) FROM stdin;\n1\n\\.\n',
      "there are no rows of a table 'users' in a.sql",
    ],
    ['that was cut off', 'COPY public.users (a) FROM stdin;\n1\n', 'a.sql ends in the middle of a table'],
    [
      'with other statements for rows',
      "INSERT INTO vcard VALUES ('\nCOPY users (a) FROM stdin;\nadmin\n\\.\n');",
      'a.sql:1: the dump has INSERT statements, and only COPY is read',
    ],
  ])('is refused %s', (_case, text, message) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'BAD_INPUT', message }))
  })

  it('is known by its statement', () => {
    expect(isCopyStatement('COPY public.users (a) FROM stdin;')).toBe(true)
    expect(isCopyStatement('copy,password')).toBe(false)
  })
})
