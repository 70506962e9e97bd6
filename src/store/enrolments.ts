import type { AuditEvent } from './audit.ts'
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

/** RFC 5280 §4.1.2.5: notAfter is inclusive, and a second lasts until the next one begins. */
export function hasExpired({ notAfter }: Enrolment, now: number): boolean {
  return now >= notAfter + 1_000
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

/** An enrolment that its account has revoked; the certificate itself and its voucher are not kept. */
export interface EnrolmentRevocation extends Enrolment {
  readonly revokedAt: number
}

/** Those in a ledger, which may have to move to a database. */
export interface LedgerEnrolments extends Enrolments {
  /** Of all accounts, those that have not been ended, in the order of enrolment. */
  all(): Enrolment[]
  /** Of all accounts, in any order. */
  revoked(): EnrolmentRevocation[]
}

/** What is to become of the certificates of an account. */
export type EnrolmentChange =
  /** `most`: how many certificates the account may have. Those that have expired are disabled. */
  | { readonly kind: 'enrol'; readonly enrolment: Enrolment; readonly most: number }
  | { readonly kind: 'disable' | 'revoke'; readonly account: string; readonly label: string }
  | { readonly kind: 'revoke-all'; readonly account: string }

/** Why nothing has been changed: a conflict, too many, no such certificate, or whoever asked may not any more. */
export type EnrolmentRefusal = EnrolmentConflict | 'full' | 'unknown' | 'forbidden'

export interface EnrolmentTerms {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Who the audit log says did it, on behalf of the account. */
  readonly actor: AuditEvent['actor']
  /** Asked again right before anything is written; not asked when it is missing. */
  readonly isAllowed?: () => boolean
}

/** What was enrolled or ended, or why nothing was. */
export type EnrolmentOutcome =
  | { readonly refusal: EnrolmentRefusal }
  | { readonly enrolled?: Enrolment; readonly ended: readonly Enrolment[] }

/** Where enrolments are changed. */
export interface EnrolmentStore {
  /**
   * One change, complete or absent, durable when its promise resolves, and at once among what is known here. Each
   * certificate that is enrolled or ended gets an entry in the audit log of the ledger.
   * Rejects with an XmppkiError: UNAVAILABLE when the database cannot be reached now, IO when the ledger stays locked,
   * CORRUPT.
   */
  change(change: EnrolmentChange, terms: EnrolmentTerms): Promise<EnrolmentOutcome>
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
