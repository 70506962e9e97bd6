import { createHash } from 'node:crypto'
import { linkSync, lstatSync, readdirSync, type Stats } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { XmppkiError } from '../../errors.ts'
import { ACCOUNTS_WORDS } from '../../store/sqlite/accounts.ts'
import { type FileWords, LEDGER_WORDS } from '../../store/sqlite/driver.ts'
import { ENROLMENTS_WORDS } from '../../store/sqlite/enrolment-replica.ts'
import { REVOCATIONS_WORDS } from '../../store/sqlite/revocations.ts'
import { snapshotDatabase } from '../../store/sqlite/snapshot.ts'
import { currentActor } from '../base/audit-events.ts'
import type { WorkspacePaths } from '../base/paths.ts'
import { journalsIn, settledTransaction } from '../base/unfinished.ts'
import type { Workspace } from '../base/workspace.ts'
import {
  exists,
  isTemporary,
  makePrivateFolder,
  removeAll,
  SECRET_FILE,
  syncFolder,
  temporaryName,
  withIo,
} from '../disk/files.ts'
import { type AgeEncryption, ageEncryption, WORK_FACTOR } from './age.ts'
import { readExactly, writeNewFile } from './streamed-file.ts'
import { type TarMember, writeTar } from './tar.ts'

export interface BackupResult {
  /** Absolute path. */
  readonly file: string
  readonly bytes: number
  /** Of the encrypted file, lower-case hexadecimal. */
  readonly sha256: string
  /** How many files are in it. */
  readonly files: number
  /** Certificates whose folders are not in the workspace, and so not in the backup. */
  readonly outside: number
  /** What lies in the workspace and was left out: symbolic links and the like. Relative paths. */
  readonly skipped: readonly string[]
}

/**
 * Writes everything of the workspace to one new, encrypted file of mode 0600: a tar archive in the format of age. No
 * installation is under way meanwhile: it holds the write lock of the ledger. The file appears when it is complete.
 * @param file absolute path, not in the workspace
 * @param workFactor what guessing the passphrase costs, see {@link WORK_FACTOR}
 * @throws {XmppkiError} NOT_FOUND without a CA, EXISTS when the file is there, USAGE when it is in the workspace, IO,
 * CORRUPT
 */
export async function backupWorkspace(
  workspace: Workspace,
  file: string,
  passphrase: string,
  workFactor = WORK_FACTOR,
): Promise<BackupResult> {
  const { paths } = workspace
  checkBackupTarget(workspace, file)
  const encrypt = await ageEncryption(passphrase, workFactor)
  const ledger = workspace.ledger()
  for (;;) {
    settledTransaction(ledger, paths.temporary, () => undefined)
    const result = await ledger.longTransaction(async (_insert, changes) => {
      // The snapshot has what is committed: what a crash has left in this moment is finished in the next round.
      if (journalsIn(paths.temporary).length > 0) return undefined
      const made = await writeBackup(workspace, file, encrypt)
      const { sha256, files } = made
      const details = { file, sha256, files }
      changes.audit({ at: Date.now(), event: 'backed-up', actor: currentActor(), details })
      return made
    })
    if (result !== undefined) return result
  }
}

/**
 * Refuses what {@link backupWorkspace} would refuse, before a passphrase is asked for.
 * @throws {XmppkiError} NOT_FOUND, EXISTS, USAGE, IO
 */
export function checkBackupTarget(workspace: Workspace, file: string): void {
  workspace.authority()
  if (isInside(workspace.paths.home, file)) {
    throw new XmppkiError('USAGE', `${file} is in the workspace that it is to be a backup of`, {
      hint: 'give a file elsewhere, best on another disk',
    })
  }
  if (exists(file)) throw occupied(file)
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith('../')
}

function occupied(file: string): XmppkiError {
  return new XmppkiError('EXISTS', `${file} is already there`, { hint: 'nothing was written; give another file' })
}

/** The file of a database, and what SQLite keeps beside it. */
function withJournal(path: string): string[] {
  return [path, `${path}-wal`, `${path}-shm`]
}

interface Database {
  /** In the archive. */
  readonly name: string
  readonly path: string
  readonly words: FileWords
}

