import type { RevocationReason } from './revocation-reason.ts'

/** One revoked certificate, as it is written to a CRL. */
export interface RevokedEntry {
  /** Lower-case hexadecimal, as `serial` of `CertificateFacts`. */
  readonly serial: string
  readonly revokedAt: Date
  /** Missing is the same as `unspecified` (RFC 5280 §5.3.1). */
  readonly reason?: RevocationReason
}
