import { createPublicKey, type KeyLike, type KeyObject, sign } from 'node:crypto'
import { TAG } from '../../../src/pki/der/der.ts'
import { context, element, integer, oid, sequence } from '../../../src/pki/der/der-writer.ts'
import { OID } from '../../../src/pki/der/oids.ts'
import { encodePem } from '../../../src/pki/der/pem.ts'

export const ECDSA_SHA256 = sequence(oid(OID.ecdsaWithSha256))

/** A certificate, a request or a CRL in DER, whether the signature is good or not. */
export function signedStructure(tbs: Uint8Array, algorithm: Uint8Array, signature: Uint8Array): Buffer {
  return Buffer.from(sequence(tbs, algorithm, element(TAG.bitString, Uint8Array.of(0), signature)))
}

/** The same, signed by this key of an elliptic curve. */
export function signedBy(key: KeyLike, tbs: Uint8Array): Buffer {
  return signedStructure(tbs, ECDSA_SHA256, sign('sha256', tbs, key))
}

/**
 * A PKCS#10 request (RFC 2986 §4) in PEM that proves a key and asks for nothing: openssl is told the name when it signs,
 * which saves a process for each certificate.
 */
export function namelessRequest(key: KeyObject): string {
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const info = sequence(integer(0), sequence(), publicKey, context(0))
  return encodePem('CERTIFICATE REQUEST', signedBy(key, info))
}
