import { describe, expect, it } from 'vitest'
import { readAccounts } from '../../src/accounts/formats.ts'
import { summaryOf } from './support.ts'

const read = (text: string) => summaryOf(readAccounts(Buffer.from(text), 'a'))

describe('what a file looks like', () => {
  it.each([
    ['CSV', '\nusername,password\nalice,x\n', ['a:3', 'alice', undefined]],
    ['CSV with a byte order mark', '\ufeffusername,password\nalice,x\n', ['a:2', 'alice', undefined]],
    ['JSON lines', '\n{ "jid": "alice", "password": "x" }\n', ['a:2', 'alice', undefined]],
    ['Erlang terms', '%% a\n{passwd,{<<"alice">>,<<"b">>},<<"x">>}.\n', ['a:2', 'alice', 'b']],
    [
      'a dump of PostgreSQL',
      '--\n--\nCOPY users (username, server, password) FROM stdin;\nalice\tb\tx\n\\.\n',
      ['a:4', 'alice', 'b'],
    ],
  ])('is %s', (_case, text, expected) => {
    expect(read(text)).toEqual([[...expected, 'password']])
  })

  it('does not matter when the format is given', () => {
    expect(() => readAccounts(Buffer.from('jid,password'), 'a', 'postgres')).toThrow('no rows of a table')
  })

  it.each([
    ['nothing', Buffer.from('\n \n'), 'a is empty'],
    ['UTF-16', Buffer.from('jid', 'utf16le'), 'a: column 1 of the heading is unknown'],
    ['Latin-1', Buffer.from('jid\nj\xe9', 'latin1'), 'a is not UTF-8 text'],
  ])('is %s, and is refused', (_case, octets, message) => {
    expect(() => readAccounts(octets, 'a')).toThrow(expect.objectContaining({ code: 'BAD_INPUT', message }))
  })
})
