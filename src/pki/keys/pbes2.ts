import { createCipheriv, createDecipheriv, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { integer, nullValue, octetString, oid, sequence } from '../der/der-writer.ts'
import { OID } from '../der/oids.ts'

const derive = promisify(pbkdf2)

/** Ciphertext with the AlgorithmIdentifier that says how to undo it. */
export interface Encrypted {
  readonly algorithm: Uint8Array
  readonly ciphertext: Uint8Array
}

/** Encrypts under one derived key, each text with its own initialisation vector. */
export type Pbes2Cipher = (plaintext: Uint8Array) => Encrypted

/**
 * Whether ciphertext in CBC mode seems to decrypt with this key: its padding is right (RFC 8018 §6.1.1). With a wrong key
 * that happens once in 256 times.
 */
export function isPadded(algorithm: 'aes-256-cbc' | 'des-ede3-cbc', key: Uint8Array, ciphertext: Uint8Array): boolean {
  const block = algorithm === 'aes-256-cbc' ? 16 : 8
  const decipher = createDecipheriv(algorithm, key, ciphertext.subarray(-2 * block, -block))
  decipher.update(ciphertext.subarray(-block))
  try {
    decipher.final()
    return true
  } catch {
    return false
  }
}

/**
 * PBES2 (RFC 8018 §6.2) with PBKDF2-HMAC-SHA-256 and AES-256-CBC, for several texts: the key is derived once.
 * @param iterations PBKDF2 rounds; 600,000 take about 0.2 s on a current machine
 * @param wrong a password that must not even seem to fit, for texts of a block or more
 */
export async function pbes2Cipher(password: string, iterations: number, wrong?: string): Promise<Pbes2Cipher> {
  const salt = randomBytes(16)
  const deriveFrom = (secret: string) => derive(secret, salt, iterations, 32, 'sha256')
  const [key, wrongKey] = await Promise.all([deriveFrom(password), wrong === undefined ? undefined : deriveFrom(wrong)])
  const prf = sequence(oid(OID.hmacWithSha256), nullValue())
  const kdf = sequence(oid(OID.pbkdf2), sequence(octetString(salt), integer(iterations), prf))
  const encrypt: Pbes2Cipher = (plaintext) => {
    const iv = randomBytes(16)
    const cipher = createCipheriv('aes-256-cbc', key, iv)
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
    if (wrongKey !== undefined && isPadded('aes-256-cbc', wrongKey, ciphertext)) return encrypt(plaintext)
    const scheme = sequence(oid(OID.aes256Cbc), octetString(iv))
    return { algorithm: sequence(oid(OID.pbes2), sequence(kdf, scheme)), ciphertext }
  }
  return encrypt
}

/** As {@link pbes2Cipher} for a single text. */
export async function encryptPbes2(plaintext: Uint8Array, password: string, iterations: number): Promise<Encrypted> {
  const encrypt = await pbes2Cipher(password, iterations)
  return encrypt(plaintext)
}
