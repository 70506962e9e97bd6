import { dirname, join } from 'node:path'
import { XmppkiError } from '../../errors.ts'
import type { Actor, AuditEvent, AuditKind } from '../../store/audit.ts'
import type { CertificateId } from '../../store/certificate-id.ts'
import type { InsertRecord, IssuedRecord, Ledger, LedgerChanges, Revocation } from '../../store/ledger.ts'
import { exists, moveInto, type NewFile, temporaryName } from '../disk/files.ts'
import { aboutRecord, currentActor, issuanceOf, revokeAudited } from './audit-events.ts'

/** A set of files that becomes visible together with its row in the ledger. */
export interface Installation {
  /** `record.directory` is the folder that appears; nothing may be there yet but what is replaced. */
  readonly record: IssuedRecord
  readonly files: readonly NewFile[]
  /** Which of the files is the certificate that the record is about. */
  readonly certificateFile: string
  /** Further rows that come with it: what a CA had issued before it was imported. */
  readonly history?: readonly IssuedRecord[]
  readonly replaces?: Replaced
  /** What the audit log calls it; undefined: `ca-created` for a CA, else `issued`. */
  readonly event?: AuditKind
}

/** The certificate whose folder makes room for the new one. */
export interface Replaced extends CertificateId {
  /**
   * Where its folder goes: an absolute path beside `record.directory`, where nothing is yet. Missing where the files lie
   * elsewhere and stay there.
   */
  readonly archive?: string
  /** Set to revoke it in the same transaction. */
  readonly revocation?: Revocation
}

/** What is written before an installation, for whoever comes after a crash. */
export interface Journal extends Omit<Installation, 'files'> {
  /** Who began it. */
  readonly actor: Actor
  /** Where the files were written before they became visible. */
  readonly staging: string
}

/** The write lock of the ledger, and what may be done under it. */
export interface Locked {
  readonly ledger: Ledger
  readonly insert: InsertRecord
  readonly changes: LedgerChanges
}

/**
 * Where the folder of a certificate goes when another one takes its place. No name of a user or device has a `~`
 * followed by so few digits, see `diskName`.
 */
export function archiveOf({ directory, serial }: Pick<IssuedRecord, 'directory' | 'serial'>): string {
  return `${directory}~${serial.slice(0, 12)}`
}

/**
 * What the journal says of an installation that is about to begin.
 * @throws {XmppkiError} EXISTS when something is in its place
 */
export function journalOf({ files: _files, ...installation }: Installation): Journal {
  const { record, replaces } = installation
  const free = replaces?.archive ?? record.directory
  if (exists(free)) throw occupied(free, record.name)
  // Beside its destination: only within one file system is a rename atomic.
  return { ...installation, staging: join(dirname(record.directory), temporaryName()), actor: currentActor() }
}

function occupied(path: string, name: string): XmppkiError {
  return new XmppkiError('EXISTS', `${path} is already there, but not as a folder of ${name}`, {
    hint: `choose another folder, or move it away: mv '${path}' '${path}.old'`,
  })
}

/** Everything that the ledger has to know about an installation, and its entry in the audit log. */
export function enterRows(journal: Journal, { ledger, insert, changes }: Locked): void {
  const { record, history = [], replaces } = journal
  for (const row of [record, ...history]) insert(row)
  changes.audit(eventOf(journal))
  if (replaces?.archive !== undefined) changes.relocate(replaces, replaces.archive)
  if (replaces?.revocation !== undefined) revokeAudited(ledger, changes, replaces, replaces.revocation)
}

function eventOf({ record, history, replaces, event, actor }: Journal): AuditEvent {
  const revoked = history?.filter(({ revokedAt }) => revokedAt !== undefined).length ?? 0
  const details = {
    ...(record.kind === 'client' ? {} : { kind: record.kind }),
    ...(replaces === undefined ? {} : { replaces: replaces.serial }),
    ...(history === undefined ? {} : { certificates: history.length, revoked }),
  }
  const about = { at: record.issuedAt, event: event ?? issuanceOf(record.kind), actor, ...aboutRecord(record) }
  return Object.keys(details).length === 0 ? about : { ...about, details }
}

/** The renames that make an installation visible, in their order. */
export function movesOf({ record, replaces, staging }: Journal): { from: string; to: string }[] {
  const reveal = { from: staging, to: record.directory }
  return replaces?.archive === undefined ? [reveal] : [{ from: record.directory, to: replaces.archive }, reveal]
}

/** Undoes the first of two renames when the second one has not followed. */
export function putBack({ record, replaces }: Journal): void {
  const archive = replaces?.archive
  if (archive === undefined || dirname(archive) !== dirname(record.directory)) return
  if (exists(archive) && !exists(record.directory)) moveInto(archive, record.directory)
}
