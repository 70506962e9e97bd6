import { randomBytes, X509Certificate } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { XmppkiError } from '../../errors.ts'
import type { Actor, AuditEvent, AuditKind } from '../../store/audit.ts'
import { type CertificateId, certificateId } from '../../store/certificate-id.ts'
import type { InsertRecord, IssuedRecord, Ledger, LedgerChanges, Revocation } from '../../store/ledger.ts'
import {
  createFile,
  createFolder,
  exists,
  makePrivateFolder,
  moveInto,
  type NewFile,
  readTextIfAny,
  removeAll,
  SECRET_FILE,
  syncFolder,
  withIo,
} from '../disk/files.ts'
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

/** What a crashed installation leaves behind for the next one to clear up. */
export interface Journal extends Omit<Installation, 'files'> {
  /** Who began it. */
  readonly actor: Actor
  /** Where the files were written before they became visible. */
  readonly staging: string
}

/** Staging folders lie beside their destination, perhaps in a folder of the user's; this tells them apart. */
const STAGING_PREFIX = '.xmppki-'

/**
 * Makes the files visible in `record.directory` and adds the row, both or neither, under the write lock of the ledger.
 *
 * The files are written to a staging folder, which is then renamed: they are complete or absent at any moment. A crash
 * between the rename and the commit would leave files without a row; the journal written before tells the next
 * installation, which adds the row. As all of this happens under the lock, and the lock dies with its process, everything
 * that is found in the temporary folder under the lock was left by a crash or is done with: no guessing by process
 * number or age.
 *
 * With `replaces` the old folder is renamed to its archive just before. A crash between the two renames leaves no folder
 * of this name: the next installation renames the old one back. After the second rename the way is only forward.
 *
 * @param wanted asked under the lock, after the clearing up: false when another process has meanwhile done it
 * @returns whether the installation was wanted and made
 * @throws {XmppkiError} EXISTS when the folder is already there, IO, CORRUPT; what `wanted` throws
 */
export function install(ledger: Ledger, temporary: string, installation: Installation, wanted: () => boolean): boolean {
  const id = newInstallationId()
  makePrivateFolder(temporary)
  makePrivateFolder(dirname(installation.record.directory))
  const installed = settledTransaction(ledger, temporary, (insert, changes) => {
    if (!wanted()) return false
    const journal = { ...installation, actor: currentActor() }
    installLocked(temporary, installation, id, () => enter(journal, ledger, insert, changes))
    return true
  })
  removeAll(join(temporary, `${id}.json`))
  return installed
}

/**
 * Where the folder of a certificate goes when another one takes its place. No name of a user or device has a `~`
 * followed by so few digits, see `diskName`.
 */
export function archiveOf({ directory, serial }: Pick<IssuedRecord, 'directory' | 'serial'>): string {
  return `${directory}~${serial.slice(0, 12)}`
}

/** Everything that the ledger has to know about a installation, and its entry in the audit log. */
export function enter(
  journal: Omit<Journal, 'staging'>,
  ledger: Ledger,
  insert: InsertRecord,
  changes: LedgerChanges,
): void {
  const { record, history = [], replaces } = journal
  for (const row of [record, ...history]) insert(row)
  changes.audit(eventOf(journal))
  if (replaces?.archive !== undefined) changes.relocate(replaces, replaces.archive)
  if (replaces?.revocation !== undefined) revokeAudited(ledger, changes, replaces, replaces.revocation)
}

function eventOf({ record, history, replaces, event, actor }: Omit<Journal, 'staging'>): AuditEvent {
  const revoked = history?.filter(({ revokedAt }) => revokedAt !== undefined).length ?? 0
  const details = {
    ...(record.kind === 'client' ? {} : { kind: record.kind }),
    ...(replaces === undefined ? {} : { replaces: replaces.serial }),
    ...(history === undefined ? {} : { certificates: history.length, revoked }),
  }
  const about = { at: record.issuedAt, event: event ?? issuanceOf(record.kind), actor, ...aboutRecord(record) }
  return Object.keys(details).length === 0 ? about : { ...about, details }
}

function installLocked(temporary: string, installation: Installation, id: string, enterRows: () => void): void {
  const { record, files, replaces } = installation
  const journal = journalOf(installation, id)
  const { staging } = journal
  createFile(temporary, {
    name: `${id}.json`,
    content: JSON.stringify(journal),
    mode: SECRET_FILE,
  })
  syncFolder(temporary)
  try {
    createFolder(staging, files)
    enterRows()
    if (replaces?.archive !== undefined) moveInto(record.directory, replaces.archive)
    moveInto(staging, record.directory)
  } catch (error) {
    removeAll(staging)
    putBack(journal)
    throw error
  }
}

/**
 * What the journal says of a installation that is about to begin.
 * @param id its name among all that are under way
 * @throws {XmppkiError} EXISTS when something is in its place
 */
