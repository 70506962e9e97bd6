import { createCipheriv, createHmac, hash, type KeyObject, randomBytes } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import { XmppkiError } from '../errors.ts'
import {
  bmpOctets,
  bmpString,
  context,
  contextPrimitive,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
  setOf,
} from './der-writer.ts'
import { OID } from './oids.ts'
import { type Encrypted, encryptPbes2 } from './pbes2.ts'
import { decodePem } from './pem.ts'

/** `modern`: AES-256 and SHA-256. `compat`: 3DES and SHA-1, for old macOS, Android and Windows. */
export type Pkcs12Format = 'modern' | 'compat'

type CertificateInput = string | Uint8Array

/** Every attempt at guessing the password costs this many rounds of the hash; about 35 ms for us. */
const ITERATIONS = 10_000

/** Diversifiers of the key derivation (RFC 7292 appendix B.3). */
const KEY_MATERIAL = { key: 1, iv: 2, mac: 3 } as const

/** The hash functions of the key derivation; `block` is v/8 of RFC 7292 appendix B.2. */
const HASHES = {
  sha1: { name: 'sha1', oid: OID.sha1, length: 20, block: 64 },
  sha256: { name: 'sha256', oid: OID.sha256, length: 32, block: 64 },
} as const

type Pkcs12Hash = (typeof HASHES)[keyof typeof HASHES]

/** Rounds between two turns of the event loop, so that a spinner spins. */
const ROUNDS_PER_TURN = 2500

/**
 * Refuses a blank password: macOS cannot import such a bundle, and it would protect nothing.
 * Other than ASCII is allowed and written as RFC 7292 wants it, but Java's keytool cannot read it.
 * @throws XmppkiError PASSPHRASE
 */
function checkPassword(password: string): void {
  if (password.trim() === '') {
    throw new XmppkiError('PASSPHRASE', 'the password of a PKCS #12 bundle must not be blank', {
      hint: 'give one with --p12-password-file, or leave the flag away to get a generated one',
    })
  }
}

function repeatTo(octets: Uint8Array, block: number): Buffer {
  return Buffer.alloc(Math.ceil(octets.length / block) * block, octets)
}

/** I_j = (I_j + B + 1) mod 2^v for every block (RFC 7292 appendix B.2, step 6C). */
function addToBlocks(blocks: Buffer, addend: Buffer): void {
  for (let start = 0; start < blocks.length; start += addend.length) {
    let carry = 1
    for (let at = addend.length - 1; at >= 0; at -= 1) {
      const sum = (blocks[start + at] ?? 0) + (addend[at] ?? 0) + carry
      blocks[start + at] = sum & 0xff
      carry = sum >> 8
    }
  }
}

async function iterateHash(kind: Pkcs12Hash, first: Uint8Array): Promise<Buffer> {
  let digest = hash(kind.name, first, 'buffer')
  for (let round = 1; round < ITERATIONS; round += 1) {
    digest = hash(kind.name, digest, 'buffer')
    if (round % ROUNDS_PER_TURN === 0) await breathe()
  }
  return digest
}

/** The key derivation of PKCS #12 (RFC 7292 appendix B.2). */
async function derive(
  kind: Pkcs12Hash,
  id: (typeof KEY_MATERIAL)[keyof typeof KEY_MATERIAL],
  password: string,
  salt: Uint8Array,
  length: number,
): Promise<Buffer> {
  const diversifier = Buffer.alloc(kind.block, id)
  // Appendix B.1: big-endian UTF-16 with a terminating zero character.
  const secret = Buffer.concat([bmpOctets(password), Buffer.alloc(2)])
  const blocks = Buffer.concat([repeatTo(salt, kind.block), repeatTo(secret, kind.block)])
  const out: Buffer[] = []
  for (let got = 0; got < length; got += kind.length) {
    const digest = await iterateHash(kind, Buffer.concat([diversifier, blocks]))
    out.push(digest)
    addToBlocks(blocks, repeatTo(digest, kind.block).subarray(0, kind.block))
  }
  return Buffer.concat(out).subarray(0, length)
}

/** pbeWithSHAAnd3-KeyTripleDES-CBC (RFC 7292 appendix C). */
async function encryptTripleDes(plaintext: Uint8Array, password: string): Promise<Encrypted> {
  const salt = randomBytes(8)
  const key = await derive(HASHES.sha1, KEY_MATERIAL.key, password, salt, 24)
  const iv = await derive(HASHES.sha1, KEY_MATERIAL.iv, password, salt, 8)
  const cipher = createCipheriv('des-ede3-cbc', key, iv)
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  const parameters = sequence(octetString(salt), integer(ITERATIONS))
  return {
    algorithm: sequence(oid(OID.pbeWithSha1And3KeyTripleDesCbc), parameters),
    ciphertext,
  }
}

/** What the two formats differ in. */
const FORMATS = {
  modern: {
    encrypt: (plaintext: Uint8Array, password: string) => encryptPbes2(plaintext, password, ITERATIONS),
    mac: HASHES.sha256,
  },
  compat: { encrypt: encryptTripleDes, mac: HASHES.sha1 },
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

async function macData(authenticated: Uint8Array, password: string, kind: Pkcs12Hash): Promise<Uint8Array> {
  const salt = randomBytes(16)
  const key = await derive(kind, KEY_MATERIAL.mac, password, salt, kind.length)
  const mac = createHmac(kind.name, key).update(authenticated).digest()
  const digestInfo = sequence(sequence(oid(kind.oid), nullValue()), octetString(mac))
  return sequence(digestInfo, octetString(salt), integer(ITERATIONS))
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
  readonly format: Pkcs12Format
}): Promise<Buffer> {
  const { key, friendlyName, password } = request
  checkPassword(password)
  const { encrypt, mac } = FORMATS[request.format]
  const leaf = toDer(request.certificate)
  const attributes = [
    attribute(OID.friendlyName, bmpString(friendlyName)),
    attribute(OID.localKeyId, octetString(hash('sha1', leaf, 'buffer'))),
  ]
  const chain = request.chain.map((certificate) => certificateBag(toDer(certificate), []))
  const certificates = await encrypt(sequence(certificateBag(leaf, attributes), ...chain), password)
  const privateKey = key.export({ type: 'pkcs8', format: 'der' })
  const shrouded = await encrypt(privateKey, password)
  privateKey.fill(0)
  const keyInfo = sequence(shrouded.algorithm, octetString(shrouded.ciphertext))
  const keys = sequence(safeBag(OID.pkcs8ShroudedKeyBag, keyInfo, attributes))
  const authenticated = sequence(encryptedContent(certificates), dataContent(keys))
  return Buffer.from(sequence(integer(3), dataContent(authenticated), await macData(authenticated, password, mac)))
}
