import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { decryptAge, encryptAge } from '../../../src/workspace/backup/age.ts'

const BLOCK = 65_536
const encrypt = (plain: Uint8Array, passphrase = 'correct horse') =>
  Buffer.concat([...encryptAge([plain], passphrase, 10)])
const decrypt = (sealed: Uint8Array, passphrase = 'correct horse') =>
  Buffer.concat([...decryptAge([sealed], passphrase, 'x.age')])
const failure = (code: string) => expect.objectContaining({ code, message: expect.stringContaining('x.age') })

describe('age', () => {
  it.each([0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])('gives back %i bytes', (length) => {
    const plain = randomBytes(length)
    const sealed = encrypt(plain)
    expect(decrypt(sealed).equals(plain)).toBe(true)
    // Of the specification: the last block is empty only when everything is.
    const blocks = Math.max(1, Math.ceil(length / BLOCK))
    expect(sealed.length).toBe(sealed.indexOf('\n--- ') + 49 + 16 + length + 16 * blocks)
  })

  it('takes and gives pieces of any length', () => {
    const plain = randomBytes(200_000)
    const pieces = [
      plain.subarray(0, 1),
      plain.subarray(1, 150_000),
      plain.subarray(150_000, 150_000),
      plain.subarray(150_000),
    ]
    const sealed = Buffer.concat([...encryptAge(pieces, 'p', 10)])
    const single = Array.from(sealed.subarray(0, 300), (byte) => Buffer.from([byte]))
    expect(Buffer.concat([...decryptAge([...single, sealed.subarray(300)], 'p', 'x')]).equals(plain)).toBe(true)
  })

  it('tells a wrong passphrase from a file that is something else', () => {
    const sealed = encrypt(Buffer.from('x'))
    expect(() => decrypt(sealed, 'wrong')).toThrow(failure('PASSPHRASE'))
    for (const other of [Buffer.alloc(0), Buffer.from('-----BEGIN CERTIFICATE-----\n'), randomBytes(500)]) {
      expect(() => decrypt(other)).toThrow(failure('BAD_INPUT'))
    }
  })

  it('finds what was cut off, exchanged, added or changed', () => {
    const sealed = encrypt(randomBytes(2 * BLOCK + 100))
    const start = sealed.indexOf('\n--- ') + 49 + 16
    const block = (n: number) => sealed.subarray(start + n * (BLOCK + 16), start + (n + 1) * (BLOCK + 16))
    const head = sealed.subarray(0, start)
    const flipped = (at: number) => {
      const changed = Buffer.from(sealed)
      changed[at] = (changed[at] ?? 0) ^ 1
      return changed
    }
    const damaged: Buffer[] = [
      head,
      sealed.subarray(0, start - 1),
      sealed.subarray(0, -1),
      Buffer.concat([head, block(0)]),
      Buffer.concat([head, block(0), block(1)]),
      Buffer.concat([head, block(1), block(0), block(2)]),
      Buffer.concat([sealed, Buffer.alloc(1)]),
      Buffer.concat([sealed, block(2)]),
      flipped(sealed.length - 1),
      flipped(start),
      flipped(start - 1),
      // The MAC of the header.
      flipped(start - 20),
    ]
    for (const one of damaged) expect(() => decrypt(one)).toThrow(failure('CORRUPT'))
  })

  it('does not spend hours on a header that asks for it', () => {
    const sealed = encrypt(Buffer.from('x')).toString('latin1').replace(' 10\n', ' 30\n')
    expect(() => decrypt(Buffer.from(sealed, 'latin1'))).toThrow(failure('CORRUPT'))
  })
})
