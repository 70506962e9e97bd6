import { contextTag, type DerElement, readOid, TAG } from '../der/der.ts'
import { OID } from '../der/oids.ts'
import type { StrengthFault } from './strength-fault.ts'

/** Collisions can be made, or nearly: who gets one certificate signed has another signed with it (RFC 6151, RFC 6194). */
const WEAK: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.2', 'MD2'],
  ['1.2.840.113549.1.1.3', 'MD4'],
  ['1.2.840.113549.1.1.4', 'MD5'],
  ['1.2.840.113549.1.1.5', 'SHA-1'],
  ['1.2.840.10040.4.3', 'SHA-1'],
  ['1.2.840.10045.4.1', 'SHA-1'],
  ['1.3.14.3.2.3', 'MD5'],
  ['1.3.14.3.2.27', 'SHA-1'],
  ['1.3.14.3.2.29', 'SHA-1'],
  ['1.3.36.3.3.1.2', 'RIPEMD-160'],
  ['1.3.36.3.3.1.3', 'RIPEMD-128'],
  ['1.3.36.3.3.1.4', 'RIPEMD-256'],
])

/** What OpenSSL verifies in every version of Node that is supported: RSA, ECDSA and EdDSA. */
const ACCEPTED: ReadonlySet<string> = new Set([
  OID.sha256WithRsaEncryption,
  OID.sha384WithRsaEncryption,
  OID.sha512WithRsaEncryption,
  OID.ecdsaWithSha256,
  OID.ecdsaWithSha384,
  OID.ecdsaWithSha512,
  OID.ed25519,
  OID.ed448,
  // SHA-224: RFC 4055 §5, RFC 5758 §3.2.
  '1.2.840.113549.1.1.14',
  '1.2.840.10045.4.3.1',
  // RSA with SHA3-224, -256, -384 and -512 (NIST CSOR).
  '2.16.840.1.101.3.4.3.13',
  '2.16.840.1.101.3.4.3.14',
  '2.16.840.1.101.3.4.3.15',
  '2.16.840.1.101.3.4.3.16',
])

/** Hashes of RSASSA-PSS that are as good as those above; TLS knows all but the first (RFC 8446 §4.2.3). */
const ACCEPTED_HASHES: ReadonlySet<string> = new Set([OID.sha224, OID.sha256, OID.sha384, OID.sha512])

/**
 * The hash that RSASSA-PSS-params demand, dotted; without parameters, or without that one, it is SHA-1 (RFC 4055 §3.1).
 * @throws DerError
 */
export function pssHashOid(parameters: DerElement | undefined): string {
  const hash = parameters?.reader().readOptional(contextTag(0, 'constructed'))
  return hash === undefined ? OID.sha1 : readOid(hash.reader().read(TAG.sequence).reader().next())
}

function weak(hash: string): StrengthFault {
  return { check: 'weak-signature', reason: `signed with ${hash}` }
}

/**
 * Why a signature made with this algorithm proves nothing; undefined when it does. What TLS takes for a certificate is
 * accepted, but none with a hash of less than 112 bits of security, whatever the OpenSSL in Node says.
 * @param algorithm an AlgorithmIdentifier (RFC 5280 §4.1.1.2)
 * @throws DerError
 */
export function signatureFault(algorithm: DerElement): StrengthFault | undefined {
  const parts = algorithm.reader()
  const id = readOid(parts.next())
  if (ACCEPTED.has(id)) return undefined
  if (id === OID.rsassaPss) {
    const hash = pssHashOid(parts.readOptional(TAG.sequence))
    if (ACCEPTED_HASHES.has(hash)) return undefined
    if (hash === OID.sha1) return weak('SHA-1')
    return { check: 'unsupported-key', reason: `signed with RSASSA-PSS and the hash ${hash}, which is not accepted` }
  }
  const hash = WEAK.get(id)
  if (hash !== undefined) return weak(hash)
  return { check: 'unsupported-key', reason: `signed with the algorithm ${id}, which is not accepted` }
}
