import { createDecipheriv, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { XmppkiError } from '../../errors.ts'
import { type DerElement, DerError, readOid, readSmallInteger, TAG } from '../der/der.ts'
import { OID } from '../der/oids.ts'
import { derivePkcs12, PKCS12_HASHES } from './password-kdf.ts'

/** Password-based encryption as an AlgorithmIdentifier states it. */
export interface Encryption {
  /** For people: `PBES2 with AES-256-CBC, HMAC-SHA256, 10000 rounds`. */
  readonly label: string
  /**
   * Undefined where the algorithm is not supported here.
   * @throws XmppkiError PASSPHRASE for a wrong password; BAD_INPUT for too many rounds
   */
  readonly decrypt: ((ciphertext: Uint8Array, password: string) => Promise<Buffer>) | undefined
}

interface Cipher {
  readonly name: string
  readonly label: string
  readonly keyLength: number
  readonly ivLength: number
}

const CIPHERS: ReadonlyMap<string, Cipher> = new Map([
  ['2.16.840.1.101.3.4.1.2', { name: 'aes-128-cbc', label: 'AES-128-CBC', keyLength: 16, ivLength: 16 }],
  ['2.16.840.1.101.3.4.1.22', { name: 'aes-192-cbc', label: 'AES-192-CBC', keyLength: 24, ivLength: 16 }],
  [OID.aes256Cbc, { name: 'aes-256-cbc', label: 'AES-256-CBC', keyLength: 32, ivLength: 16 }],
  ['1.2.840.113549.3.7', { name: 'des-ede3-cbc', label: '3DES', keyLength: 24, ivLength: 8 }],
])

const HMACS: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.2.7', 'sha1'],
  [OID.hmacWithSha256, 'sha256'],
  ['1.2.840.113549.2.10', 'sha384'],
  ['1.2.840.113549.2.11', 'sha512'],
])

/** Algorithms of RFC 7292 appendix C and RFC 8018 that are known by name only. */
const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.12.1.1', 'RC4-128'],
  ['1.2.840.113549.1.12.1.2', 'RC4-40'],
  ['1.2.840.113549.1.12.1.4', 'two-key 3DES'],
  ['1.2.840.113549.1.12.1.5', 'RC2-128'],
  ['1.2.840.113549.1.12.1.6', 'RC2-40'],
])

/** A file could ask for hours of hashing; what is in use asks for 10,000 to 1,000,000 rounds. */
const MAX_ROUNDS = 2_000_000

const derivePbkdf2 = promisify(pbkdf2)

/** @throws XmppkiError BAD_INPUT for more rounds than anybody uses */
export function checkRounds(rounds: number, source: string): void {
  if (rounds >= 1 && rounds <= MAX_ROUNDS) return
  throw new XmppkiError('BAD_INPUT', `${source} asks for ${rounds} rounds of hashing, which are not tried`, {
    hint: `from 1 to ${MAX_ROUNDS} are accepted`,
  })
}

function decipher(
  name: string,
  secret: { readonly key: Uint8Array; readonly iv: Uint8Array },
  ciphertext: Uint8Array,
  source: string,
): Buffer {
  try {
    const cipher = createDecipheriv(name, secret.key, secret.iv)
    return Buffer.concat([cipher.update(ciphertext), cipher.final()])
  } catch (error) {
    throw new XmppkiError('PASSPHRASE', `wrong password for ${source}`, { cause: error })
  }
}

function readPbkdf2(element: DerElement) {
  const parts = element.reader()
  if (readOid(parts.next()) !== OID.pbkdf2) return undefined
  const parameters = parts.read(TAG.sequence).reader()
  const salt = parameters.read(TAG.octetString).content
  const rounds = readSmallInteger(parameters.read(TAG.integer))
  parameters.readOptional(TAG.integer)
  // RFC 8018 appendix A.2: HMAC-SHA-1 when nothing is said.
  const prf = parameters.readOptional(TAG.sequence)
  const hmac = prf === undefined ? 'sha1' : HMACS.get(readOid(prf.reader().next()))
  return hmac === undefined ? undefined : { salt, rounds, hmac }
}

/** RFC 8018 §6.2 */
function readPbes2(parameters: DerElement, source: string): Encryption {
  const parts = parameters.reader()
  const kdf = readPbkdf2(parts.read(TAG.sequence))
  const scheme = parts.read(TAG.sequence).reader()
  const cipher = CIPHERS.get(readOid(scheme.next()))
  if (kdf === undefined || cipher === undefined) return { label: 'PBES2 of an unknown kind', decrypt: undefined }
  const iv = scheme.read(TAG.octetString).content
  if (iv.length !== cipher.ivLength) throw new DerError('initialisation vector of the wrong length')
  const { salt, rounds, hmac } = kdf
  return {
    label: `PBES2 with ${cipher.label}, HMAC-${hmac.toUpperCase()}, ${rounds} rounds`,
    decrypt: async (ciphertext, password) => {
      checkRounds(rounds, source)
      const key = await derivePbkdf2(password, salt, rounds, cipher.keyLength, hmac)
      return decipher(cipher.name, { key, iv }, ciphertext, source)
    },
  }
}

/** RFC 7292 appendix C */
function readTripleDes(parameters: DerElement, source: string): Encryption {
  const parts = parameters.reader()
  const salt = parts.read(TAG.octetString).content
  const iterations = readSmallInteger(parts.read(TAG.integer))
  return {
    label: `3DES with SHA-1, ${iterations} rounds`,
    decrypt: async (ciphertext, password) => {
      checkRounds(iterations, source)
      const secret = { password, salt, iterations }
      const key = await derivePkcs12(PKCS12_HASHES.sha1, 'key', secret, 24)
      const iv = await derivePkcs12(PKCS12_HASHES.sha1, 'iv', secret, 8)
      return decipher('des-ede3-cbc', { key, iv }, ciphertext, source)
    },
  }
}

/**
 * Reads the AlgorithmIdentifier of password-based encryption, as PKCS #8 and PKCS #12 use it.
 * @param source names the file in errors
 * @throws DerError
 */
export function readEncryption(algorithm: DerElement, source: string): Encryption {
  const parts = algorithm.reader()
  const name = readOid(parts.next())
  if (name === OID.pbes2) return readPbes2(parts.read(TAG.sequence), source)
  if (name === OID.pbeWithSha1And3KeyTripleDesCbc) return readTripleDes(parts.read(TAG.sequence), source)
  return { label: UNSUPPORTED.get(name) ?? `algorithm ${name}`, decrypt: undefined }
}
