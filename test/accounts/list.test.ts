import { describe, expect, it } from 'vitest'
import { readCsvAccounts, readDumpedAccounts, readJsonAccounts } from '../../src/accounts/list.ts'
import { expectKeysOf, summaryOf } from './support.ts'

/** Of ejabberd 23.01 and the password `pa"ss`. */
const KEYS = {
  stored: 'ZZthBboMaN1vnaCWsyEJZoTF71I=',
  server: '3stYp+oGtUP2+txS18IBmdPyX2o=',
  salt: '8mEUH3h32i1aYrNMieQ2wA==',
}
const KEYS_512 = {
  stored: 'KHu1vQnDN6b6e+HI4spcvGcq/n/A0bQY+hnuBe9OZNyRbBYc7gAqti5QayOBLdBbVEhPUJMai9r0w4ZI53jzGQ==',
  server: '1T9r5FTZlizQxzb7HTBI8eTIhSbQHvxvEZ1tERFDjoUCdpzB7bR7bbAXBg3xpXsWKOxPJjNyDu9mBPS7pRVXfw==',
  salt: 'd4F43XueVmpyErXqItfr7Q==',
}

const csv = (...lines: string[]) => readCsvAccounts(lines.join('\n'), 'a.csv')

describe('accounts in CSV', () => {
  it('have a password, with its white space', () => {
    expect(csv('jid,password', 'alice, secret ', 'bob@b.example,"x,""y"')).toMatchObject([
      { place: 'a.csv:2', name: 'alice', domain: undefined, credential: { kind: 'password', password: ' secret ' } },
      { place: 'a.csv:3', name: 'bob@b.example', credential: { kind: 'password', password: 'x,"y' } },
    ])
  })

  it('have keys, as ejabberd names columns, also with a type', async () => {
    const { stored, server, salt } = KEYS
    const rows = csv(
      'username,server_host,type,password,serverkey,salt,iterationcount,created_at',
      `romeo,a.example,,${stored},${server},${salt},4096,2026-01-01`,
      `romeo,b.example,2,${stored},${server},${salt},4096,2026-01-01`,
      `romeo,c.example,0,sha512:${KEYS_512.stored},${KEYS_512.server},${KEYS_512.salt},4096,2026-01-01`,
      `romeo,d.example,4,${KEYS_512.stored},${KEYS_512.server},${KEYS_512.salt},4096,2026-01-01`,
      'romeo,e.example,1,plain,,,0,2026-01-01',
    )
    expect(summaryOf(rows).map(([, ...rest]) => rest)).toEqual([
      ['romeo', 'a.example', 'sha-1'],
      ['romeo', 'b.example', 'sha-1'],
      ['romeo', 'c.example', 'sha-512'],
      ['romeo', 'd.example', 'sha-512'],
      ['romeo', 'e.example', 'password'],
    ])
    for (const row of rows.slice(0, 4)) await expectKeysOf(row, 'pa"ss')
  })

  it('have keys in columns of their own', async () => {
    const { stored, server, salt } = KEYS
    const rows = csv(
      '',
      'Name;Stored Key;Server-Key;salt;iterations;hash',
      `romeo;${stored};${server};${salt};4096;SCRAM-SHA-1`,
    )
    await expectKeysOf(rows[0], 'pa"ss')
  })

  it('have keys as MongooseIM writes them', async () => {
    const { stored, server, salt } = KEYS
    const multi = [
      '==MULTI_SCRAM==,4096',
      `===SHA1===${salt}|${stored}|${server}`,
      '==SHA224==AAAA|AAAA|AAAA',
      `==SHA512==${KEYS_512.salt}|${KEYS_512.stored}|${KEYS_512.server}`,
    ].join()
    const rows = csv(
      'username,server,password,pass_details',
      `romeo,a.example,,"==SCRAM==,${stored},${server},${salt},4096"`,
      `romeo,b.example,,"${multi}"`,
      'romeo,c.example,plain,',
    )
    expect(summaryOf(rows).map(([, ...rest]) => rest)).toEqual([
      ['romeo', 'a.example', 'sha-1'],
      ['romeo', 'b.example', 'sha-1,sha-512'],
      ['romeo', 'c.example', 'password'],
    ])
    for (const row of rows.slice(0, 2)) await expectKeysOf(row, 'pa"ss')
  })

  it.each([
    ['no name', 'jid,password', ',secret', 'there is no name'],
    ['nothing to log in with', 'jid,password', 'alice,', 'there is neither a password nor keys'],
    ['a field too many', 'jid,password', 'alice,secret,x', '3 fields where the heading has 2'],
    ['both', 'jid,password,stored_key,salt', 'alice,secret,AAAA,AAAA', 'there are both a password and keys'],
    ['no salt', 'jid,stored_key,server_key,salt', 'alice,AAAA,AAAA,', 'there is no salt'],
    ['no stored key', 'jid,stored_key,server_key,salt', 'alice,,AAAA,AAAA', 'there is no stored_key'],
    [
      'no count',
      'jid,stored_key,server_key,salt,iterations',
      'alice,AAAA,AAAA,AAAA,x',
      'the number of iterations is not a whole number',
    ],
    [
      'details of another kind',
      'jid,pass_details',
      'alice,secret',
      'pass_details begins with neither ==SCRAM== nor ==MULTI_SCRAM==',
    ],
    ['half of the details', 'jid,pass_details', 'alice,"==SCRAM==,a,b"', 'pass_details has fewer than four parts'],
    [
      'more than the details',
      'jid,pass_details',
      'alice,"==SCRAM==,a,b,c,1,2"',
      'pass_details has more than four parts',
    ],
    ['no details', 'jid,pass_details', 'alice,"==MULTI_SCRAM==,4096"', 'pass_details has no keys'],
    [
      'details without form',
      'jid,pass_details',
      'alice,"==MULTI_SCRAM==,4096,x"',
      'a part of pass_details is not of the form ==HASH==salt|stored key|server key',
    ],
    [
      'details of one foreign hash',
      'jid,pass_details',
      'alice,"==MULTI_SCRAM==,4096,==SHA224==AAAA|AAAA|AAAA"',
      'the hash "SHA224" is not used here',
    ],
  ])('are refused with %s, the others are not', (_case, heading, row, message) => {
    const other = `bob${heading.replace(/[^,]/g, '')}`.replace(/,$/, heading.includes('pass_d') ? ',' : ',x')
    const [first, second] = csv(heading, row, other)
    expect(summaryOf([first!])).toEqual([['a.csv:2', message]])
    expect(second).toMatchObject({ place: 'a.csv:3' })
  })

  it.each([
    ['a heading that may be a password', ['alice,hunter2'], 'a.csv: column 1 of the heading is unknown'],
    ['an unknown column', ['jid,hunter2'], 'a.csv: column 2 of the heading is unknown'],
    ['a column twice', ['jid,username,password'], 'a.csv has two columns for the name'],
    ['no name', ['password'], 'a.csv has no column for the name'],
  ])('are refused as a whole with %s', (_case, lines, message) => {
    expect(() => csv(...lines)).toThrow(expect.objectContaining({ code: 'BAD_INPUT', message }))
  })
})

