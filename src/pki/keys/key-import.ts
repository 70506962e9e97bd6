import { createDecipheriv, createHash } from 'node:crypto'
import { XmppkiError } from '../../errors.ts'
import {
  type DerElement,
  DerError,
  DerReader,
  readInteger,
  readOid,
  readSingle,
  readSmallInteger,
  TAG,
} from '../der/der.ts'
import { decodePem, encodePem, type PemBlock, pemBlocks } from '../der/pem.ts'

/** A file could ask for hours of hashing; what is in use asks for 1 to 1,000,000 rounds. */
const MAX_ROUNDS = 10_000_000

/**
 * N · r · p of scrypt (RFC 7914 §2): 32 times what OpenSSL writes by default. The memory that it allows bounds N · r, but
 * not p: within it a key could ask for hours.
 */
const MAX_SCRYPT_COST = 2 ** 22

const ENCRYPTED = 'ENCRYPTED PRIVATE KEY'

/** PKCS #1 (RFC 8017 appendix A.1.2), SEC 1 (RFC 5915 §3), PKCS #8 (RFC 5208 §5 and §6), by their first two elements. */
function labelOf(first: DerElement, second: DerElement): string {
  if (first.tag === TAG.sequence) return ENCRYPTED
  if (second.tag === TAG.octetString) return 'EC PRIVATE KEY'
  return second.tag === TAG.integer ? 'RSA PRIVATE KEY' : 'PRIVATE KEY'
}

/**
 * The text of a private key file: PEM as it is, DER as the PEM that it would be. What it holds is not looked at
 * further; `decodePrivateKey` judges it.
 */
export function privateKeyText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1')
  if (bytes[0] !== TAG.sequence) return text
  try {
    const parts = readSingle(bytes, TAG.sequence).reader()
    return encodePem(labelOf(parts.next(), parts.next()), bytes)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return text
  }
}

/** Single DES, which OpenSSL 3 leaves to its legacy provider, is triple DES with one key three times. */
function decryptDes(ciphertext: Uint8Array, key: Uint8Array, iv: Uint8Array): Buffer {
  const decipher = createDecipheriv('des-ede3-cbc', Buffer.concat([key, key, key]), iv)
  return Buffer.concat([decipher.update(ciphertext), decipher.final()])
}

/** pbeWithMD5AndDES-CBC, which `openssl pkcs8 -topk8` wrote until 1.0.2, and pbeWithSHA1AndDES-CBC (RFC 8018 §A.3). */
const PBES1_HASHES: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.5.3', 'md5'],
  ['1.2.840.113549.1.5.10', 'sha1'],
])

/** PBKDF1 (RFC 8018 §5.1): 16 octets, half of them key, half initialisation vector. */
function pbkdf1(hash: string, password: string, salt: Uint8Array, rounds: number): Buffer {
  let key: Buffer = createHash(hash).update(password).update(salt).digest()
  for (let round = 1; round < rounds; round += 1) key = createHash(hash).update(key).digest()
  return key
}

/** An INTEGER that asks for work: PBKDF2 rounds, the cost of scrypt; infinite where it is too long for anything. */
function workOf(element: DerElement): number {
  return readInteger(element).length > 4 ? Number.POSITIVE_INFINITY : readSmallInteger(element)
}

/** OpenSSL computes whatever a key asks for, and nothing else happens meanwhile. Undefined when that is not too much. */
function excessOf(reader: DerReader): string | undefined {
  const works: number[] = []
  while (!reader.done) {
    const element = reader.next()
    const inner = element.tag === TAG.sequence ? excessOf(element.reader()) : undefined
    if (inner !== undefined) return inner
    if (element.tag === TAG.integer) works.push(workOf(element))
  }
  const [n = 0, r = 0, p] = works
  // Only the parameters of scrypt have three (RFC 7914 §7.1).
  if (p !== undefined && n * r * p > MAX_SCRYPT_COST) return `work by scrypt than N · r · p = ${MAX_SCRYPT_COST}`
  return works.some((work) => work > MAX_ROUNDS) ? `than ${MAX_ROUNDS} rounds of hashing` : undefined
}

interface EncryptedKey {
  readonly algorithm: DerElement
  readonly ciphertext: Uint8Array
}

/** EncryptedPrivateKeyInfo (RFC 5208 §6). */
function readEncryptedKey(der: Uint8Array): EncryptedKey {
  const parts = readSingle(der, TAG.sequence).reader()
  return { algorithm: parts.read(TAG.sequence), ciphertext: parts.read(TAG.octetString).content }
}

function decryptPbes1({ algorithm, ciphertext }: EncryptedKey, passphrase: string): Buffer | undefined {
  const reader = algorithm.reader()
  const hash = PBES1_HASHES.get(readOid(reader.next()))
  if (hash === undefined) return undefined
  const parameters = reader.read(TAG.sequence).reader()
  const salt = parameters.read(TAG.octetString).content
  const key = pbkdf1(hash, passphrase, salt, readSmallInteger(parameters.next()))
  return decryptDes(ciphertext, key.subarray(0, 8), key.subarray(8, 16))
}

/** RFC 1421 §4.6.1.3 with OpenSSL's key derivation: MD5 of passphrase and initialisation vector. */
function decryptTraditional({ body }: PemBlock, passphrase: string): Buffer | undefined {
  const [header = '', hex = ''] = /^DEK-Info: *DES-CBC,([0-9A-F]{16})\r?$/im.exec(body) ?? []
  if (header === '') return undefined
  const iv = Buffer.from(hex, 'hex')
  const ciphertext = Buffer.from(body.slice(body.indexOf(header) + header.length), 'base64')
  const key = createHash('md5').update(passphrase).update(iv).digest()
  return decryptDes(ciphertext, key.subarray(0, 8), iv)
}

function decryptBlock(block: PemBlock, passphrase: string, source: string): string | undefined {
  if (block.label !== ENCRYPTED) {
    const der = decryptTraditional(block, passphrase)
    return der === undefined ? undefined : encodePem(block.label, readSingle(der, TAG.sequence).raw)
  }
  const key = readEncryptedKey(decodePem(block.text, ENCRYPTED, source))
  const excess = excessOf(new DerReader(key.algorithm.content))
  if (excess !== undefined) throw new XmppkiError('BAD_INPUT', `the key in ${source} asks for more ${excess}`)
  const der = decryptPbes1(key, passphrase)
  return der === undefined ? undefined : encodePem('PRIVATE KEY', readSingle(der, TAG.sequence).raw)
}

/**
 * Takes off an encryption that the OpenSSL of today refuses: single DES, in PKCS #8 (PBES1) and in traditional PEM.
 * Whatever else the text is comes back as it was, for `decodePrivateKey`.
 * @param source names the file in errors
 * @throws XmppkiError PASSPHRASE for a wrong passphrase, BAD_INPUT for damage and for keys that ask for hours of hashing
 */
export function withoutDes(text: string, passphrase: string, source: string): string {
  const block = pemBlocks(text).find(({ label }) => label.endsWith('PRIVATE KEY'))
  if (block === undefined) return text
  try {
    return decryptBlock(block, passphrase, source) ?? text
  } catch (error) {
    if (error instanceof XmppkiError) throw error
    // The padding of the last block, or what came out, is wrong.
    throw new XmppkiError('PASSPHRASE', `wrong passphrase for the private key in ${source}`, { cause: error })
  }
}
