import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer as joined } from 'node:stream/consumers'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Encrypter, generateIdentity, identityToRecipient } from 'age-encryption'
import { describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { ageEncryption, decryptAge } from '../../../src/workspace/backup/age.ts'

const BLOCK = 65_536
const sealing = async (pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, passphrase = 'correct horse') =>
  (await ageEncryption(passphrase, 10))(Readable.from(pieces, { highWaterMark: 1 }))
const encrypt = async (plain: Uint8Array) => joined(await sealing([plain]))
const decrypt = (sealed: Uint8Array, passphrase = 'correct horse') => joined(decryptAge([sealed], passphrase, 'x.age'))
const failure = (code: string) => expect.objectContaining({ code, message: expect.stringContaining('x.age') })

/** The pieces, how many were taken, and whether whoever took them has said that no more are needed. */
class Watched implements Iterable<Uint8Array> {
  isClosed = false
  taken = 0
  readonly #pieces: readonly Uint8Array[]

  constructor(...pieces: readonly Uint8Array[]) {
    this.#pieces = pieces
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    try {
      for (const piece of this.#pieces) {
        this.taken += 1
        yield piece
      }
    } finally {
      this.isClosed = true
    }
  }
}

function inBlocks(bytes: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / BLOCK) }, (_, n) => bytes.subarray(n * BLOCK, (n + 1) * BLOCK))
}

/** In which whatever runs ahead would do so. */
async function severalTurns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn()
}

describe('age', () => {
  it.each([0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])('gives back %i bytes', async (length) => {
    const plain = randomBytes(length)
    const sealed = await encrypt(plain)
    expect((await decrypt(sealed)).equals(plain)).toBe(true)
    // Of the specification: the last block is empty only when everything is.
    const blocks = Math.max(1, Math.ceil(length / BLOCK))
    expect(sealed.length).toBe(sealed.indexOf('\n--- ') + 49 + 16 + length + 16 * blocks)
  })

  it('takes and gives pieces of any length', async () => {
    const plain = randomBytes(200_000)
    const pieces = [
      plain.subarray(0, 1),
      plain.subarray(1, 150_000),
      plain.subarray(150_000, 150_000),
      plain.subarray(150_000),
    ]
    const sealed = await joined(await sealing(pieces))
    const single = Array.from(sealed.subarray(0, 1_300), (byte) => Buffer.from([byte]))
    const opened = await joined(decryptAge([...single, sealed.subarray(1_300)], 'correct horse', 'x'))
    expect(opened.equals(plain)).toBe(true)
  })

  it('asks for the passphrase as often as it always did: 2^17 rounds', async () => {
    const [header] = String(await joined((await ageEncryption('p'))(Readable.from([])))).split('\n---')
    expect(header).toMatch(/^age-encryption\.org\/v1\n-> scrypt [\w+/]{22} 17\n[\w+/]{43}$/)
  })

  it('tells a wrong passphrase from a file that is something else', async () => {
    const sealed = await encrypt(Buffer.from('x'))
    await expect(decrypt(sealed, 'wrong')).rejects.toThrow(failure('PASSPHRASE'))
    for (const other of [Buffer.alloc(0), Buffer.from('-----BEGIN CERTIFICATE-----\n'), randomBytes(5_000)]) {
      await expect(decrypt(other)).rejects.toThrow(failure('BAD_INPUT'))
    }
  })

  it('finds what was cut off, exchanged, added or changed', async () => {
    const sealed = await encrypt(randomBytes(2 * BLOCK + 100))
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
      sealed.subarray(0, 22),
      sealed.subarray(0, 100),
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
    for (const one of damaged) await expect(decrypt(one)).rejects.toThrow(failure('CORRUPT'))
  })

  it.each([21, 30, 99])('does not spend hours on a header that asks for 2^%i rounds', async (workFactor) => {
    const sealed = (await encrypt(Buffer.from('x'))).toString('latin1').replace(' 10\n', ` ${workFactor}\n`)
    await expect(decrypt(Buffer.from(sealed, 'latin1'))).rejects.toThrow(failure('CORRUPT'))
  })

  it('refuses what is not encrypted with a passphrase', async () => {
    const encrypter = new Encrypter()
    encrypter.addRecipient(await identityToRecipient(await generateIdentity()))
    await expect(decrypt(await encrypter.encrypt('x'))).rejects.toThrow(failure('CORRUPT'))
  })

  it('does not look for the end of a header through all of a file, and lets go of it', async () => {
    const start = Buffer.from('age-encryption.org/v1\n')
    const pieces = new Watched(start, Buffer.alloc(2_000, 'x'), Buffer.from('never taken'))
    await expect(joined(decryptAge(pieces, 'p', 'x.age'))).rejects.toThrow(failure('CORRUPT'))
    expect(pieces.isClosed).toBe(true)
  })

  it('takes pieces as they are wanted: what is large is never held whole', async () => {
    const plain = new Watched(...inBlocks(randomBytes(100 * BLOCK)))
    for await (const _ of await sealing(plain)) {
      await severalTurns()
      break
    }
    expect(plain.taken).toBeLessThan(10)
    const sealed = new Watched(...inBlocks(await encrypt(randomBytes(100 * BLOCK))))
    for await (const _ of decryptAge(sealed, 'correct horse', 'x')) {
      await severalTurns()
      break
    }
    expect(sealed.taken).toBeLessThan(10)
  })

  it('passes on what making the pieces throws', async () => {
    async function* pieces() {
      yield randomBytes(3 * BLOCK)
      throw new XmppkiError('IO', 'gone')
    }
    await expect(sealing(pieces()).then(joined)).rejects.toThrow(
      expect.objectContaining({ code: 'IO', message: 'gone' }),
    )
    const sealed = await encrypt(randomBytes(3 * BLOCK))
    function* cut() {
      yield sealed.subarray(0, 2 * BLOCK)
      throw new XmppkiError('IO', 'gone')
    }
    await expect(joined(decryptAge(cut(), 'correct horse', 'x.age'))).rejects.toThrow(
      expect.objectContaining({ code: 'IO', message: 'gone' }),
    )
  })

  it('lets go of a file when nobody wants more of it', async () => {
    const sealed = await encrypt(randomBytes(5 * BLOCK))
    const pieces = new Watched(sealed.subarray(0, 2 * BLOCK), sealed.subarray(2 * BLOCK))
    for await (const _ of decryptAge(pieces, 'correct horse', 'x.age')) break
    expect(pieces.isClosed).toBe(true)
  })
})
