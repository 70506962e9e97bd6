import { randomBytes, X509Certificate } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { XmppkiError } from '../errors.ts'
import type { InsertRecord, IssuedRecord, Ledger, LedgerChanges, Revocation } from '../store/ledger.ts'
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
} from './files.ts'

/** A set of files that becomes visible together with its row in the ledger. */
export interface Publication {
  /** `record.directory` is the folder that appears; nothing may be there yet but what is replaced. */
  readonly record: IssuedRecord
  readonly files: readonly NewFile[]
  /** Which of the files is the certificate that the record is about. */
  readonly certificateFile: string
  /** Further rows that come with it: what a CA had issued before it was imported. */
  readonly history?: readonly IssuedRecord[]
  readonly replaces?: Replaced
}

/** The certificate whose folder makes room for the new one. */
export interface Replaced {
  readonly serial: string
  /**
   * Where its folder goes: an absolute path beside `record.directory`, where nothing is yet. Missing where the files lie
   * elsewhere and stay there.
   */
  readonly archive?: string
  /** Set to revoke it in the same transaction. */
  readonly revocation?: Revocation
}

/** What a crashed publication leaves behind for the next one to clear up. */
interface Journal {
  readonly record: IssuedRecord
  readonly certificateFile: string
  readonly history?: readonly IssuedRecord[]
  readonly replaces?: Replaced
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
 * publication, which adds the row. As all of this happens under the lock, and the lock dies with its process, everything
 * that is found in the temporary folder under the lock was left by a crash or is done with: no guessing by process
 * number or age.
 *
 * With `replaces` the old folder is renamed to its archive just before. A crash between the two renames leaves no folder
 * of this name: the next publication renames the old one back. After the second rename the way is only forward.
 *
 * @param wanted asked under the lock, after the clearing up: false when another process has meanwhile done it
 * @returns whether the publication was wanted and made
 * @throws {XmppkiError} EXISTS when the folder is already there, IO, CORRUPT; what `wanted` throws
 */
export function publish(ledger: Ledger, temporary: string, publication: Publication, wanted: () => boolean): boolean {
  const id = `${STAGING_PREFIX}${randomBytes(8).toString('hex')}`
  makePrivateFolder(temporary)
  makePrivateFolder(dirname(publication.record.directory))
  const published = ledger.transaction((insert, changes) => {
    finishPublications(ledger, temporary, insert, changes)
    if (!wanted()) return false
    publishLocked(temporary, publication, id, () => enter(publication, insert, changes))
    return true
  })
  removeAll(join(temporary, `${id}.json`))
  return published
}

/**
 * Where the folder of a certificate goes when another one takes its place. No name of a user or device has a `~`
 * followed by so few digits, see `diskName`.
 */
export function archiveOf({ directory, serial }: IssuedRecord): string {
  return `${directory}~${serial.slice(0, 12)}`
}

/** Everything that the ledger has to know about a publication. */
function enter(
  { record, history = [], replaces }: Pick<Publication, 'record' | 'history' | 'replaces'>,
  insert: InsertRecord,
  changes: LedgerChanges,
): void {
  for (const row of [record, ...history]) insert(row)
  if (replaces?.archive !== undefined) changes.relocate(replaces.serial, replaces.archive)
  if (replaces?.revocation !== undefined) changes.revoke(replaces.serial, replaces.revocation)
}

function publishLocked(temporary: string, publication: Publication, id: string, enterRows: () => void): void {
  const { record, files, replaces, ...rest } = publication
  const free = replaces?.archive ?? record.directory
  if (exists(free)) throw occupied(free, record.name)
  // Beside its destination: only within one file system is a rename atomic.
  const staging = join(dirname(record.directory), id)
  const journal: Journal = { ...rest, record, staging, ...(replaces === undefined ? {} : { replaces }) }
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

/** Undoes the first of the two renames when the second one has not followed. */
function putBack({ record, replaces }: Journal): void {
  const archive = replaces?.archive
  if (archive === undefined || dirname(archive) !== dirname(record.directory)) return
  if (exists(archive) && !exists(record.directory)) moveInto(archive, record.directory)
}

function occupied(path: string, name: string): XmppkiError {
  return new XmppkiError('EXISTS', `${path} is already there, but not as a folder of ${name}`, {
    hint: `choose another folder, or move it away: mv '${path}' '${path}.old'`,
  })
}

/** Finishes or undoes what earlier processes could not; only under the write lock. @throws {XmppkiError} IO, CORRUPT */
export function finishPublications(
  ledger: Ledger,
  temporary: string,
  insert: InsertRecord,
  changes: LedgerChanges,
): void {
  if (!exists(temporary)) return
  for (const name of withIo(`read ${temporary}`, () => readdirSync(temporary))) {
    const path = join(temporary, name)
    const journal = parseJournal(readTextIfAny(path))
    if (journal !== undefined) {
      const isKnown = ledger.findBySerial(journal.record.serial) !== undefined
      if (!isKnown) finish(journal, () => enter(journal, insert, changes))
      if (basename(journal.staging).startsWith(STAGING_PREFIX)) removeAll(journal.staging)
    }
    removeAll(path)
  }
}

function finish(journal: Journal, enterRows: () => void): void {
  if (wasPublished(journal)) enterRows()
  else putBack(journal)
}

/** A journal that was cut off was not followed by anything: the staging folder comes after it. */
function parseJournal(text: string | undefined): Journal | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Journal)
  } catch {
    return undefined
  }
}

function wasPublished({ record, certificateFile }: Journal): boolean {
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
