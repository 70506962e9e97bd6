import { createPrivateKey, createPublicKey, generateKeyPair as generate, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { XmppkiError } from '../../errors.ts'
import { octetString, sequence } from '../der/der-writer.ts'
import { encodePem, type PemBlock, pemBlocks } from '../der/pem.ts'
import { type KeyAlgorithm, keyTypeOf } from './algorithms.ts'
import { encryptPbes2 } from './pbes2.ts'

/** A private key with its public half and the row that describes both. */
export interface KeyPair {
  readonly algorithm: KeyAlgorithm
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

const generateEc = promisify(generate)

/** Rounds for keys at rest; node's own export uses 2,048, which a graphics card tries by the million. */
const PASSPHRASE_ITERATIONS = 600_000

/** OpenSSL, and so node:crypto, reads at most this many octets of passphrase. */
const PASSPHRASE_OCTETS = 1024

/** A new key pair. RSA takes seconds of background time, the event loop stays free. */
export async function generateKeyPair(algorithm: KeyAlgorithm): Promise<KeyPair> {
  const { generation } = algorithm
  switch (generation.type) {
    case 'ec':
      return {
        algorithm,
        ...(await generateEc('ec', { namedCurve: generation.namedCurve })),
      }
    case 'ed25519':
      return { algorithm, ...(await generateEc('ed25519', {})) }
    case 'rsa':
      return {
        algorithm,
        ...(await generateEc('rsa', {
          modulusLength: generation.modulusLength,
        })),
      }
  }
}

/** Whether both are the same key. */
export function isSamePublicKey(one: KeyObject, other: KeyObject): boolean {
  // `equals` of different types leaves an error behind in OpenSSL's queue, which the next key that is read then fails with.
  return one.asymmetricKeyType === other.asymmetricKeyType && one.equals(other)
}

/** The pair that a private key makes; BAD_INPUT for key types that are not supported. */
function pairOf(privateKey: KeyObject): KeyPair {
  return {
    algorithm: keyTypeOf(privateKey),
    privateKey,
    publicKey: createPublicKey(privateKey),
  }
}

/**
 * A private key as PKCS #8 PEM (RFC 5208); with a passphrase encrypted by PBES2, AES-256-CBC and
 * PBKDF2-HMAC-SHA-256 with 600,000 rounds.
 * @throws XmppkiError PASSPHRASE when the passphrase is blank or longer than 1024 octets
 */
export async function encodePrivateKey(key: KeyObject, passphrase?: string): Promise<string> {
  const der = key.export({ type: 'pkcs8', format: 'der' })
  if (passphrase === undefined) return encodePem('PRIVATE KEY', der)
  if (passphrase.trim() === '') throw new XmppkiError('PASSPHRASE', 'the passphrase for the private key is blank')
  if (Buffer.byteLength(passphrase) > PASSPHRASE_OCTETS) {
    throw new XmppkiError('PASSPHRASE', `the passphrase is longer than ${PASSPHRASE_OCTETS} octets`)
  }
  const { algorithm, ciphertext } = await encryptPbes2(der, passphrase, PASSPHRASE_ITERATIONS)
  der.fill(0)
  return encodePem('ENCRYPTED PRIVATE KEY', sequence(algorithm, octetString(ciphertext)))
}

function privateKeyBlocks(pem: string | Buffer): PemBlock[] {
  return pemBlocks(pem.toString()).filter((block) => block.label.endsWith('PRIVATE KEY'))
}

function isEncrypted(block: PemBlock): boolean {
  // RFC 1421 §4.6.1.1: what `openssl genrsa -des3 -traditional` writes.
  return block.label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: *4,ENCRYPTED/m.test(block.body)
}

/** Whether the private key in this PEM text needs a passphrase. */
export function isEncryptedPrivateKey(pem: string | Buffer): boolean {
  return privateKeyBlocks(pem).some(isEncrypted)
}

function singleBlock(pem: string | Buffer, source: string): PemBlock {
  const [block, ...others] = privateKeyBlocks(pem)
  if (block === undefined) {
    throw new XmppkiError('BAD_INPUT', `${source} holds no private key in PEM form`, {
      hint: 'the file must contain a line -----BEGIN PRIVATE KEY----- or alike',
    })
  }
  if (others.length > 0) throw new XmppkiError('BAD_INPUT', `${source} holds more than one private key`)
  return block
}

function missingPassphrase(source: string): XmppkiError {
  return new XmppkiError('PASSPHRASE', `the private key in ${source} is encrypted and no passphrase was given`)
}

/**
 * OpenSSL gives many errors for a wrong passphrase: the padding fits one time in 256, and then the
 * garbage fails as odd ASN.1 or as an unsupported format, which is also what it says about old ciphers.
 */
function wrongPassphrase(source: string, cause?: unknown): XmppkiError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const hint =
    'if it is right, the cipher may be too old for this OpenSSL: re-encrypt the key with openssl pkcs8 -topk8'
  const details = code.endsWith('UNSUPPORTED') ? { hint, cause } : { cause }
  return new XmppkiError('PASSPHRASE', `wrong passphrase for the private key in ${source}`, details)
}

/**
 * Reads PKCS #8, encrypted PKCS #8 and traditional PEM (PKCS #1, SEC 1, also with `-des3`).
 * @param options.source names the file in errors
 * @throws XmppkiError PASSPHRASE when one is needed and missing or wrong; BAD_INPUT for anything
 *   that is not exactly one private key of a supported type
 */
export function decodePrivateKey(
  pem: string | Buffer,
  options: {
    readonly passphrase?: string | undefined
    readonly source: string
  },
): KeyPair {
  const { source } = options
  const block = singleBlock(pem, source)
  const encrypted = isEncrypted(block)
  const passphrase = options.passphrase ?? ''
  if (encrypted && passphrase === '') throw missingPassphrase(source)
  if (encrypted && Buffer.byteLength(passphrase) > PASSPHRASE_OCTETS) throw wrongPassphrase(source)
  let privateKey: KeyObject
  try {
    privateKey = createPrivateKey(encrypted ? { key: block.text, format: 'pem', passphrase } : block.text)
  } catch (error) {
    if (encrypted) throw wrongPassphrase(source, error)
    throw new XmppkiError('BAD_INPUT', `the private key in ${source} cannot be read`, {
      hint: 'it is damaged or of a type that OpenSSL does not know',
      cause: error,
    })
  }
  return pairOf(privateKey)
}