describe('accounts in JSON lines', () => {
  it('have the same columns', () => {
    const lines = [
      '{"jid":"alice@a.example","password":"s"}',
      '',
      '{"username":"bob","domain":"b.example","password":1}',
      '{"jid":"x","passwort":"hunter2"}',
      '{"jid":["x"]}',
      '["hunter2"]',
      'hunter2',
      '{"jid":"x","name":"y"}',
    ]
    expect(summaryOf(readJsonAccounts(lines.join('\n'), 'a'))).toEqual([
      ['a:1', 'alice@a.example', undefined, 'password'],
      ['a:3', 'bob', 'b.example', 'password'],
      ['a:4', 'key 2 is unknown'],
      ['a:5', 'the name must be a string'],
      ['a:6', 'this is not a JSON object'],
      ['a:7', 'this is not JSON'],
      ['a:8', 'there are two values for the name'],
    ])
  })
})

describe('accounts in a dump of PostgreSQL', () => {
  it('are rows of the table users; columns of later releases do not matter', async () => {
    const details = `==SCRAM==,${KEYS.stored},${KEYS.server},${KEYS.salt},4096`
    const dump = [
      'COPY public.users (username, server, password, pass_details, created_at, colour) FROM stdin;',
      `romeo\ta.example\t\t${details}\t2026-01-01 00:00:00\tred`,
      'juliet\ta.example\tplain\t\\N\t2026-01-01 00:00:00\tred',
      'short\ta.example',
      '\\.',
    ]
    const rows = readDumpedAccounts(dump.join('\n'), 'a.sql')
    expect(summaryOf(rows)).toEqual([
      ['a.sql:2', 'romeo', 'a.example', 'sha-1'],
      ['a.sql:3', 'juliet', 'a.example', 'password'],
      ['a.sql:4', 'the row has another length than the table'],
    ])
    await expectKeysOf(rows[0], 'pa"ss')
  })
})
