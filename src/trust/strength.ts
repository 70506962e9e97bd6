import { DerError } from '../pki/der/der.ts'
import { keyFault } from '../pki/keys/key-strength.ts'
import { signatureFault } from '../pki/keys/signature-strength.ts'
import type { StrengthFault } from '../pki/keys/strength-fault.ts'
import type { RawCertificate } from '../pki/x509/certificate-der.ts'

/** Why signature or key of a certificate are not accepted; `reason` completes a log line. */
export type StrengthRefusal = StrengthFault | { readonly check: 'malformed'; readonly reason: string }

interface StrengthRules {
  /** Fewer bits make an RSA key weak. */
  readonly minRsaBits: number
  readonly isAnchor: boolean
  /** Whether its key only has to sign certificates, and no handshake. */
  readonly isCa?: boolean
}

/**
 * Whether a certificate of a path is signed and has a key as is accepted here: {@link signatureFault}, {@link keyFault}.
 * Nothing is verified. A trust anchor is trusted by itself (RFC 5280 §6.1): who has signed it, and how, does not matter.
 */
export function checkStrength(
  { signatureAlgorithm, publicKeyInfo }: RawCertificate,
  { minRsaBits, isAnchor, isCa }: StrengthRules,
): StrengthRefusal | undefined {
  try {
    return (isAnchor ? undefined : signatureFault(signatureAlgorithm)) ?? keyFault(publicKeyInfo, minRsaBits, isCa)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return { check: 'malformed', reason: `signature algorithm or key cannot be read: ${error.message}` }
  }
}
