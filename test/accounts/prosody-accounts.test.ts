import { describe, expect, it } from 'vitest'
import { fromDiskName, readProsodyAccount } from '../../src/accounts/prosody-accounts.ts'
import { expectKeysOf, summaryOf } from './support.ts'

const read = (content: string, user = 'romeo', host = 'example%2eorg') =>
  readProsodyAccount({ place: 'romeo.dat', host, user, content: Buffer.from(content) })

/** Made by `prosodyctl register` 0.12.3. */
const SHA_1 = `return {
	["stored_key"] = "d4df254ff54a5f0bb98d6b5daa5a77084ca1badc";
	["salt"] = "92c7aed2-1ce6-4615-b16f-b7d7b620828c";
	["iteration_count"] = 10000;
	["server_key"] = "c07830ef7c64f5c4ba94ab931c97f33a1ac8261a";
};
`
const SHA_256 = `return {
	["iteration_count"] = 10000;
	["stored_key"] = "d36691b5ae9d8600e50fb05b46fdc9912cbbfbfe5a46dae9130aedd19421ab14";
	["salt"] = "ffed2170-68d7-4ef3-8ba1-b7424790dca5";
	["server_key"] = "62bedb539d33bd2ade2d486ed78b10e242c76414852f9291e44a7c0ac049f1aa";
};
`
const PASSWORD = 'pa"ss\\é-wört'

describe('an account of Prosody', () => {
  it.each([
    ['SHA-1', SHA_1, 'sha-1'],
    ['SHA-256', SHA_256, 'sha-256'],
  ])('has keys of %s', async (_hash, content, hash) => {
    const row = read(content)
    expect(summaryOf([row])).toEqual([['romeo.dat', 'romeo', 'example.org', hash]])
    await expectKeysOf(row, PASSWORD)
  })

  it('may have a password, and then keys do not count', () => {
    const plain = String.raw`return { ["password"] = "pa\"ss\\\195\169-w\195\182rt"; ["salt"] = "x" };`
    expect(read(plain)).toMatchObject({ credential: { kind: 'password', password: PASSWORD } })
  })

  it('may have none', () => {
    expect(read('return {}')).toMatchObject({ credential: { kind: 'none' } })
    expect(read('return { ["password"] = "" }')).toMatchObject({ credential: { kind: 'none' } })
  })

  it('has its name from the disk', () => {
    const row = read('return {}', 'ju%2eli%2d%c3%a9%5ft', 'm%c3%bcnchen%2eexample')
    expect(row).toMatchObject({ name: 'ju.li-é_t', domain: 'münchen.example' })
    expect(fromDiskName('żó%c5%82w')).toBe('żółw')
    expect(() => fromDiskName('%ff')).toThrow('the name is not UTF-8 text')
  })

  it.each([
    ['is disabled', SHA_1.replace('{', '{ ["disabled"] = true;'), 'the account is disabled in Prosody'],
    ['has half of the keys', 'return { ["salt"] = "x" }', 'iteration_count is not a number'],
    ['has no server key', SHA_1.replace('server_key', 'server'), 'server_key is not text'],
    ['has a key in another form', SHA_1.replace('d4df', 'xyz='), 'the stored key is not in hexadecimal'],
    [
      'has a key that is cut off',
      SHA_1.replace('d4df', ''),
      'the stored key has 18 bytes: no key of SHA-1, SHA-256 or SHA-512',
    ],
    ['has keys of two lengths', SHA_1.replace('c078', ''), 'the server key has 18 bytes, the stored key 20'],
    [
      'has few iterations',
      SHA_1.replace('10000', '1000'),
      'the keys come from 1000 iterations, and clients accept no fewer than 4096',
    ],
    [
      'has too many iterations',
      SHA_1.replace('10000', '1e9'),
      'the number of iterations must be whole, and no more than 1000000',
    ],
    [
      'has half an iteration',
      SHA_1.replace('10000', '5000.5'),
      'the number of iterations must be whole, and no more than 1000000',
    ],
    ['has no salt', SHA_1.replace(/"92c.*"/, '""'), 'the salt has 0 bytes'],
    ['is a program', 'return os.getenv("HOME")', 'romeo.dat:1:8: expected a value'],
  ])('is refused when it %s', (_case, content, message) => {
    expect(summaryOf([read(content)])).toEqual([['romeo.dat', message]])
  })
})
