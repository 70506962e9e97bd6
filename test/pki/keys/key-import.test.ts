import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { integer, octetString, oid, sequence } from '../../../src/pki/der/der-writer.ts'
import { OID } from '../../../src/pki/der/oids.ts'
import { privateKeyText, withoutDes } from '../../../src/pki/keys/key-import.ts'
import { decodePrivateKey } from '../../../src/pki/keys/keys.ts'
import { type Folder, openssl, temporaryFolder, testKeys } from '../support.ts'

/** Where OpenSSL 3 keeps single DES. */
const LEGACY = ['-provider', 'legacy', '-provider', 'default']

let folder: Folder
const plain = new Map<string, string>()
beforeAll(async () => {
  folder = temporaryFolder()
  for (const type of ['rsa:2048', 'ec:p256', 'ed25519'] as const) {
    const { privateKey } = await testKeys(type)
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    folder.write(`${type}.pem`, pem)
    plain.set(type, pem)
  }
})
afterAll(() => folder.remove())

function decode(bytes: Uint8Array, passphrase?: string): string {
  const text = privateKeyText(bytes)
  const opened = passphrase === undefined ? text : withoutDes(text, passphrase, 'old.key')
  const { privateKey } = decodePrivateKey(opened, { passphrase, source: 'old.key' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function made(name: string): Buffer {
  return Buffer.from(folder.read(name), 'latin1')
}

describe('privateKeyText', () => {
  it.each([
    ['traditional PEM with -des3, as openssl genrsa -des3 of the guide', 'rsa:2048', ['rsa', '-des3', '-traditional']],
    ['traditional PEM with -aes256', 'rsa:2048', ['rsa', '-aes256', '-traditional']],
    ['SEC 1 with -des3', 'ec:p256', ['ec', '-des3']],
    ['PKCS #8, PBES2 with 3DES', 'rsa:2048', ['pkcs8', '-topk8', '-v2', 'des3']],
    [
      'PKCS #8, PBES2 with AES and HMAC-SHA-512',
      'ec:p256',
      ['pkcs8', '-topk8', '-v2', 'aes256', '-v2prf', 'hmacWithSHA512'],
    ],
    ['PKCS #8, PBES2 with scrypt', 'ed25519', ['pkcs8', '-topk8', '-scrypt']],
    [
      'PKCS #8, PBES1 with MD5 and DES, of old openssl pkcs8',
      'rsa:2048',
      ['pkcs8', '-topk8', '-v1', 'PBE-MD5-DES', ...LEGACY],
    ],
    ['PKCS #8, PBES1 with SHA-1 and DES', 'ec:p256', ['pkcs8', '-topk8', '-v1', 'PBE-SHA1-DES', ...LEGACY]],
    ['traditional PEM with -des', 'rsa:2048', ['rsa', '-des', '-traditional', ...LEGACY]],
    ['PKCS #8, PBES1 of PKCS #12 with 3DES', 'rsa:2048', ['pkcs8', '-topk8', '-v1', 'PBE-SHA1-3DES']],
    ['encrypted PKCS #8 in DER', 'ec:p256', ['pkcs8', '-topk8', '-v2', 'aes256', '-outform', 'DER']],
  ])('reads %s', async (_form, type, [command = '', ...args]) => {
    openssl(folder, command, '-in', `${type}.pem`, ...args, '-passout', 'pass:old secret', '-out', 'made')
    const bytes = args.includes('DER') ? await readBytes('made') : made('made')
    expect(decode(bytes, 'old secret')).toBe(plain.get(type))
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ code: 'PASSPHRASE' }))
    expect(() => decode(bytes, 'wrong')).toThrow(expect.objectContaining({ code: 'PASSPHRASE' }))
  })

  it.each([
    ['PKCS #1 in DER', 'rsa:2048', ['rsa', '-traditional', '-outform', 'DER']],
    ['SEC 1 in DER', 'ec:p256', ['ec', '-outform', 'DER']],
    ['PKCS #8 in DER', 'ed25519', ['pkey', '-outform', 'DER']],
    ['PKCS #1 in PEM', 'rsa:2048', ['rsa', '-traditional']],
  ])('reads %s', async (_form, type, [command = '', ...args]) => {
    openssl(folder, command, '-in', `${type}.pem`, ...args, '-out', 'made')
    expect(decode(await readBytes('made'))).toBe(plain.get(type))
  })
})

