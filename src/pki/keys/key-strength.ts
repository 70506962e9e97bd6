import { type DerElement, DerError, readBitString, readInteger, readOid, readSingle, TAG } from '../der/der.ts'
import { OID } from '../der/oids.ts'
import { pssHashOid } from './signature-strength.ts'
import type { StrengthFault } from './strength-fault.ts'

/** Bits that an RSA key must have unless the operator wants less: 112 bits of security (RFC 9325 §4.5). */
export const DEFAULT_MIN_RSA_BITS = 2_048

/** OpenSSL refuses to verify with more: a signature would keep the server busy for a tenth of a second. */
const MAX_RSA_BITS = 16_384

/** So does every TLS library with longer ones than 64 bits, at least for large keys. */
const MAX_EXPONENT_OCTETS = 8

/** RFC 8446 §4.2.3: the curves that a certificate can prove itself with, in TLS 1.2 as in 1.3. */
const CURVES: ReadonlySet<string> = new Set(['1.2.840.10045.3.1.7', '1.3.132.0.34', '1.3.132.0.35'])

const P192 = '1.2.840.10045.3.1.1'

/** Others that are met, for people. */
const OTHER_CURVES: ReadonlyMap<string, string> = new Map([
  [P192, 'P-192'],
  ['1.3.132.0.10', 'secp256k1'],
  ['1.3.132.0.33', 'P-224'],
  ['1.3.36.3.3.2.8.1.1.7', 'brainpoolP256r1'],
  ['1.3.36.3.3.2.8.1.1.11', 'brainpoolP384r1'],
  ['1.3.36.3.3.2.8.1.1.13', 'brainpoolP512r1'],
])

/** Those of them that are as strong: no handshake takes them, and OpenSSL verifies what a CA has signed with one. */
const CA_CURVES: ReadonlySet<string> = new Set([...CURVES, ...OTHER_CURVES.keys()].filter((id) => id !== P192))

/** Hashes that a client can sign a handshake with by RSASSA-PSS (RFC 8446 §4.2.3). */
const TLS_HASHES: ReadonlySet<string> = new Set([OID.sha256, OID.sha384, OID.sha512])

function unsupported(what: string): StrengthFault {
  return { check: 'unsupported-key', reason: `${what}, which TLS does not accept` }
}

/** Octets of a positive INTEGER without the one that keeps it positive. */
function magnitude(element: DerElement): Uint8Array {
  const octets = readInteger(element)
  const [first = 0] = octets
  if (first >= 0x80) throw new DerError('RSA key with a negative number')
  return first === 0 ? octets.subarray(1) : octets
}

function bitLength(octets: Uint8Array): number {
  const [first = 0] = octets
  return octets.length === 0 ? 0 : octets.length * 8 - (Math.clz32(first) - 24)
}

/** RSAPublicKey (RFC 8017 appendix A.1.1) */
function rsaFault(publicKey: DerElement, minRsaBits: number): StrengthFault | undefined {
  const parts = readSingle(readBitString(publicKey).octets, TAG.sequence).reader()
  const bits = bitLength(magnitude(parts.next()))
  const exponent = magnitude(parts.next())
  parts.finish()
  if (bits < minRsaBits) return { check: 'weak-key', reason: `an RSA key of ${bits} bits, fewer than ${minRsaBits}` }
  if (bits > MAX_RSA_BITS) return unsupported(`an RSA key of ${bits} bits`)
  if (exponent.length > MAX_EXPONENT_OCTETS)
    return unsupported('an RSA key with a public exponent of more than 64 bits')
  const isOdd = ((exponent.at(-1) ?? 0) & 1) === 1
  return isOdd && bitLength(exponent) > 1 ? undefined : unsupported('an RSA key with an impossible public exponent')
}

function pssFault(parameters: DerElement | undefined): StrengthFault | undefined {
  // Without parameters the key is for every hash (RFC 4055 §1.2).
  if (parameters === undefined || TLS_HASHES.has(pssHashOid(parameters))) return undefined
  return unsupported('an RSASSA-PSS key for another hash than SHA-256, SHA-384 or SHA-512')
}

/** ECParameters (RFC 5480 §2.1.1): a named curve, or what makes one. */
function curveFault(parameters: DerElement | undefined, curves: ReadonlySet<string>): StrengthFault | undefined {
  if (parameters?.tag !== TAG.oid) return unsupported('an elliptic curve key with explicit parameters')
  const curve = readOid(parameters)
  if (curves.has(curve)) return undefined
  return unsupported(`an elliptic curve key on ${OTHER_CURVES.get(curve) ?? `the curve ${curve}`}`)
}

/**
 * Why a key is not accepted, of a client as of a CA; undefined when it is. Nothing is computed, so the key may still be
 * impossible. Keys that no client can prove in a TLS handshake are not supported: DSA, X25519, curves besides P-256,
 * P-384 and P-521.
 * @param publicKeyInfo a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7)
 * @param minRsaBits fewer bits make an RSA key weak
 * @param isCa whether it only has to sign certificates
 * @throws DerError
 */
export function keyFault(
  publicKeyInfo: DerElement,
  minRsaBits = DEFAULT_MIN_RSA_BITS,
  isCa = false,
): StrengthFault | undefined {
  const parts = publicKeyInfo.reader()
  const algorithm = parts.read(TAG.sequence).reader()
  const publicKey = parts.read(TAG.bitString)
  parts.finish()
  const id = readOid(algorithm.next())
  switch (id) {
    case OID.ed25519:
    case OID.ed448:
      return undefined
    case OID.ecPublicKey:
      return curveFault(algorithm.done ? undefined : algorithm.next(), isCa ? CA_CURVES : CURVES)
    case OID.rsaEncryption:
      return rsaFault(publicKey, minRsaBits)
    case OID.rsassaPss:
      return rsaFault(publicKey, minRsaBits) ?? pssFault(algorithm.readOptional(TAG.sequence))
    case OID.dsa:
      return unsupported('a DSA key')
    default:
      return unsupported(`a key of the algorithm ${id}`)
  }
}
