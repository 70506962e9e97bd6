import { describe, expect, it } from 'vitest'
import { readMnesiaAccounts } from '../../src/accounts/mnesia.ts'
import { expectKeysOf, summaryOf } from './support.ts'

const read = (text: string) => readMnesiaAccounts(Buffer.from(text), 'a.dump')

/** Made by `ejabberdctl dump` 23.01, passwords `pa"ss`. */
const DUMP = `{tables,[{oauth_client,[{record_name,oauth_client},
                        {attributes,[client_id,client_name,grant_type,
                                     options]}]},
         {passwd,[{record_name,passwd},{attributes,[us,password]}]}]}.
{oauth_client,<<"id">>,<<"name">>,password,[]}.
{passwd,{<<"romeo">>,<<"localhost">>},
        {scram,<<"ZZthBboMaN1vnaCWsyEJZoTF71I=">>,
               <<"3stYp+oGtUP2+txS18IBmdPyX2o=">>,
               <<"8mEUH3h32i1aYrNMieQ2wA==">>,sha,4096}}.
{passwd,{<<106,208,191,209,128>>,<<"sha512.example">>},
        {scram,<<"KHu1vQnDN6b6e+HI4spcvGcq/n/A0bQY+hnuBe9OZNyRbBYc7gAqti5QayOBLdBbVEhPUJMai9r0w4ZI53jzGQ==">>,
               <<"1T9r5FTZlizQxzb7HTBI8eTIhSbQHvxvEZ1tERFDjoUCdpzB7bR7bbAXBg3xpXsWKOxPJjNyDu9mBPS7pRVXfw==">>,
               <<"d4F43XueVmpyErXqItfr7Q==">>,sha512,4096}}.
`

const SCRAM = '<<"ZZthBboMaN1vnaCWsyEJZoTF71I=">>,<<"3stYp+oGtUP2+txS18IBmdPyX2o=">>,<<"8mEUH3h32i1aYrNMieQ2wA==">>'

const record = (password: string, key = '{<<"romeo">>,<<"localhost">>}') => `{passwd,${key},${password}}.\n`

const MAP = `#{iteration_count => 4096,
  sha => #{salt => <<"8mEUH3h32i1aYrNMieQ2wA==">>,server_key => <<"3stYp+oGtUP2+txS18IBmdPyX2o=">>,
           stored_key => <<"ZZthBboMaN1vnaCWsyEJZoTF71I=">>},
  sha224 => #{salt => <<"AAAA">>,server_key => <<"AAAA">>,stored_key => <<"AAAA">>}}`

describe('a dump of Mnesia', () => {
  it('has accounts of ejabberd', async () => {
    const rows = read(DUMP)
    expect(summaryOf(rows)).toEqual([
      ['a.dump:6', 'romeo', 'localhost', 'sha-1'],
      ['a.dump:10', 'jпр', 'sha512.example', 'sha-512'],
    ])
    for (const row of rows) await expectKeysOf(row, 'pa"ss')
  })

  it.each([
    ['of ejabberd before it knew hashes', record(`{scram,${SCRAM},4096}`)],
    [
      'of later releases, with the kind in the key',
      record(`{scram,${SCRAM},sha,4096}`, '{<<"romeo">>,<<"localhost">>,sha}'),
    ],
    ['of MongooseIM', record(MAP)],
  ])('has keys %s', async (_case, text) => {
    const rows = read(text)
    expect(summaryOf(rows)).toEqual([['a.dump:1', 'romeo', 'localhost', 'sha-1']])
    await expectKeysOf(rows[0], 'pa"ss')
  })

  it('has passwords, whatever bytes are in them', () => {
    expect(read(record('<<"p\\"é">>') + record('<<208,191>>'))).toMatchObject([
      { credential: { kind: 'password', password: 'p"é' } },
      { credential: { kind: 'password', password: 'п' } },
    ])
  })

  it.each([
    ['a name of one part', record('<<"x">>', '<<"romeo">>'), 'the key of the record is not {User, Server}'],
    ['a name that is not text', record('<<"x">>', '{romeo,<<"localhost">>}'), 'the username is not text'],
    ['a name that is not UTF-8', record('<<"x">>', '{<<255>>,<<"localhost">>}'), 'the username is not UTF-8 text'],
    ['a strange password', record('{external,<<"x">>}'), 'the password is neither a text nor SCRAM'],
    ['too few parts', record('{scram,<<"AAAA">>}'), 'the server key is not text'],
    [
      'keys that are not base64',
      record(`{scram,<<"???">>,${SCRAM.slice(SCRAM.indexOf(',') + 1)},sha,4096}`),
      'the stored key is not in base64',
    ],
    ['another hash', record(`{scram,${SCRAM},sha384,4096}`), 'the hash "sha384" is not used here'],
    [
      'a hash that does not fit',
      record(`{scram,${SCRAM},sha512,4096}`),
      'the stored key has 20 bytes: no key of sha512',
    ],
    [
      'iterations that is not a number',
      record(`{scram,${SCRAM},sha,many}`),
      'the number of iterations is not a number',
    ],
    ['a map without keys', record('#{iteration_count => 1}'), 'the password has no keys'],
  ])('may have %s, which is refused', (_case, text, message) => {
    expect(summaryOf(read(text))).toEqual([['a.dump:1', message]])
  })

  it.each([
    ['without accounts', '{tables,[]}.\n{vcard,1,2}.', 'there are no accounts (records of the table passwd) in a.dump'],
    ['that is cut off', DUMP.slice(0, -20), 'a.dump:13:18: what is quoted here has no end'],
    ['nested without end', '{'.repeat(100_000), 'a.dump:1:101: terms are nested more than 100 deep'],
  ])('%s is refused', (_case, text, message) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'BAD_INPUT', message }))
  })

  it('with a hundred thousand accounts takes seconds at most', { timeout: 20_000 }, () => {
    expect(read(record('<<"x">>').repeat(100_000)).at(-1)?.place).toBe('a.dump:100000')
  })
})
