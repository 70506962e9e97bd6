import { createHash } from 'node:crypto'
import { XmppkiError } from '../errors.ts'

/** What the audit log tells of. `log-started` is its first entry, written by the ledger itself. */
export const AUDIT_KINDS = [
  'log-started',
  'ca-created',
  'ca-imported',
  'issued',
  'renewed',
  'signed',
  'taken-up',
  'revoked',
  'exported',
  'crl-published',
  'backed-up',
  'restored',
  'enrolled',
  'enrolment-disabled',
  'enrolment-revoked',
] as const

export type AuditKind = (typeof AUDIT_KINDS)[number]

/** The process that did it, and on whose behalf. */
export interface Actor {
  /** Name of the operating-system user. */
  readonly user: string
  /** Who had become that user with sudo. */
  readonly sudoUser?: string
  readonly host: string
  readonly pid: number
  /** Of xmppki. */
  readonly version: string
}

/** One thing that was done. Never holds a secret. */
export interface AuditEvent {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly event: AuditKind
  /** Missing only in what the ledger writes itself. */
  readonly actor?: Actor
  /** Of the certificate, lower-case hexadecimal. */
  readonly serial?: string
  /**
   * The CA that signed it, by name and key, see `authorityId`. Missing in entries of earlier versions: they are about the
   * certificate that had this serial number when those were unique in the ledger.
   */
  readonly issuerId?: string
  /** As in the ledger: bare JID of a client, domain of a server, Common Name of a CA. */
  readonly name?: string
  /** Missing for the main device. */
  readonly device?: string
  /** A CRLReason name (RFC 5280 §5.3.1). */
  readonly reason?: string
  /** What else there is to say, depending on the event. */
  readonly details?: Readonly<Record<string, string | number>>
}

/** An event in its place in the chain. */
export interface AuditEntry extends AuditEvent {
  /** From 1, without gaps. */
  readonly number: number
  /** Hash of the entry before; {@link GENESIS} in the first one. */
  readonly previous: string
}

/** An entry as it is kept. */
export interface StoredEntry {
  /** The {@link AuditEntry} as canonical JSON. */
  readonly text: string
  /** SHA-256 over the UTF-8 text, lower-case hexadecimal. */
  readonly hash: string
}

/** The end of the chain: whoever notes it elsewhere can tell later whether anything before was changed. */
export interface ChainHead {
  readonly number: number
  readonly hash: string
}

/** What comes before the first entry. */
export const GENESIS: ChainHead = { number: 0, hash: '0'.repeat(64) }

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Keys in the order of their code units, no white space, as RFC 8785 has it; all numbers here are integers. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`
}

/** The entry that follows `head`. */
export function chainEntry(event: AuditEvent, head: ChainHead): StoredEntry & ChainHead {
  const number = head.number + 1
  const text = canonical({ ...event, number, previous: head.hash })
  return { number, text, hash: hashOf(text) }
}

/**
 * The first entry: how many certificates, revoked ones among them, were in the ledger before it had a log.
 * @param at milliseconds since the epoch
 */
export function logStarted(at: number, details: { readonly certificates: number; readonly revoked: number }) {
  return chainEntry({ at, event: 'log-started', details }, GENESIS)
}

/** An entry that has been found good. */
export type VerifiedEntry = AuditEntry & Pick<StoredEntry, 'hash'>

/**
 * Follows the chain from its beginning and gives out entry by entry. That its end was cut off cannot be seen from it.
 * @throws {XmppkiError} CORRUPT naming the first entry that is not what was written, or is missing
 */
export function* verifyChain(stored: Iterable<StoredEntry>): Generator<VerifiedEntry> {
  let head = GENESIS
  for (const { text, hash } of stored) {
    const number = head.number + 1
    if (hashOf(text) !== hash) throw broken(number, 'was changed after it was written')
    const entry = parseEntry(text, number)
    if (entry.number > number) throw broken(number, 'is missing')
    if (entry.number < number || entry.previous !== head.hash) throw broken(number, 'does not follow the one before')
    head = { number, hash }
    yield { ...entry, hash }
  }
  if (head.number === 0) throw broken(1, 'is missing')
}

function parseEntry(text: string, number: number): AuditEntry {
  try {
    return JSON.parse(text) as AuditEntry
  } catch {
    throw broken(number, 'is not what xmppki writes')
  }
}

/**
 * The numbers of changes that these entries tell of, which a database has given that several servers share.
 * @param after number of the entry before the first one @throws {XmppkiError} CORRUPT
 */
export function changesIn(stored: Iterable<StoredEntry>, after: number): ReadonlySet<number> {
  const changes = new Set<number>()
  let number = after
  for (const { text } of stored) {
    number += 1
    const change = parseEntry(text, number).details?.['change']
    if (typeof change === 'number') changes.add(change)
  }
  return changes
}

function broken(number: number, what: string): XmppkiError {
  return new XmppkiError('CORRUPT', `the audit log was tampered with or is damaged: entry ${number} ${what}`, {
    hint: 'entries before it are good; compare with a backup, or with where the log was sent to',
  })
}
