import { linkSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Ledger } from '../../store/ledger.ts'
import {
  createFolders,
  exists,
  isTemporaryName,
  makePrivateFolder,
  type NewFile,
  readTextIfAny,
  removeAll,
  SECRET_FILE,
  syncFolder,
  temporaryName,
  withIo,
} from '../disk/files.ts'

/** A file that is handed to a user; what is in it follows from the certificate alone. */
export interface UserFile {
  /** Absolute. */
  readonly path: string
  readonly content: string
}

/** So many files are open at once. */
const GROUP = 100

/**
 * Writes those that are not there, each whole or not at all and for its owner alone; what is there is never overwritten.
 * All of it happens under the write lock of the ledger: what a killed run has left half done is cleared up, and the rest
 * of its files is made.
 * @returns paths of those that are there with another content
 * @throws {XmppkiError} IO
 */
export function writeUserFiles(ledger: Ledger, files: readonly UserFile[]): Promise<string[]> {
  return ledger.longTransaction(() => writeLocked(files))
}

async function writeLocked(files: readonly UserFile[]): Promise<string[]> {
  for (const folder of foldersOf(files)) clearUp(folder)
  const found = files.map((file) => ({ file, there: readTextIfAny(file.path) }))
  const missing = found.flatMap(({ file, there }) => (there === undefined ? [file] : []))
  for (let begin = 0; begin < missing.length; begin += GROUP) await writeGroup(missing.slice(begin, begin + GROUP))
  return found.flatMap(({ file: { path, content }, there }) => (there === undefined || there === content ? [] : [path]))
}

/** There may be passwords in what lies about. */
function clearUp(folder: string): void {
  if (!exists(folder)) return
  for (const entry of withIo(`read ${folder}`, () => readdirSync(folder, { withFileTypes: true }))) {
    if (entry.isDirectory() && isTemporaryName(entry.name)) removeAll(join(folder, entry.name))
  }
}

function foldersOf(files: readonly UserFile[]): string[] {
  return [...new Set(files.map(({ path }) => dirname(path)))]
}

async function writeGroup(files: readonly UserFile[]): Promise<void> {
  const folders = foldersOf(files)
  const staged = folders.map((folder) => ({
    folder,
    path: join(folder, temporaryName()),
    files: files.filter(({ path }) => dirname(path) === folder).map(newFileOf),
  }))
  for (const folder of folders) makePrivateFolder(folder)
  try {
    await createFolders(staged)
    for (const { folder, path, files } of staged) {
      for (const { name } of files) reveal(join(path, name), join(folder, name))
      syncFolder(folder)
    }
  } finally {
    for (const { path } of staged) removeAll(path)
  }
}

function newFileOf({ path, content }: UserFile): NewFile {
  return { name: basename(path), content, mode: SECRET_FILE }
}

/** A rename would replace what another process has made meanwhile. */
function reveal(from: string, to: string): void {
  if (!exists(to)) withIo(`write ${to}`, () => linkSync(from, to))
}
