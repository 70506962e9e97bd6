import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodePem } from '../../../src/pki/der/pem.ts'
import { KEY_TYPES, keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import {
  decodePrivateKey,
  encodePrivateKey,
  generateKeyPair,
  isEncryptedPrivateKey,
  isSamePublicKey,
} from '../../../src/pki/keys/keys.ts'
import { type Folder, openssl, temporaryFolder, testKeys } from '../support.ts'

const PASSPHRASE = 'correct horse'
let folder: Folder
beforeAll(() => {
  folder = temporaryFolder()
})
afterAll(() => folder.remove())

const decode = (pem: string | Buffer, passphrase?: string) => decodePrivateKey(pem, { passphrase, source: 'ca.key' })

describe('generateKeyPair', () => {
  it.each(['ec:p256', 'ec:p384', 'ed25519'] as const)('makes %s', async (id) => {
    const keys = await generateKeyPair(keyAlgorithm(id))
    expect(decode(await encodePrivateKey(keys.privateKey))).toMatchObject({ algorithm: { id } })
    expect(keys.publicKey.asymmetricKeyType).toBe(keys.privateKey.asymmetricKeyType)
  })

  it('leaves the event loop free while an RSA key is made', async () => {
    let turns = 0
    const timer = setInterval(() => {
      turns += 1
    }, 1)
    const keys = await generateKeyPair(keyAlgorithm('rsa:2048'))
    clearInterval(timer)
    expect(keys.privateKey.asymmetricKeyDetails).toMatchObject({ modulusLength: 2048, publicExponent: 65_537n })
    expect(turns).toBeGreaterThan(3)
  })
})

describe.each(KEY_TYPES)('a private key of type %s', (type) => {
  it('goes through PKCS #8 PEM that openssl reads', async () => {
    const { privateKey, algorithm } = await testKeys(type)
    const pem = await encodePrivateKey(privateKey)
    expect(pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    expect(isEncryptedPrivateKey(pem)).toBe(false)
    expect(decode(pem)).toMatchObject({ algorithm })
    folder.write('plain.key', pem)
    expect(openssl(folder, 'pkey', '-in', 'plain.key', '-noout', '-text')).toContain('Private-Key')
  })
})

describe('isSamePublicKey', () => {
  it('tells keys apart, and the next key can be read', async () => {
    const [one, other, rsa] = [await testKeys('ec:p256'), await testKeys('ec:p256'), await testKeys('rsa:2048')]
    const pem = await encodePrivateKey(one.privateKey)
    expect(isSamePublicKey(one.publicKey, decode(pem).publicKey)).toBe(true)
    expect(isSamePublicKey(one.publicKey, other.publicKey)).toBe(false)
    expect(isSamePublicKey(one.publicKey, rsa.publicKey)).toBe(false)
    expect(decode(pem).algorithm.id).toBe('ec:p256')
  })
})

describe('an encrypted private key', () => {
  let pem: string
  beforeAll(async () => {
    pem = await encodePrivateKey((await testKeys('ec:p256')).privateKey, PASSPHRASE)
  })

  it('is read back by us and by openssl', () => {
    expect(isEncryptedPrivateKey(pem)).toBe(true)
    expect(isEncryptedPrivateKey(Buffer.from(pem))).toBe(true)
    expect(decode(pem, PASSPHRASE).algorithm.id).toBe('ec:p256')
    folder.write('enc.key', pem)
    expect(openssl(folder, 'pkey', '-in', 'enc.key', '-passin', `pass:${PASSPHRASE}`, '-noout', '-check')).toContain(
      'Key is valid',
    )
  })

  it('costs a guesser 600,000 rounds of HMAC-SHA-256 (RFC 8018 §5.2)', () => {
    folder.write('enc.key', pem)
    const printed = openssl(folder, 'asn1parse', '-in', 'enc.key')
    expect(printed).toMatch(/INTEGER +:0927C0/)
    for (const name of ['PBES2', 'PBKDF2', 'hmacWithSHA256', 'aes-256-cbc']) expect(printed).toContain(`:${name}`)
  })

  it.each([
    ['missing', undefined, 'the private key in ca.key is encrypted and no passphrase was given'],
    ['empty', '', 'the private key in ca.key is encrypted and no passphrase was given'],
    ['wrong', 'wrong horse', 'wrong passphrase for the private key in ca.key'],
    ['longer than OpenSSL can take', 'x'.repeat(1025), 'wrong passphrase for the private key in ca.key'],
  ])('names the file when the passphrase is %s', (_, passphrase, message) => {
    expect(() => decode(pem, passphrase)).toThrow(expect.objectContaining({ code: 'PASSPHRASE', message }))
  })

  it.each([
    ['blank', ' \t'],
    ['empty', ''],
    ['longer than OpenSSL could read back', 'x'.repeat(1025)],
  ])('is not made with a passphrase that is %s', async (_, passphrase) => {
    const { privateKey } = await testKeys('ec:p256')
    await expect(encodePrivateKey(privateKey, passphrase)).rejects.toMatchObject({ code: 'PASSPHRASE' })
  })
})

describe('keys from the openssl walk-through', () => {
  const passout = ['-passout', `pass:${PASSPHRASE}`]
  it.each([
    ['genrsa -des3 -traditional', ['genrsa', '-des3', '-traditional', ...passout, '2048'], true, 'rsa:2048'],
    ['genrsa -des3', ['genrsa', '-des3', ...passout, '2048'], true, 'rsa:2048'],
    ['genrsa -traditional', ['genrsa', '-traditional', '2048'], false, 'rsa:2048'],
    ['ecparam -genkey with its EC PARAMETERS', ['ecparam', '-genkey', '-name', 'prime256v1'], false, 'ec:p256'],
    ['genpkey ed25519', ['genpkey', '-algorithm', 'ed25519'], false, 'ed25519'],
  ])('%s', (_, command, encrypted, id) => {
    const pem = openssl(folder, ...command)
    expect(isEncryptedPrivateKey(pem)).toBe(encrypted)
    expect(decode(pem, PASSPHRASE).algorithm.id).toBe(id)
    if (encrypted) {
      expect(() => decode(pem)).toThrow(expect.objectContaining({ code: 'PASSPHRASE' }))
      expect(() => decode(pem, 'wrong')).toThrow(expect.objectContaining({ code: 'PASSPHRASE' }))
    }
  })

  it('says PASSPHRASE for every wrong passphrase, also where the padding happens to fit', () => {
    const pem = openssl(folder, 'ecparam', '-genkey', '-noout', '-name', 'prime256v1', '-out', 'tiny.key')
    expect(pem).toBe('')
    openssl(folder, 'ec', '-in', 'tiny.key', '-des3', '-out', 'tiny-des3.key', ...passout)
    const encrypted = folder.read('tiny-des3.key')
    const codes = new Set<unknown>()
    for (let i = 0; i < 600; i += 1) {
      try {
        decode(encrypted, `wrong ${i}`)
      } catch (error) {
        codes.add((error as { code?: unknown }).code)
      }
    }
    expect([...codes]).toEqual(['PASSPHRASE'])
  })
})

describe('decodePrivateKey refuses', () => {
  it.each([
    ['no key', 'hello', 'ca.key holds no private key in PEM form'],
    ['a public key', encodePem('PUBLIC KEY', Buffer.from('3000', 'hex')), 'ca.key holds no private key in PEM form'],
    [
      'garbage in the block',
      encodePem('PRIVATE KEY', Buffer.from('3000', 'hex')),
      'the private key in ca.key cannot be read',
    ],
  ])('%s', (_, pem, message) => {
    expect(() => decode(pem)).toThrow(expect.objectContaining({ code: 'BAD_INPUT', message }))
  })

  it('two keys in one file', async () => {
    const pem = await encodePrivateKey((await testKeys('ec:p256')).privateKey)
    expect(() => decode(pem + pem)).toThrow('ca.key holds more than one private key')
  })

  it('keys of other types', () => {
    const pem = openssl(folder, 'genpkey', '-algorithm', 'ed448')
    expect(() => decode(pem)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  })
})