export function journalOf({ files: _files, ...installation }: Installation, id: string): Journal {
  const { record, replaces } = installation
  const free = replaces?.archive ?? record.directory
  if (exists(free)) throw occupied(free, record.name)
  // Beside its destination: only within one file system is a rename atomic.
  return { ...installation, staging: join(dirname(record.directory), id), actor: currentActor() }
}

/** A name for a installation that is under way. */
export function newInstallationId(): string {
  return `${STAGING_PREFIX}${randomBytes(8).toString('hex')}`
}

/** Whether this is a name that {@link newInstallationId} gives. */
export function isInstallationId(name: string): boolean {
  return name.startsWith(STAGING_PREFIX) && /^[0-9a-f]{16}$/.test(name.slice(STAGING_PREFIX.length))
}

/** Undoes the first of the two renames when the second one has not followed. */
export function putBack({ record, replaces }: Journal): void {
  const archive = replaces?.archive
  if (archive === undefined || dirname(archive) !== dirname(record.directory)) return
  if (exists(archive) && !exists(record.directory)) moveInto(archive, record.directory)
}

function occupied(path: string, name: string): XmppkiError {
  return new XmppkiError('EXISTS', `${path} is already there, but not as a folder of ${name}`, {
    hint: `choose another folder, or move it away: mv '${path}' '${path}.old'`,
  })
}

/**
 * A transaction of the ledger in which, before `work`, whatever earlier processes could not finish is finished or undone.
 * Their journals go only after the commit: a crash in here must not take what they tell.
 * @throws {XmppkiError} as `Ledger.transaction`, IO; what `work` throws
 */
export function settledTransaction<T>(
  ledger: Ledger,
  temporary: string,
  work: (insert: InsertRecord, changes: LedgerChanges) => T,
): T {
  return settling(ledger, temporary, (inside) => ledger.transaction(inside), work)
}

/**
 * Finishes or undoes what earlier processes could not finish, if nobody else is writing: whoever is will see to it, as does
 * the next one who writes.
 * @returns whether there was anything
 * @throws {XmppkiError} IO when there is another writer or nothing can be written, CORRUPT
 */
export function settleUnfinished(ledger: Ledger, temporary: string): boolean {
  if (journalsIn(temporary).length === 0) return false
  settling(
    ledger,
    temporary,
    (inside) => ledger.tryTransaction(inside),
    () => undefined,
  )
  return true
}

type LockedWork<T> = (insert: InsertRecord, changes: LedgerChanges) => T

function settling<T>(
  ledger: Ledger,
  temporary: string,
  transaction: (inside: LockedWork<T>) => T,
  work: LockedWork<T>,
): T {
  const journals = new Set<string>()
  const result = transaction((insert, changes) => {
    for (const path of journalsIn(temporary)) {
      finishInstallations(path, ledger, insert, changes)
      journals.add(path)
    }
    return work(insert, changes)
  })
  for (const path of journals) removeAll(path)
  return result
}

/** Paths of what is under way, or was left by a crash when it is seen under the write lock. @throws {XmppkiError} IO */
export function journalsIn(temporary: string): string[] {
  if (!exists(temporary)) return []
  return withIo(`read ${temporary}`, () => readdirSync(temporary)).map((name) => join(temporary, name))
}

function finishInstallations(path: string, ledger: Ledger, insert: InsertRecord, changes: LedgerChanges): void {
  for (const written of parseJournals(readTextIfAny(path))) {
    const journal = completed(written, ledger)
    const isKnown = ledger.find(journal.record) !== undefined
    if (!isKnown) finish(journal, () => enter(journal, ledger, insert, changes))
    if (basename(journal.staging).startsWith(STAGING_PREFIX)) removeAll(journal.staging)
  }
}

/** Earlier versions do not say which CA a certificate is from; what is replaced had its serial number for itself. */
function completed({ record, replaces, ...journal }: Journal, ledger: Ledger): Journal {
  const { authority = '' } = record as Partial<IssuedRecord>
  const meant = replaces && ledger.listBySerial(replaces.serial)[0]
  return {
    ...journal,
    record: { ...record, authority },
    ...(replaces && { replaces: { ...(meant && certificateId(meant)), ...replaces } }),
  }
}

function finish(journal: Journal, enterRows: () => void): void {
  if (wasInstalled(journal)) enterRows()
  else putBack(journal)
}

/** A journal that was cut off was not followed by anything: the staging folder comes after it. */
function parseJournals(text: string | undefined): Journal[] {
  try {
    return text === undefined ? [] : [JSON.parse(text) as Journal | Journal[]].flat()
  } catch {
    return []
  }
}

function wasInstalled({ record, certificateFile }: Journal): boolean {
  const pem = readTextIfAny(join(record.directory, certificateFile))
  return pem !== undefined && fingerprintOf(pem) === record.fingerprint
}

/** Undefined for what is no certificate: then somebody else put it there. */
function fingerprintOf(pem: string): string | undefined {
  try {
    return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase()
  } catch {
    return undefined
  }
}
