import { X509Certificate } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { certificateId } from '../../store/certificate-id.ts'
import type { InsertRecord, IssuedRecord, Ledger, LedgerChanges } from '../../store/ledger.ts'
import { exists, isTemporary, readTextIfAny, removeAll, withIo } from '../disk/files.ts'
import { enterRows, type Journal, type Locked, putBack } from './installation.ts'

/**
 * A transaction of the ledger in which, before `work`, whatever earlier processes could not finish is finished or undone.
 * @throws {XmppkiError} as `Ledger.transaction`, IO; what `work` throws
 */
export function settledTransaction<T>(
  ledger: Ledger,
  temporary: string,
  work: (insert: InsertRecord, changes: LedgerChanges) => T,
): T {
  const { result, journals } = ledger.transaction((insert, changes) => {
    const journals = finishUnfinished(temporary, { ledger, insert, changes })
    return { journals, result: work(insert, changes) }
  })
  discard(journals)
  return result
}

/**
 * Finishes or undoes what earlier processes could not finish, if nobody else is writing: whoever is will see to it, as does
 * the next one who writes.
 * @returns whether there was anything
 * @throws {XmppkiError} IO when there is another writer or nothing can be written, CORRUPT
 */
export function settleUnfinished(ledger: Ledger, temporary: string): boolean {
  if (journalsIn(temporary).length === 0) return false
  discard(ledger.tryTransaction((insert, changes) => finishUnfinished(temporary, { ledger, insert, changes })))
  return true
}

/** Paths of what is under way, or was left by a crash when it is seen under the write lock. @throws {XmppkiError} IO */
export function journalsIn(temporary: string): string[] {
  if (!exists(temporary)) return []
  return withIo(`read ${temporary}`, () => readdirSync(temporary)).map((name) => join(temporary, name))
}

/**
 * Finishes or undoes everything that earlier processes could not finish.
 * @returns paths to {@link discard} after the commit, and not before: a crash must not take what they tell
 * @throws {XmppkiError} IO, CORRUPT
 */
export function finishUnfinished(temporary: string, locked: Locked): string[] {
  const journals = journalsIn(temporary)
  for (const path of journals) {
    for (const written of parseJournals(readTextIfAny(path))) finish(completed(written, locked.ledger), locked)
  }
  return journals
}

/** Removes the journals of what is done with. @throws {XmppkiError} IO */
export function discard(journals: readonly string[]): void {
  for (const path of journals) removeAll(path)
}

/** A journal that was cut off was not followed by anything: the staging folder comes after it. */
function parseJournals(text: string | undefined): Journal[] {
  try {
    return text === undefined ? [] : [JSON.parse(text) as Journal | Journal[]].flat()
  } catch {
    return []
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

function finish(journal: Journal, locked: Locked): void {
  if (locked.ledger.find(journal.record) === undefined) {
    if (wasInstalled(journal)) enterRows(journal, locked)
    else putBack(journal)
  }
  // A journal is a file like others: nothing else is removed in its name.
  if (isTemporary(journal.staging)) removeAll(journal.staging)
}

function wasInstalled({ record, certificateFile }: Journal): boolean {
  const pem = readTextIfAny(join(record.directory, certificateFile))
  return pem !== undefined && fingerprintOf(pem) === record.fingerprint
}

/** Undefined for what is not a certificate: then somebody else put it there. */
function fingerprintOf(pem: string): string | undefined {
  try {
    return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase()
  } catch {
    return undefined
  }
}
