import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  scryptSync,
  timingSafeEqual,
} from 'node:crypto'
import { XmppkiError } from '../../errors.ts'
import { ByteSource } from './byte-source.ts'

/*
 * The file format of age (https://c2sp.org/age), with a passphrase. Of the formats that authenticate every block and
 * notice a missing end, it is the one that other programs can open: `age --decrypt FILE` (packaged by every
 * distribution) works without xmppki. openssl has none: the CMS that its command line decrypts with a password is held
 * in memory as a whole and gives out text before that has been authenticated.
 *
 *   header:   "age-encryption.org/v1" LF
 *             "-> scrypt" SP salt SP log2(N) LF, file key wrapped by ChaCha20-Poly1305 LF
 *             "--- " HMAC-SHA-256 over everything before LF                             (base64 without padding)
 *   payload:  nonce of 16 bytes, then STREAM: blocks of 64 KiB, each with a tag of 16 bytes; the nonce of a block is
 *             its number in 11 bytes and 1 for the last one, else 0.
 */

const INTRO = 'age-encryption.org/v1'
const BLOCK = 65_536
const TAG = 16
/** log2(N) of scrypt: some 0.4 s and 128 MiB (r = 8). */
export const WORK_FACTOR = 17
/** What is read; more takes minutes and GiBs, from a header that nobody has vouched for yet. */
const MAX_WORK_FACTOR = 20
/** Longer than any line of a header with a passphrase. */
const MAX_LINE = 100

const unpadded = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '')

function derive(secret: Uint8Array, salt: Uint8Array, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, 32))
}

function headerMac(fileKey: Uint8Array, header: string): Buffer {
  return createHmac('sha256', derive(fileKey, Buffer.alloc(0), 'header'))
    .update(header)
    .digest()
}

/** The key that wraps the file key. Unicode as it was typed, like age. */
function wrappingKey(passphrase: string, salt: Uint8Array, workFactor: number): Buffer {
  const labelled = Buffer.concat([Buffer.from(`${INTRO}/scrypt`), salt])
  const cost = { N: 2 ** workFactor, r: 8, p: 1 }
  return scryptSync(passphrase, labelled, 32, { ...cost, maxmem: 2 * 128 * cost.N * cost.r })
}

function seal(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array): Buffer {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG })
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Undefined when the tag does not fit. */
function open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < TAG) return undefined
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG })
  decipher.setAuthTag(sealed.subarray(-TAG))
  const plain = decipher.update(sealed.subarray(0, -TAG))
  try {
    return Buffer.concat([plain, decipher.final()])
  } catch {
    return undefined
  }
}

function blockNonce(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(number, 5, 6)
  nonce[11] = isLast ? 1 : 0
  return nonce
}

/** The pieces in blocks of a fixed size, the last of them marked; it is empty only when all is. */
function* inBlocks(pieces: Iterable<Uint8Array>, size: number): Generator<{ block: Buffer; isLast: boolean }> {
  let rest = Buffer.alloc(0)
  for (const piece of pieces) {
    rest = Buffer.concat([rest, piece])
    let start = 0
    for (; rest.length - start > size; start += size) yield { block: rest.subarray(start, start + size), isLast: false }
    rest = rest.subarray(start)
  }
  yield { block: rest, isLast: true }
}

/** Encrypts with a passphrase; the pieces of the result are to be written one behind the other. */
export function* encryptAge(
  pieces: Iterable<Uint8Array>,
  passphrase: string,
  workFactor = WORK_FACTOR,
): Generator<Buffer> {
  const [fileKey, salt, nonce] = [randomBytes(16), randomBytes(16), randomBytes(16)]
  const wrapped = seal(wrappingKey(passphrase, salt, workFactor), Buffer.alloc(12), fileKey)
  const header = `${INTRO}\n-> scrypt ${unpadded(salt)} ${workFactor}\n${unpadded(wrapped)}\n---`
  yield Buffer.from(`${header} ${unpadded(headerMac(fileKey, header))}\n`)
  yield nonce
  const key = derive(fileKey, nonce, 'payload')
  let number = 0
  for (const { block, isLast } of inBlocks(pieces, BLOCK)) yield seal(key, blockNonce(number++, isLast), block)
}

/**
 * Decrypts what {@link encryptAge}, or age itself, has made. Every piece is authentic when it is given out; that the
 * end is missing is found at the end.
 * @param source what it is called in messages
 * @throws {XmppkiError} BAD_INPUT when it is something else, PASSPHRASE when the passphrase is wrong, CORRUPT
 */
export function* decryptAge(pieces: Iterable<Uint8Array>, passphrase: string, source: string): Generator<Buffer> {
  const bytes = new ByteSource(pieces)
  const fileKey = openHeader(bytes, passphrase, source)
  const nonce = bytes.take(16)
  if (nonce.length < 16) throw damaged(source)
  const key = derive(fileKey, nonce, 'payload')
  let number = 0
  for (const { block, isLast } of inBlocks(bytes.rest(), BLOCK + TAG)) {
    const plain = open(key, blockNonce(number++, isLast), block)
    if (plain === undefined) throw damaged(source)
    yield plain
  }
}

const HEADER = /^(-> scrypt ([\w+/]{22}) ([1-9]\d?)\n([\w+/]{43})\n---) ([\w+/]{43})\n$/

/** The file key. */
function openHeader(bytes: ByteSource, passphrase: string, source: string): Buffer {
  const intro = bytes.take(INTRO.length + 1).toString('latin1')
  if (intro !== `${INTRO}\n`) {
    throw new XmppkiError('BAD_INPUT', `${source} is not a backup`, {
      hint: 'give a file that xmppki ca backup has made',
    })
  }
  const lines = Array.from({ length: 3 }, () => bytes.line(MAX_LINE)).join('')
  const [, body = '', salt = '', workFactor = '', wrapped = '', mac = ''] = HEADER.exec(lines) ?? []
  if (body === '' || Number(workFactor) > MAX_WORK_FACTOR) throw damaged(source)
  const key = wrappingKey(passphrase, Buffer.from(salt, 'base64'), Number(workFactor))
  const fileKey = open(key, Buffer.alloc(12), Buffer.from(wrapped, 'base64'))
  if (fileKey === undefined) {
    throw new XmppkiError('PASSPHRASE', `wrong passphrase for ${source}`, { hint: 'or its first lines are damaged' })
  }
  if (!timingSafeEqual(headerMac(fileKey, `${INTRO}\n${body}`), Buffer.from(mac, 'base64'))) throw damaged(source)
  return fileKey
}

function damaged(source: string): XmppkiError {
  return new XmppkiError('CORRUPT', `${source} is damaged or not complete`, { hint: 'take another copy of the backup' })
}
