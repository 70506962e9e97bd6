import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { XmppkiError } from '../../errors.ts'
import type { ChainHead } from '../../store/audit.ts'
import { SqliteLedger } from '../../store/sqlite/ledger.ts'
import { currentActor } from '../base/audit-events.ts'
import { keyFileOf, readAuthority } from '../base/authority.ts'
import { WorkspacePaths } from '../base/paths.ts'
import { readSettings } from '../base/settings.ts'
import { readAuditTrail } from '../ca/audit-trail.ts'
import { exists, makePrivateFolder, moveInto, removeAll, temporaryName, withIo } from '../disk/files.ts'
import { decryptAge } from './age.ts'
import { readPieces, writeNewFile } from './streamed-file.ts'
import { readTar } from './tar.ts'

export interface RestoreResult {
  /** Absolute path of the workspace. */
  readonly home: string
  /** The default XMPP domain. */
  readonly domain: string
  readonly files: number
  readonly certificates: number
  /** Certificates whose folders were outside of the workspace: the ledger knows them, their files were not in the backup. */
  readonly outside: number
  /** False where the key of the root is kept elsewhere. */
  readonly hasRootKey: boolean
  /** The end of the audit log as it was in the backup. */
  readonly head: ChainHead
}

/**
 * Unpacks a backup into a folder without a CA: first beside or in it, where everything is checked, then at its place by
 * renaming, the CA last. The folder is as it was when anything fails.
 * @param home absolute path of the workspace to be
 * @param file absolute path of the backup
 * @throws {XmppkiError} EXISTS when there is a CA or something else in the way, NOT_FOUND, BAD_INPUT when the file is no
 * backup, PASSPHRASE, CORRUPT, IO
 */
export async function restoreWorkspace(home: string, file: string, passphrase: string): Promise<RestoreResult> {
  checkRestoreTarget(home, file)
  const isNew = !exists(home)
  const parent = isNew ? dirname(home) : home
  makePrivateFolder(parent)
  const staging = join(parent, temporaryName())
  try {
    makePrivateFolder(staging)
    const files = await unpack(file, passphrase, staging)
    const result = check(staging, home, file)
    // rename(2): over a folder that somebody has made meanwhile only if it is empty.
    if (isNew) moveInto(staging, home)
    else moveContents(staging, home)
    return { ...result, files }
  } finally {
    removeAll(staging)
  }
}

/**
 * Refuses what {@link restoreWorkspace} would refuse, before a passphrase is asked for.
 * @throws {XmppkiError} EXISTS, NOT_FOUND, IO
 */
export function checkRestoreTarget(home: string, file: string): void {
  const { ca } = new WorkspacePaths(home)
  if (exists(ca)) throw occupied(ca)
  if (!exists(file)) throw new XmppkiError('NOT_FOUND', `there is no file ${file}`)
}

function occupied(path: string): XmppkiError {
  return new XmppkiError('EXISTS', `${path} is already there`, {
    hint: 'nothing was changed; --home restores into another folder',
  })
}

async function unpack(file: string, passphrase: string, folder: string): Promise<number> {
  let files = 0
  for await (const { path, kind, mode, content } of readTar(decryptAge(readPieces(file), passphrase, file), file)) {
    // Folders come before what is in them, for whom they are to be private from the first moment.
    if (kind === 'folder') makePrivateFolder(join(folder, path))
    else {
      // The owner at least can read it, and nobody else more than before.
      await writeNewFile(join(folder, path), mode | 0o600, content)
      files += 1
    }
  }
  return files
}

/** Everything that the workspace will need is there and fits; the restoring is put into its audit log. */
function check(staging: string, home: string, file: string): Omit<RestoreResult, 'files'> {
  const paths = new WorkspacePaths(staging)
  const settings = readSettings(paths.settings)
  const root = readAuthority(paths.ca, 'root')
  if (settings === undefined || root === undefined || !exists(paths.ledger)) {
    throw new XmppkiError('CORRUPT', `${file} has no whole workspace in it`, { hint: 'take another backup' })
  }
  const ledger = new SqliteLedger(paths.ledger)
  try {
    const { head } = readAuditTrail(ledger, { events: [] })
    const records = ledger.list()
    const outside = records.filter(({ directory }) => !directory.startsWith(`${staging}/`)).length
    const details = { file, entries: head.number }
    ledger.transaction((_insert, changes) => {
      changes.audit({ at: Date.now(), event: 'restored', actor: currentActor(), details })
    })
    const hasRootKey = exists(keyFileOf(root.files))
    return { home, domain: settings.domain, certificates: records.length, outside, hasRootKey, head }
  } finally {
    ledger.close()
  }
}

function moveContents(staging: string, home: string): void {
  const names = withIo(`read ${staging}`, () => readdirSync(staging))
  const taken = names.map((name) => join(home, name)).find(exists)
  if (taken !== undefined) throw occupied(taken)
  // Whoever looks meanwhile sees a folder without a CA.
  const ordered = [...names.filter((name) => name !== 'ca'), 'ca']
  const moved: string[] = []
  try {
    for (const name of ordered) {
      moveInto(join(staging, name), join(home, name))
      moved.push(name)
    }
  } catch (error) {
    for (const name of moved) moveInto(join(home, name), join(staging, name))
    throw error
  }
}
