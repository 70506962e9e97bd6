import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fsync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { XmppkiError } from '../../errors.ts'

/** Folders of the workspace are for their owner alone. */
const PRIVATE_FOLDER = 0o700

/** Private keys, passwords, PKCS#12. */
export const SECRET_FILE = 0o600
/** Certificates, CSRs. */
export const PUBLIC_FILE = 0o644

/** They may lie in a folder of the user's; this tells them apart. */
const TEMPORARY_PREFIX = '.xmppki-'

/** A name for a file or folder that is under way, and is renamed when it is complete. */
export function temporaryName(): string {
  return `${TEMPORARY_PREFIX}${randomBytes(8).toString('hex')}`
}

/** Whether this is a name that {@link temporaryName} gives. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(TEMPORARY_PREFIX) && /^[0-9a-f]{16}$/.test(name.slice(TEMPORARY_PREFIX.length))
}

/** Whether this path was under way, of any version. */
export function isTemporary(path: string): boolean {
  return basename(path).startsWith(TEMPORARY_PREFIX)
}

export interface NewFile {
  /** Without a folder. */
  readonly name: string
  readonly content: string | Uint8Array
  readonly mode: typeof SECRET_FILE | typeof PUBLIC_FILE
}

/** The `code` of an operating-system error, e.g. `ENOENT`. */
function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Runs `work` and turns what the operating system refuses into an `IO` error that says `what` failed. */
export function withIo<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const code = systemErrorCode(error)
    if (error instanceof XmppkiError || code === undefined) throw error
    throw new XmppkiError('IO', `cannot ${what}: ${reasonOf(code)}`, {
      cause: error,
    })
  }
}

/** What the `code` of an operating-system error means. */
export function reasonOf(code: string): string {
  return REASONS[code] ?? code
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied (EACCES)',
  EPERM: 'operation not permitted (EPERM)',
  EROFS: 'the file system is read-only (EROFS)',
  ENOSPC: 'no space left on the device (ENOSPC)',
  EDQUOT: 'the disk quota is used up (EDQUOT)',
  ENOTDIR: 'part of the path is not a folder (ENOTDIR)',
  EISDIR: 'it is a folder (EISDIR)',
  ENOENT: 'no such file or folder (ENOENT)',
  EEXIST: 'it already exists (EEXIST)',
  ENAMETOOLONG: 'the path is too long (ENAMETOOLONG)',
  ELOOP: 'too many symbolic links (ELOOP)',
}

/** Creates the folder and its missing parents, all of them with mode 0700; folders that exist stay as they are. */
export function makePrivateFolder(path: string): void {
  withIo(`create the folder ${path}`, () => makeFolders(path))
}

/** Not `recursive: true`: that loops forever where a folder can be seen but nothing made in it, as in /proc. */
function makeFolders(path: string): void {
  try {
    makeFolder(path)
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error
    makeFolders(dirname(path))
    makeFolder(path)
  }
}

/** Another process may make the same folder at the same time: then it is there as well. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: PRIVATE_FOLDER })
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error
    if (!statSync(path).isDirectory()) throw new XmppkiError('IO', `${path} is not a folder`, { cause: error })
  }
}

/** Whether anything is there, a dangling symbolic link excepted. */
export function exists(path: string): boolean {
  return withIo(`look at ${path}`, () => statSync(path, { throwIfNoEntry: false })) !== undefined
}

/** The octets that a file has, or undefined when there is none. */
export function sizeIfAny(path: string): number | undefined {
  return withIo(`look at ${path}`, () => statSync(path, { throwIfNoEntry: false }))?.size
}

/** The text of a file, or undefined when there is none. */
export function readTextIfAny(path: string): string | undefined {
  return withIo(`read ${path}`, () => {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return undefined
      throw error
    }
  })
}

