import type { CertificateId } from './certificate-id.ts'

/**
 * A certificate that has been revoked, as those are told who have another ledger. A server of an earlier version does not
 * say which CA it is from, but the serial number of the CA's certificate.
 */
export interface SharedRevocation extends CertificateId {
  /** Milliseconds since the epoch. */
  readonly revokedAt: number
  /** A CRLReason name (RFC 5280 §5.3.1). */
  readonly reason: string
}

/** One that stands on the feed; later ones have higher numbers. */
export interface NumberedRevocation extends SharedRevocation {
  readonly number: number
}

/** A connection that waits for news. */
export interface Listening {
  /** False as soon as nothing will be heard any more. */
  readonly isOpen: boolean
  close(): Promise<void>
}

/**
 * Where machines tell each other what they have revoked. What stands there stays: whoever can write to it can lock people
 * out, and let nobody in. All methods reject with an XmppkiError: UNAVAILABLE, CORRUPT, IO.
 */
export interface RevocationFeed {
  /** All of them, or none when it rejects. What is there already stays as it is. */
  publish(revocations: readonly SharedRevocation[]): Promise<void>
  /** In the order in which they came, at most a thousand. @param after the number of the last one that is known, or 0 */
  fetch(after: number): Promise<readonly NumberedRevocation[]>
  /** @param onNews called when something was published, by whomever, while the connection lasts */
  listen(onNews: () => void): Promise<Listening>
  close(): Promise<void>
}
