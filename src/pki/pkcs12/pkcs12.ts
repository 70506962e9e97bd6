import { createCipheriv, createHmac, hash, type KeyObject, randomBytes } from 'node:crypto'
import { XmppkiError } from '../../errors.ts'
import {
  bmpString,
  context,
  contextPrimitive,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
  setOf,
} from '../der/der-writer.ts'
import { OID } from '../der/oids.ts'
import { decodePem } from '../der/pem.ts'
import { derivePkcs12, PKCS12_HASHES as HASHES, type Pkcs12Hash } from '../keys/password-kdf.ts'
import { type Encrypted, isPadded, type Pbes2Cipher, pbes2Cipher } from '../keys/pbes2.ts'

/** `modern`: AES-256 and SHA-256. `compat`: 3DES and SHA-1, for old macOS, Android and Windows. */
export type Pkcs12Format = 'modern' | 'compat'

type CertificateInput = string | Uint8Array

/**
 * Every attempt at guessing the password costs this many rounds of the hash. What somebody thought up needs them; about
 * 25 ms for us. Nobody guesses 100 random bits, however fast: they get the least that is recommended (RFC 7292 §4,
 * RFC 8018 §4.2).
 */
const ITERATIONS = { chosen: 10_000, random: 1024 } as const

/** A password and the rounds that it needs. */
interface Secret {
  readonly password: string
  readonly iterations: number
}

/**
 * Refuses a blank password: macOS cannot import such a bundle, and it would protect nothing.
 * Other than ASCII is allowed and written as RFC 7292 wants it, but Java's keytool cannot read it.
 * @throws XmppkiError PASSPHRASE
 */
function checkPassword(password: string): void {
  if (password.trim() === '') {
    throw new XmppkiError('PASSPHRASE', 'the password of a PKCS #12 bundle must not be blank', {
      hint: 'give one with --p12-password-file, or omit the flag to get a generated one',
    })
  }
}

/**
 * GLib (GIO 2.74 with GnuTLS, hence what GNOME and Dino import with) tries the blank password first. When the padding
 * happens to be right, once in 256 bundles, it takes what comes out for certificates and never asks for the password.
 */
const TRIED_FIRST = ''

/** pbeWithSHAAnd3-KeyTripleDES-CBC (RFC 7292 appendix C); the salt gives key and IV, so each text needs its own. */
async function encryptTripleDes(plaintext: Uint8Array, { password, iterations }: Secret): Promise<Encrypted> {
  const salt = randomBytes(8)
  const secret = { password, salt, iterations }
  const key = await derivePkcs12(HASHES.sha1, 'key', secret, 24)
  const iv = await derivePkcs12(HASHES.sha1, 'iv', secret, 8)
  const wrongKey = await derivePkcs12(HASHES.sha1, 'key', { ...secret, password: TRIED_FIRST }, 24)
  const cipher = createCipheriv('des-ede3-cbc', key, iv)
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  if (isPadded('des-ede3-cbc', wrongKey, ciphertext)) return encryptTripleDes(plaintext, { password, iterations })
  const parameters = sequence(octetString(salt), integer(iterations))
  return {
    algorithm: sequence(oid(OID.pbeWithSha1And3KeyTripleDesCbc), parameters),
    ciphertext,
  }
}

/** What the two formats differ in. */
const FORMATS = {
  modern: {
    cipher: ({ password, iterations }: Secret): Promise<Pbes2Cipher> => pbes2Cipher(password, iterations, TRIED_FIRST),
    mac: HASHES.sha256,
  },
  compat: {
    cipher: async (secret: Secret) => (plaintext: Uint8Array) => encryptTripleDes(plaintext, secret),
    mac: HASHES.sha1,
  },
} as const

function attribute(type: string, value: Uint8Array): Uint8Array {
  return sequence(oid(type), setOf(value))
}

function safeBag(type: string, value: Uint8Array, attributes: readonly Uint8Array[]): Uint8Array {
  return sequence(oid(type), context(0, value), ...(attributes.length === 0 ? [] : [setOf(...attributes)]))
}

function certificateBag(der: Uint8Array, attributes: readonly Uint8Array[]): Uint8Array {
  return safeBag(OID.certBag, sequence(oid(OID.x509Certificate), context(0, octetString(der))), attributes)
}

/** ContentInfo of type data (RFC 5652 §4). */
function dataContent(octets: Uint8Array): Uint8Array {
  return sequence(oid(OID.data), context(0, octetString(octets)))
}

/** ContentInfo of type encryptedData (RFC 5652 §8). */
function encryptedContent({ algorithm, ciphertext }: Encrypted): Uint8Array {
  const content = sequence(oid(OID.data), algorithm, contextPrimitive(0, ciphertext))
  return sequence(oid(OID.encryptedData), context(0, sequence(integer(0), content)))
}

async function macData(authenticated: Uint8Array, secret: Secret, kind: Pkcs12Hash): Promise<Uint8Array> {
  const salt = randomBytes(16)
  const key = await derivePkcs12(kind, 'mac', { ...secret, salt }, kind.length)
  const mac = createHmac(kind.name, key).update(authenticated).digest()
  const digestInfo = sequence(sequence(oid(kind.oid), nullValue()), octetString(mac))
  return sequence(digestInfo, octetString(salt), integer(secret.iterations))
}

function toDer(certificate: CertificateInput): Uint8Array {
  return typeof certificate === 'string' ? decodePem(certificate, 'CERTIFICATE', 'the certificate') : certificate
}

/**
 * A PKCS #12 bundle (RFC 7292) in DER: the key and its certificate, tied by localKeyId and carrying
 * the friendly name, and the chain. Keys and certificates are encrypted, all is authenticated.
 * @throws XmppkiError PASSPHRASE for a blank password
 */
export async function encodePkcs12(request: {
  readonly key: KeyObject
  readonly certificate: CertificateInput
  /** The CA certificates, the issuer of the certificate first. */
  readonly chain: readonly CertificateInput[]
  readonly friendlyName: string
  readonly password: string
  /** Set when the password is 100 random bits or more: then fewer rounds do. */
  readonly isRandomPassword?: boolean
  readonly format: Pkcs12Format
}): Promise<Buffer> {
  const { key, friendlyName, password } = request
  checkPassword(password)
  const secret = { password, iterations: ITERATIONS[request.isRandomPassword ? 'random' : 'chosen'] }
  const { cipher, mac } = FORMATS[request.format]
  const encrypt = await cipher(secret)
  const leaf = toDer(request.certificate)
  const attributes = [
    attribute(OID.friendlyName, bmpString(friendlyName)),
    attribute(OID.localKeyId, octetString(hash('sha1', leaf, 'buffer'))),
  ]
  const chain = request.chain.map((certificate) => certificateBag(toDer(certificate), []))
  const certificates = await encrypt(sequence(certificateBag(leaf, attributes), ...chain))
  const privateKey = key.export({ type: 'pkcs8', format: 'der' })
  const shrouded = await encrypt(privateKey)
  privateKey.fill(0)
  const keyInfo = sequence(shrouded.algorithm, octetString(shrouded.ciphertext))
  const keys = sequence(safeBag(OID.pkcs8ShroudedKeyBag, keyInfo, attributes))
  const authenticated = sequence(encryptedContent(certificates), dataContent(keys))
  return Buffer.from(sequence(integer(3), dataContent(authenticated), await macData(authenticated, secret, mac)))
}