/** Makes a rename or a new file in this folder survive a power failure. */
export function syncFolder(path: string): void {
  withIo(`write to ${path}`, () => {
    const folder = openSync(path, 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
  })
}

/** Creates one file and brings it to the disk; refuses when the name is taken, by a symbolic link too. */
export function createFile(folder: string, file: NewFile): void {
  const path = join(folder, file.name)
  withIo(`write ${path}`, () => {
    const descriptor = openSync(path, 'wx', file.mode)
    try {
      writeFileSync(descriptor, file.content)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  })
}

/** A folder that is to be made, with everything in it. */
export interface NewFolder {
  readonly path: string
  readonly files: readonly NewFile[]
}

/** Creates the folder (mode 0700) with exactly these files and brings everything to the disk. */
export function createFolder(path: string, files: readonly NewFile[]): void {
  withIo(`create the folder ${path}`, () => mkdirSync(path, { mode: PRIVATE_FOLDER }))
  for (const file of files) createFile(path, file)
  syncFolder(path)
}

const syncFile = promisify(fsync)

/** As {@link createFolder} for many: the thread pool waits for the disk, which brings several to it at once. */
export async function createFolders(folders: readonly NewFolder[]): Promise<void> {
  const open: number[] = []
  try {
    for (const { path, files } of folders) writeFolder(path, files, open)
    const synced = await Promise.allSettled(open.map((descriptor) => syncFile(descriptor)))
    for (const result of synced) {
      if (result.status === 'rejected') withIo('write the new files', () => raise(result.reason))
    }
  } finally {
    for (const descriptor of open) closeSync(descriptor)
  }
}

/** Opens what is to be brought to the disk, the folder itself last. */
function writeFolder(path: string, files: readonly NewFile[], open: number[]): void {
  withIo(`create the folder ${path}`, () => mkdirSync(path, { mode: PRIVATE_FOLDER }))
  for (const { name, content, mode } of files) {
    withIo(`write ${join(path, name)}`, () => {
      const descriptor = openSync(join(path, name), 'wx', mode)
      open.push(descriptor)
      writeFileSync(descriptor, content)
    })
  }
  open.push(withIo(`write to ${path}`, () => openSync(path, 'r')))
}

function raise(error: unknown): never {
  throw error
}

/** Replaces or creates a file so that a reader sees the old or the new content, never a part. */
export function replaceFile(path: string, file: Omit<NewFile, 'name'>): void {
  const folder = dirname(path)
  const temporary = temporaryName()
  createFile(folder, { ...file, name: temporary })
  moveInto(join(folder, temporary), path)
}

/** Creates a file that appears whole or not at all. @throws {XmppkiError} IO when the name is taken */
export function createWholeFile(path: string, file: Omit<NewFile, 'name'>): void {
  const folder = dirname(path)
  const temporary = temporaryName()
  createFile(folder, { ...file, name: temporary })
  try {
    // A rename would replace what is there.
    withIo(`write ${path}`, () => linkSync(join(folder, temporary), path))
  } finally {
    removeAll(join(folder, temporary))
  }
  syncFolder(folder)
}

/** Renames within one file system and brings the new name to the disk. */
export function moveInto(from: string, to: string): void {
  withIo(`write ${to}`, () => renameSync(from, to))
  syncFolder(dirname(to))
}

/** As {@link moveInto} for many; each folder that gets something is brought to the disk once. */
export function moveAllInto(moves: readonly { readonly from: string; readonly to: string }[]): void {
  for (const { from, to } of moves) withIo(`write ${to}`, () => renameSync(from, to))
  for (const folder of new Set(moves.map(({ to }) => dirname(to)))) syncFolder(folder)
}

/** Removes a file, or a folder with everything in it; nothing happens when there is none. */
export function removeAll(path: string): void {
  withIo(`remove ${path}`, () => rmSync(path, { recursive: true, force: true }))
}

/** Whether others than the owner may read the file; false where the file is missing. */
export function isReadableByOthers(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false })
  return status !== undefined && (status.mode & 0o077) !== 0
}
