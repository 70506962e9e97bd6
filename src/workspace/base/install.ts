import { dirname, join } from 'node:path'
import { XmppkiError } from '../../errors.ts'
import type { Ledger } from '../../store/ledger.ts'
import {
  createFile,
  createFolder,
  createFolders,
  makePrivateFolder,
  moveAllInto,
  type NewFolder,
  removeAll,
  SECRET_FILE,
  syncFolder,
  temporaryName,
} from '../disk/files.ts'
import { enterRows, type Installation, type Journal, journalOf, type Locked, movesOf, putBack } from './installation.ts'
import { discard, finishUnfinished } from './unfinished.ts'

/** An installation, if it is still wanted once nobody else can write. */
export interface WantedInstallation {
  readonly installation: Installation
  /** Asked under the lock, after the clearing up: false when another process has meanwhile done it. */
  readonly wanted: () => boolean
}

/** What became of an installation: `installed`, `unwanted`, or EXISTS when something is in its place. */
export type InstallOutcome = 'installed' | 'unwanted' | XmppkiError

/**
 * Makes the files visible in `record.directory` and adds the row, both or neither, under the write lock of the ledger; as
 * {@link installAll} of one. For whoever must not let others of this process begin a transaction meanwhile.
 * @returns whether the installation was wanted and made
 * @throws {XmppkiError} EXISTS when the folder is already there, IO, CORRUPT; what `wanted` throws
 */
export function install(ledger: Ledger, temporary: string, installation: Installation, wanted: () => boolean): boolean {
  const members = [{ installation, wanted }]
  makeFolders(temporary, members)
  const { outcomes, journals } = ledger.transaction((insert, changes) => {
    const steps = protocol(temporary, { ledger, insert, changes }, members)
    return drive(steps, (folders) => {
      for (const { path, files } of folders) createFolder(path, files)
    })
  })
  discard(journals)
  const [outcome] = outcomes
  if (outcome instanceof XmppkiError) throw outcome
  return outcome === 'installed'
}

/**
 * Makes the files of each member visible and adds its row, both or neither, under the write lock of the ledger: one
 * journal, one wait for the lock, one commit, and the disk gets the files of all of them together.
 * @returns what became of each, in their order
 * @throws {XmppkiError} IO, CORRUPT; then none of them was installed, or the next installation will finish it
 */
export async function installAll(
  ledger: Ledger,
  temporary: string,
  members: readonly WantedInstallation[],
): Promise<InstallOutcome[]> {
  makeFolders(temporary, members)
  const { outcomes, journals } = await ledger.longTransaction((insert, changes) =>
    driveLater(protocol(temporary, { ledger, insert, changes }, members), createFolders),
  )
  discard(journals)
  return outcomes
}

function makeFolders(temporary: string, members: readonly WantedInstallation[]): void {
  makePrivateFolder(temporary)
  const parents = members.map(({ installation }) => dirname(installation.record.directory))
  for (const folder of new Set(parents)) makePrivateFolder(folder)
}

interface Begun {
  readonly journal: Journal
  readonly files: Installation['files']
}

interface Result {
  readonly outcomes: InstallOutcome[]
  /** To be removed after the commit. */
  readonly journals: string[]
}

/**
 * What happens under the lock; hands out the folders that are to be written and goes on when they are on the disk.
 *
 * The files are written to staging folders, which are then renamed: they are complete or absent at any moment. A crash
 * between a rename and the commit would leave files without a row; the journal written before tells whoever writes next,
 * and adds the row. As all of this happens under the lock, and the lock dies with its process, everything that is found
 * in the temporary folder under the lock was left by a crash or is done with: no guessing by process number or age.
 *
 * With `replaces` the old folder is renamed to its archive just before. A crash between the two renames leaves no folder
 * of this name: whoever writes next renames the old one back. After the second rename the way is only forward.
 */
function* protocol(temporary: string, locked: Locked, members: readonly WantedInstallation[]): Steps {
  const journals = finishUnfinished(temporary, locked)
  const begun: Begun[] = []
  const outcomes = members.map((member) => begin(member, begun))
  if (begun.length > 0) {
    journals.push(writeJournal(temporary, begun))
    try {
      yield begun.map(({ journal, files }) => ({ path: journal.staging, files }))
      for (const { journal } of begun) enterRows(journal, locked)
      moveAllInto(begun.flatMap(({ journal }) => movesOf(journal)))
    } catch (error) {
      for (const { journal } of begun) undo(journal)
      throw error
    }
  }
  return { outcomes, journals }
}

function begin({ installation, wanted }: WantedInstallation, begun: Begun[]): InstallOutcome {
  if (!wanted()) return 'unwanted'
  try {
    begun.push({ journal: journalOf(installation), files: installation.files })
    return 'installed'
  } catch (error) {
    if (error instanceof XmppkiError && error.code === 'EXISTS') return error
    throw error
  }
}

function writeJournal(temporary: string, begun: readonly Begun[]): string {
  const name = `${temporaryName()}.json`
  const content = JSON.stringify(begun.map(({ journal }) => journal))
  createFile(temporary, { name, content, mode: SECRET_FILE })
  syncFolder(temporary)
  return join(temporary, name)
}

function undo(journal: Journal): void {
  removeAll(journal.staging)
  putBack(journal)
}

type Steps = Generator<readonly NewFolder[], Result, void>

function drive(steps: Steps, write: (folders: readonly NewFolder[]) => void): Result {
  const asked = steps.next()
  if (asked.done) return asked.value
  try {
    write(asked.value)
  } catch (error) {
    return resultOf(steps.throw(error))
  }
  return resultOf(steps.next())
}

async function driveLater(steps: Steps, write: (folders: readonly NewFolder[]) => Promise<void>): Promise<Result> {
  const asked = steps.next()
  if (asked.done) return asked.value
  try {
    await write(asked.value)
  } catch (error) {
    return resultOf(steps.throw(error))
  }
  return resultOf(steps.next())
}

function resultOf(step: IteratorResult<readonly NewFolder[], Result>): Result {
  if (!step.done) throw new Error('an installation writes its folders at once')
  return step.value
}
