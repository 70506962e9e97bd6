import { linkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import {
  createFolders,
  exists,
  makePrivateFolder,
  type NewFile,
  readTextIfAny,
  removeAll,
  SECRET_FILE,
  syncFolder,
  withIo,
} from './files.ts'
import { newPublicationId } from './publish.ts'

/** A file that is handed to a user; what is in it follows from the certificate alone. */
export interface Handout {
  /** Absolute. */
  readonly path: string
  readonly content: string
}

/** So many files are open at once. */
const GROUP = 100

/**
 * Writes those that are not there, each whole or not at all and for its owner alone; what is there is never overwritten.
 * A run that was killed leaves the rest to the next one.
 * @returns paths of those that are there with another content
 * @throws {XmppkiError} IO
 */
export async function writeHandouts(handouts: readonly Handout[]): Promise<string[]> {
  const found = handouts.map((handout) => ({ handout, there: readTextIfAny(handout.path) }))
  const missing = found.flatMap(({ handout, there }) => (there === undefined ? [handout] : []))
  for (let begin = 0; begin < missing.length; begin += GROUP) await writeGroup(missing.slice(begin, begin + GROUP))
  return found.flatMap(({ handout: { path, content }, there }) =>
    there === undefined || there === content ? [] : [path],
  )
}

async function writeGroup(handouts: readonly Handout[]): Promise<void> {
  const folders = [...new Set(handouts.map(({ path }) => dirname(path)))]
  const staged = folders.map((folder) => ({
    folder,
    path: join(folder, newPublicationId()),
    files: handouts.filter(({ path }) => dirname(path) === folder).map(newFileOf),
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

function newFileOf({ path, content }: Handout): NewFile {
  return { name: basename(path), content, mode: SECRET_FILE }
}

/** A rename would replace what another process has made meanwhile. */
function reveal(from: string, to: string): void {
  if (!exists(to)) withIo(`write ${to}`, () => linkSync(from, to))
}
