import type { AuditEvent, StoredEntry } from './audit.ts'
import type { CertificateId, SignerId } from './certificate-id.ts'
import type { EnrolmentChanges, Enrolments, LedgerEnrolments } from './enrolments.ts'

/** What an issued certificate is for; one certificate profile each. */
export type IssuedKind = 'root' | 'issuing' | 'ocsp' | 'client' | 'server'

/** One issued certificate. All times are milliseconds since the epoch. */
export interface IssuedRecord extends CertificateId {
  readonly kind: IssuedKind
  /**
   * Bare JID of a client, primary domain of a server, Common Name of a CA or of an OCSP responder. The empty string where a
   * certificate is lost and nobody knows whose it was.
   */
  readonly name: string
  /** Label of the device that holds the key; the empty string is the main one. */
  readonly device: string
  /** Every domain that a server certificate names, the primary one first; empty for other kinds. */
  readonly domains: readonly string[]
  /** SHA-256 over the DER certificate, lower-case hexadecimal; the empty string where the certificate is lost. */
  readonly fingerprint: string
  readonly notBefore: number
  readonly notAfter: number
  readonly issuedAt: number
  /** Absolute path of the folder that the files were installed in. */
  readonly directory: string
  readonly revokedAt?: number
  /** A CRLReason name (RFC 5280 §5.3.1). */
  readonly revocationReason?: string
}

/** What a login asks about a certificate. */
export type Standing = Pick<IssuedRecord, 'revokedAt' | 'revocationReason'>

/** A certificate that was used for a login, and when, in milliseconds. */
export interface NotedLogin {
  readonly certificate: CertificateId
  readonly at: number
}

/** Who holds a certificate; several certificates may follow one another for one holder. */
export type Holder = Pick<IssuedRecord, 'kind' | 'name' | 'device'>

/** Adds a row inside the transaction that it was handed out for. */
export type InsertRecord = (record: IssuedRecord) => void

/** When and why a certificate was revoked. */
export interface Revocation {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** A CRLReason name (RFC 5280 §5.3.1). */
  readonly reason: string
}

/** What else may be changed, only inside the transaction that it was handed out for. */
export interface LedgerChanges extends EnrolmentChanges {
  /**
   * Revokes a certificate. The first revocation stands: date and reason of one that is revoked already do not change,
   * because a CRL may have told them to others.
   * @returns the record as it is now, or undefined when there is no such certificate
   */
  revoke(certificate: CertificateId, revocation: Revocation): IssuedRecord | undefined
  /** Notes that the files of a certificate lie in another folder now, given by its absolute path. */
  relocate(certificate: CertificateId, directory: string): void
  /**
   * A CRL number larger than all that this CA was given before (RFC 5280 §5.2.3), from 1.
   * @param above the number of the CRL that is published; the new one is larger than that as well, because a ledger
   *   from a backup does not know what came after it
   */
  nextCrlNumber(signer: SignerId, above: number): number
  /** Puts an entry at the end of the audit log; it stands there when and only when the transaction is committed. */
  audit(event: AuditEvent): void
}

/**
 * Every certificate that the workspace has issued.
 * All methods are synchronous: a login asks one indexed question, and an issuing run must not
 * let go of the write lock between its files and its row.
 */
export interface Ledger {
  /**
   * Runs `work` as the only writer on this ledger, in all processes: its rows appear together when it
   * returns, and none of them when it throws. Reads inside see the rows inserted so far.
   * The lock dies with its process, so whatever `work` finds half done was left by a crash.
   * Nothing that was revoked or counted stays so when it throws either.
   * @throws {XmppkiError} IO when the lock cannot be had, CORRUPT when a serial number is already taken;
   * what `work` throws passes through.
   */
  transaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => T): T
  /**
   * As {@link transaction}, but may wait for the disk and lets the rest of this process go on meanwhile, which must not
   * begin a transaction until it is over.
   */
  longTransaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => Promise<T>): Promise<T>
  /** As {@link transaction}, but does not wait for other writers. @throws {XmppkiError} IO when there is one */
  tryTransaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => T): T
  /** The certificates that accounts have enrolled themselves. */
  readonly enrolments: LedgerEnrolments
  /** The record of this certificate, revoked or not. */
  find(certificate: CertificateId): IssuedRecord | undefined
  /**
   * The records with this serial number (lower-case hexadecimal), one for each CA that has given it. The first one is
   * what the number alone meant when it was unique in the ledger.
   */
  listBySerial(serial: string): IssuedRecord[]
  /**
   * When the certificate was revoked, in milliseconds; undefined when it was not, or is not known. The one question that
   * every login asks, so it reads no more than the answer.
   */
  revokedAt(certificate: CertificateId): number | undefined
  /** Whether there has ever been a certificate for this client (bare JID), issued or enrolled by itself, in whatever state. */
  knowsClient(name: string): boolean
  /** The holder's most recently issued certificate that is not revoked, expired or not. */
  findCurrent(holder: Holder): IssuedRecord | undefined
  /** All records, or all of one kind, in the order of issue. */
  list(kind?: IssuedKind): IssuedRecord[]
  /** What a CA, or all of them, have issued and revoked since, in the order of issue. */
  listRevoked(signer?: SignerId): IssuedRecord[]
  /** How many all CAs have revoked; never less than before, because a revocation is final. */
  countRevoked(): number
  /** Which of these certificates are revoked, in the order in which they are given; one indexed look-up for each. */
  revokedAmong<Id extends CertificateId>(certificates: readonly Id[]): Id[]
  /**
   * A number that changes when anything was committed, by this or any other process, so that it is cheap to see that
   * nothing was. Logins noted by this process do not count.
   */
  changes(): number
  /**
   * Why nothing is known at the moment of what has been issued and revoked, in words for the log; undefined while the
   * ledger is there. Missing where it cannot be away.
   */
  absence?(): string | undefined
  /**
   * Notes when certificates were last used for a login; an earlier time than the noted one changes nothing, and what is
   * not in the ledger is left out. Does not wait for other writers. @throws {XmppkiError} IO when there is one
   */
  recordLogins(logins: readonly NotedLogin[]): void
  /** When certificates were last used for a login, in milliseconds, by their {@link certificateKey}; as far as it is known. */
  lastLogins(): Map<string, number>
  /**
   * The audit log as it is kept: nothing is verified. Entries that come meanwhile are included.
   * @param after number of an entry; those up to it are left out
   */
  auditTrail(after?: number): Iterable<StoredEntry>
  /** The number of the last entry of the audit log; 0 when there is none. */
  auditHead(): number
  close(): void
}

/** What the server asks a ledger. */
export interface LoginLedger
  extends Pick<Ledger, 'listBySerial' | 'revokedAt' | 'revokedAmong' | 'changes' | 'absence' | 'knowsClient'> {
  /** The certificates that accounts have enrolled themselves, wherever that is kept. */
  readonly enrolments: Enrolments
  /** What is known of this certificate. */
  find(certificate: CertificateId): Standing | undefined
}
