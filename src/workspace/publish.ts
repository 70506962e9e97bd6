import { randomBytes, X509Certificate } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { XmppkiError } from '../errors.ts'
import type { InsertRecord, IssuedRecord, Ledger } from '../store/ledger.ts'
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
  /** `record.directory` is the folder that appears; nothing may be there yet. */
  readonly record: IssuedRecord
  readonly files: readonly NewFile[]
  /** Which of the files is the certificate that the record is about. */
  readonly certificateFile: string
}

/** What a crashed publication leaves behind for the next one to clear up. */
interface Journal {
  readonly record: IssuedRecord
  readonly certificateFile: string
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
 * @param wanted asked under the lock, after the clearing up: false when another process has meanwhile done it
 * @returns whether the publication was wanted and made
 * @throws {XmppkiError} EXISTS when the folder is already there, IO, CORRUPT; what `wanted` throws
 */
export function publish(ledger: Ledger, temporary: string, publication: Publication, wanted: () => boolean): boolean {
  const id = `${STAGING_PREFIX}${randomBytes(8).toString('hex')}`
  makePrivateFolder(temporary)
  makePrivateFolder(dirname(publication.record.directory))
  const published = ledger.transaction((insert) => {
    clearUp(ledger, temporary, insert)
    if (!wanted()) return false
    publishLocked(temporary, publication, id, insert)
    return true
  })
  removeAll(join(temporary, `${id}.json`))
  return published
}

function publishLocked(temporary: string, publication: Publication, id: string, insert: InsertRecord): void {
  const { record, files, certificateFile } = publication
  if (exists(record.directory)) throw occupied(record)
  // Beside its destination: only within one file system is a rename atomic.
  const staging = join(dirname(record.directory), id)
  const journal: Journal = { record, certificateFile, staging }
  createFile(temporary, {
    name: `${id}.json`,
    content: JSON.stringify(journal),
    mode: SECRET_FILE,
  })
  syncFolder(temporary)
  try {
    createFolder(staging, files)
    insert(record)
    moveInto(staging, record.directory)
  } catch (error) {
    removeAll(staging)
    throw error
  }
}

function occupied(record: IssuedRecord): XmppkiError {
  return new XmppkiError('EXISTS', `${record.directory} is already there, but not as a folder of ${record.name}`, {
    hint: `choose another folder, or move it away: mv '${record.directory}' '${record.directory}.old'`,
  })
}

/** Finishes or undoes what earlier processes could not; only under the write lock. */
function clearUp(ledger: Ledger, temporary: string, insert: InsertRecord): void {
  for (const name of withIo(`read ${temporary}`, () => readdirSync(temporary))) {
    const path = join(temporary, name)
    const journal = parseJournal(readTextIfAny(path))
    if (journal !== undefined) {
      if (ledger.findBySerial(journal.record.serial) === undefined && wasPublished(journal)) insert(journal.record)
      if (basename(journal.staging).startsWith(STAGING_PREFIX)) removeAll(journal.staging)
    }
    removeAll(path)
  }
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
