import type { CertificateId } from './certificate-id.ts'

/** A certificate that an account has enrolled to log in with (XEP-0257). All times are milliseconds since the epoch. */
export interface Enrolment {
  /** Bare JID, normalised. */
  readonly account: string
  /** What the account calls it; unique among its certificates. */
  readonly label: string
  /** SHA-256 over the DER certificate, lower-case hexadecimal. */
  readonly fingerprint: string
  /** The DER certificate in base64. */
  readonly certificate: string
  /** Whether a client that has logged in with it may enrol and remove certificates. */
  readonly mayManage: boolean
  readonly enrolledAt: number
  /** The last second of its validity. */
  readonly notAfter: number
  /**
   * The certificate that it goes back to: that of the session that enrolled it, or the one that session's own enrolled
   * certificate goes back to. Missing when no CA stands behind it.
   */
  readonly vouchedBy?: CertificateId
  /**
   * The certificate of a CA that it goes back to, in the ledger or not, and what was sent along with it: DER in base64, the
   * certificate first. What that CA revokes it ends.
   */
  readonly voucher?: readonly string[]
}

/**
 * Why a certificate cannot be enrolled: its label is in use in the account, somebody has enrolled it already, or the
 * account has revoked it, which is final.
 */
export type EnrolmentConflict = 'label' | 'certificate' | 'revoked'

/** What is known of enrolled certificates. */
export interface Enrolments {
  /** The enrolment of the certificate with this fingerprint, in whichever account; undefined once it has been ended. */
  find(fingerprint: string): Enrolment | undefined
  /** Whether this account has enrolled and revoked the certificate. */
  isRevoked(account: string, fingerprint: string): boolean
  /** Whether this account has ever enrolled a certificate; one that has been disabled since does not count. */
  knows(account: string): boolean
  /** The certificates of an account that have not been ended, expired or not, in the order of enrolment. */
  list(account: string): Enrolment[]
}

/** What may be changed, only inside a transaction. */
export interface EnrolmentChanges {
  /** @returns what is in the way; undefined when it has been enrolled */
  enrol(enrolment: Enrolment): EnrolmentConflict | undefined
  /** The certificate does not log in any more, and may be enrolled again. @returns what was ended, if there was any */
  disableEnrolment(account: string, label: string): Enrolment | undefined
  /** The certificate never logs in to this account again. @returns what was ended, if there was any */
  revokeEnrolment(account: string, label: string, at: number): Enrolment | undefined
}