describe('withoutDes', () => {
  it.each([
    ['PBES2', OID.pbes2],
    ['PBES1 with DES', '1.2.840.113549.1.5.3'],
  ])('refuses to hash for hours: %s', (_scheme, id) => {
    const parameters = sequence(octetString(Buffer.alloc(8)), integer(2_000_000_000))
    const key = sequence(sequence(oid(id), sequence(parameters)), octetString(Buffer.alloc(64)))
    expect(() => decode(key, 'x')).toThrow(/asks for more than 10000000 rounds/)
  })

  it.each([
    ['as long, in the memory that OpenSSL allows', [16_384, 8, 15_000]],
    ['with 10 GB of memory', [8_388_608, 10, 1]],
  ])('refuses to hash with scrypt %s', (_what, costs) => {
    // RFC 7914 §7.1: salt, N, r, p.
    const scrypt = sequence(
      oid('1.3.6.1.4.1.11591.4.11'),
      sequence(octetString(Buffer.alloc(8)), ...costs.map(integer)),
    )
    const cipher = sequence(oid(OID.aes256Cbc), octetString(Buffer.alloc(16)))
    const key = sequence(sequence(oid(OID.pbes2), sequence(scrypt, cipher)), octetString(Buffer.alloc(64)))
    expect(() => decode(key, 'x')).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringContaining('asks for more work by scrypt') }),
    )
  })

  it.each([
    ['RC2', 'PBE-SHA1-RC2-40'],
    ['RC4', 'PBE-SHA1-RC4-128'],
  ])('leaves %s to the legacy provider of openssl, and decodePrivateKey says so', (_cipher, scheme) => {
    openssl(
      folder,
      'pkcs8',
      '-topk8',
      '-in',
      'rsa:2048.pem',
      '-v1',
      scheme,
      ...LEGACY,
      '-passout',
      'pass:x',
      '-out',
      'made',
    )
    expect(() => decode(made('made'), 'x')).toThrow(
      expect.objectContaining({ code: 'PASSPHRASE', hint: expect.stringContaining('openssl pkcs8 -topk8') }),
    )
  })
})

async function readBytes(name: string): Promise<Buffer> {
  const { readFile } = await import('node:fs/promises')
  return readFile(`${folder.path}/${name}`)
}

/** A small generator with a fixed seed (Park and Miller), so that a failure can be seen again. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

describe('damaged keys', () => {
  it.each([
    ['PEM', ['pkey']],
    ['DER', ['pkey', '-outform', 'DER']],
    ['encrypted PEM', ['ec', '-des3', '-passout', 'pass:x']],
    [
      'DER with single DES',
      ['pkcs8', '-topk8', '-v1', 'PBE-MD5-DES', '-iter', '1', '-passout', 'pass:x', '-outform', 'DER', ...LEGACY],
    ],
    ['encrypted DER', ['pkcs8', '-topk8', '-iter', '1', '-passout', 'pass:x', '-outform', 'DER']],
  ])('in %s are an XmppkiError each, or still a key', async (_form, [command = '', ...args]) => {
    openssl(folder, command, '-in', 'ec:p256.pem', ...args, '-out', 'made')
    const original = await readBytes('made')
    const random = generator(11)
    let refused = 0
    for (let round = 0; round < 500; round += 1) {
      const bytes = Buffer.from(original)
      for (let changes = 1 + random(3); changes > 0; changes -= 1) bytes[random(bytes.length)] = random(256)
      try {
        decode(random(8) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes, 'x')
      } catch (error) {
        expect(error).toBeInstanceOf(XmppkiError)
        refused += 1
      }
    }
    expect(refused).toBeGreaterThan(100)
  })
})
