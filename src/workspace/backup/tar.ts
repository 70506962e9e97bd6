import { pipeline } from 'node:stream/promises'
import { extract, type Header, pack } from 'tar-stream'
import { XmppkiError } from '../../errors.ts'

/** Where POSIX has two blocks of zeros at the end of an archive. */
const END_MARK = 1_024

/** The largest time that the package can write, in seconds since the epoch; in 2038. */
const LATEST = 2 ** 31 - 1

interface TarEntry {
  /** Relative, parts separated by `/`. */
  readonly path: string
  readonly kind: 'file' | 'folder'
  /** Permission bits. */
  readonly mode: number
}

/** What an archive is made of. */
export interface TarMember extends TarEntry {
  /** Seconds since the epoch. */
  readonly modified: number
  /** In bytes; 0 for a folder. */
  readonly size: number
  /** Exactly `size` bytes. */
  readonly content: Iterable<Uint8Array>
}

/** What an archive has in it. */
export interface FoundMember extends TarEntry {
  /** Whole, or it throws. */
  readonly content: AsyncIterable<Uint8Array>
}

/** The archive in pieces. What making the members or their contents throws passes through. */
export async function* writeTar(members: Iterable<TarMember>): AsyncGenerator<Uint8Array> {
  const archive = pack()
  const filled = fill(archive, members)
  try {
    for await (const piece of archive) yield piece as Uint8Array
  } finally {
    await filled
  }
}

/** Whatever fails destroys the archive, and so is thrown to its reader. */
async function fill(archive: ReturnType<typeof pack>, members: Iterable<TarMember>): Promise<void> {
  try {
    for (const member of members) await pipeline(member.content, nodeStream(archive.entry(headerOf(member))))
    archive.finalize()
  } catch (error) {
    archive.destroy(error instanceof Error ? error : new Error(String(error)))
  }
}

function headerOf({ path, kind, mode, modified, size }: TarMember): Partial<Header> & { readonly name: string } {
  const name = kind === 'folder' ? `${path}/` : path
  const isPlain = /^[\x20-\x7e]{1,100}$/.test(name)
  return {
    name,
    type: kind === 'folder' ? 'directory' : 'file',
    // For the package 0 is a mode that was not given, and becomes one that lets everybody read.
    mode: mode === 0 ? 0o600 : mode,
    mtime: new Date(Math.min(modified, LATEST) * 1_000),
    size,
    // Any other name in a record of its own, never divided between two fields: xmppki 0.1 reads no second one.
    ...(!isPlain && { pax: {} }),
  }
}

/**
 * Reads an archive that {@link writeTar} has made; what else tar knows (links, devices, absolute paths, `..`) is refused.
 * The content of a member is gone when the next one is asked for.
 * @param source what it is called in messages
 * @throws {XmppkiError} CORRUPT, also while a content is read
 */
export async function* readTar(pieces: AsyncIterable<Uint8Array>, source: string): AsyncGenerator<FoundMember> {
  const archive = extract()
  // What fails destroys the archive, and so is thrown below.
  const filled = pipeline(withEndMark(pieces, source), nodeStream(archive)).catch(() => undefined)
  try {
    for await (const entry of translated(archive, source)) {
      yield { ...checkedEntry(entry.header, source), content: translated(entry as AsyncIterable<Uint8Array>, source) }
      entry.resume()
    }
  } finally {
    await filled
  }
}

/** Node.js takes the streams of the package for its own; it is only their types that do not fit. */
function nodeStream(stream: ReturnType<typeof extract> | ReturnType<ReturnType<typeof pack>['entry']>) {
  return stream as unknown as NodeJS.WritableStream
}

/** The package does not miss the end of an archive that was cut off between two members. */
async function* withEndMark(pieces: AsyncIterable<Uint8Array>, source: string): AsyncGenerator<Uint8Array> {
  let end = Buffer.alloc(0)
  for await (const piece of pieces) {
    yield piece
    end = Buffer.concat([end, piece.subarray(-END_MARK)]).subarray(-END_MARK)
  }
  if (end.length < END_MARK || end.some((byte) => byte !== 0)) throw malformed(source)
}

async function* translated<T>(items: AsyncIterable<T>, source: string): AsyncGenerator<T> {
  try {
    yield* items
  } catch (error) {
    throw error instanceof XmppkiError ? error : malformed(source, error)
  }
}

function checkedEntry({ name, type, mode }: Header, source: string): TarEntry {
  if (type !== 'file' && type !== 'directory') throw malformed(source)
  const path = name.replace(/\/$/, '')
  const isInside = path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  if (!isInside || path.includes('\0')) throw malformed(source)
  return { path, kind: type === 'file' ? 'file' : 'folder', mode: mode & 0o777 }
}

function malformed(source: string, cause?: unknown): XmppkiError {
  return new XmppkiError('CORRUPT', `${source} does not hold a backup of xmppki`, {
    hint: 'take another copy of the backup',
    cause,
  })
}
