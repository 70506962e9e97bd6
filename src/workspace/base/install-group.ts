import { dirname, join } from 'node:path'
import { XmppkiError } from '../../errors.ts'
import type { InsertRecord, Ledger, LedgerChanges } from '../../store/ledger.ts'
import {
  createFile,
  createFolders,
  makePrivateFolder,
  moveAllInto,
  type NewFile,
  removeAll,
  SECRET_FILE,
  syncFolder,
} from '../disk/files.ts'
import {
  enter,
  type Installation,
  type Journal,
  journalOf,
  newInstallationId,
  putBack,
  settledTransaction,
} from './install.ts'

/** One of several installations. */
export interface GroupMember {
  readonly installation: Installation
  /** Asked under the lock: false when another process has meanwhile done it. */
  readonly wanted: () => boolean
}

/** What became of one of them: `installed`, `unwanted`, or why it could not be installed. */
export type GroupOutcome = 'installed' | 'unwanted' | XmppkiError

interface Begun {
  readonly journal: Journal
  readonly files: readonly NewFile[]
}

/**
 * As `publish` for several at once: one journal, one wait for the lock, one commit, and the disk gets their files
 * together. Whatever a crash leaves is finished or undone for each of them by itself.
 * @returns what became of each, in their order
 * @throws {XmppkiError} IO, CORRUPT; then none of them was installed, or the next installation will finish it
 */
export async function installGroup(
  ledger: Ledger,
  temporary: string,
  members: readonly GroupMember[],
): Promise<GroupOutcome[]> {
  const journalFile = `${newInstallationId()}.json`
  makePrivateFolder(temporary)
  for (const folder of new Set(members.map(({ installation }) => dirname(installation.record.directory)))) {
    makePrivateFolder(folder)
  }
  settledTransaction(ledger, temporary, () => undefined)
  const outcomes = await ledger.longTransaction(async (insert, changes) => {
    const begun: Begun[] = []
    const found = members.map((member) => begin(member, begun))
    if (begun.length > 0) {
      const content = JSON.stringify(begun.map(({ journal }) => journal))
      createFile(temporary, { name: journalFile, content, mode: SECRET_FILE })
      syncFolder(temporary)
      await installBegun(begun, ledger, { insert, changes })
    }
    return found
  })
  removeAll(join(temporary, journalFile))
  return outcomes
}

function begin({ installation, wanted }: GroupMember, begun: Begun[]): GroupOutcome {
  if (!wanted()) return 'unwanted'
  try {
    begun.push({ journal: journalOf(installation, newInstallationId()), files: installation.files })
    return 'installed'
  } catch (error) {
    if (error instanceof XmppkiError && error.code === 'EXISTS') return error
    throw error
  }
}

async function installBegun(
  begun: readonly Begun[],
  ledger: Ledger,
  { insert, changes }: { readonly insert: InsertRecord; readonly changes: LedgerChanges },
): Promise<void> {
  try {
    await createFolders(begun.map(({ journal, files }) => ({ path: journal.staging, files })))
    for (const { journal } of begun) enter(journal, ledger, insert, changes)
    moveAllInto(begun.flatMap(({ journal }) => movesOf(journal)))
  } catch (error) {
    for (const { journal } of begun) {
      removeAll(journal.staging)
      putBack(journal)
    }
    throw error
  }
}

function movesOf({ record, replaces, staging }: Journal): { from: string; to: string }[] {
  const reveal = { from: staging, to: record.directory }
  return replaces?.archive === undefined ? [reveal] : [{ from: record.directory, to: replaces.archive }, reveal]
}