/** What is copied as it is in one moment, not as its files happen to be; the ledger last. */
function databasesOf({ accounts, revocations, enrolments, ledger }: WorkspacePaths): Database[] {
  const all = [
    { name: 'accounts.db', path: accounts, words: ACCOUNTS_WORDS },
    { name: 'revocations.db', path: revocations, words: REVOCATIONS_WORDS },
    { name: 'enrolments.db', path: enrolments, words: ENROLMENTS_WORDS },
    { name: 'ledger.db', path: ledger, words: LEDGER_WORDS },
  ]
  return all.filter(({ path }) => exists(path))
}

async function writeBackup(workspace: Workspace, file: string, encrypt: AgeEncryption): Promise<BackupResult> {
  const { paths } = workspace
  makePrivateFolder(paths.temporary)
  const id = temporaryName()
  const snapshots = databasesOf(paths).map((one) => ({ ...one, snapshot: join(paths.temporary, `${id}-${one.name}`) }))
  const partial = join(dirname(file), id)
  const databases = [paths.accounts, paths.revocations, paths.enrolments, paths.ledger, paths.adminLock].flatMap(
    withJournal,
  )
  const found = new Inventory(paths.home, new Set([paths.temporary, paths.keptCrls, paths.adminSocket, ...databases]))
  try {
    for (const { path, snapshot, words } of snapshots) snapshotDatabase(path, snapshot, words)
    const written = await writeEncrypted(partial, encrypt(writeTar(found.members(snapshots))))
    appear(partial, file)
    const outside = workspace
      .ledger()
      .list()
      .filter(({ directory }) => !isInside(paths.home, directory)).length
    return { file, ...written, files: found.files, outside, skipped: found.skipped }
  } finally {
    removeAll(partial)
    for (const { snapshot } of snapshots) removeAll(snapshot)
  }
}

/** Never over another file, not even one that has come meanwhile. */
function appear(partial: string, file: string): void {
  try {
    linkSync(partial, file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST') throw occupied(file)
    throw new XmppkiError('IO', `cannot write ${file}: ${String(code)}`, {
      hint: 'the file system has no hard links; write it to another one and copy it',
      cause: error,
    })
  }
  syncFolder(dirname(file))
}

async function writeEncrypted(path: string, pieces: AsyncIterable<Uint8Array>) {
  const hash = createHash('sha256')
  let bytes = 0
  async function* measured() {
    for await (const piece of pieces) {
      hash.update(piece)
      bytes += piece.length
      yield piece
    }
  }
  await writeNewFile(path, SECRET_FILE, measured())
  return { bytes, sha256: hash.digest('hex') }
}

/** The folders and files of a workspace, in the order of their names, the databases last. */
class Inventory {
  files = 0
  readonly skipped: string[] = []
  readonly #home: string
  readonly #without: ReadonlySet<string>

  constructor(home: string, without: ReadonlySet<string>) {
    this.#home = home
    this.#without = without
  }

  *members(databases: readonly { readonly snapshot: string; readonly name: string }[]): Generator<TarMember> {
    yield* this.#below(this.#home)
    for (const { snapshot, name } of databases) yield this.#file(snapshot, name)
  }

  *#below(folder: string): Generator<TarMember> {
    const names = withIo(`read ${folder}`, () => readdirSync(folder)).sort()
    for (const path of names.map((name) => join(folder, name))) {
      if (this.#without.has(path) || isTemporary(path)) continue
      const status = statusOf(path)
      const name = relative(this.#home, path)
      if (status.isFile()) yield this.#file(path, name)
      else if (status.isDirectory() && !exists(join(path, 'ledger.db'))) {
        yield { path: name, kind: 'folder', mode: status.mode & 0o777, modified: seconds(status), size: 0, content: [] }
        yield* this.#below(path)
      } else this.skipped.push(name)
    }
  }

  #file(path: string, name: string): TarMember {
    const status = statusOf(path)
    const { mode, size } = status
    this.files += 1
    const content = readExactly(path, size)
    return { path: name, kind: 'file', mode: mode & 0o777, modified: seconds(status), size, content }
  }
}

function statusOf(path: string): Stats {
  return withIo(`read ${path}`, () => lstatSync(path))
}

function seconds({ mtimeMs }: { readonly mtimeMs: number }): number {
  return Math.max(0, Math.floor(mtimeMs / 1_000))
}
