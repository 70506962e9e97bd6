import { XmppkiError } from '../../errors.ts'
import { ByteSource } from './byte-source.ts'

/*
 * POSIX.1-2001 pax, as much of it as folders and plain files need: that can be done in fewer lines than the choice of a
 * package would take to explain. tar-stream brings native code of another runtime along, and both it and tar
 * work with asynchronous streams, while a backup is made under the write lock of the ledger, which nothing asynchronous
 * may hold. GNU tar and bsdtar read what is written here.
 */

const BLOCK = 512

export interface TarEntry {
  /** Relative, parts separated by `/`. */
  readonly path: string
  readonly kind: 'file' | 'folder'
  /** Permission bits. */
  readonly mode: number
  /** Seconds since the epoch. */
  readonly modified: number
  /** In bytes; 0 for a folder. */
  readonly size: number
}

/** An entry whose content comes with it; exactly `size` bytes. */
export interface TarMember extends TarEntry {
  readonly content: Iterable<Uint8Array>
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`
}

/** One header block (pax §4, ustar interchange format). */
function ustarHeader(name: string, type: '0' | '5' | 'x', { mode, modified, size }: Omit<TarEntry, 'path' | 'kind'>) {
  const block = Buffer.alloc(BLOCK)
  block.write(name, 0, 100)
  block.write(octal(mode, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(size, 12), 124)
  block.write(octal(modified, 12), 136)
  block.write(`        ${type}`, 148)
  block.write('ustar\x0000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${octal(sum, 7)} `, 148)
  return block
}

/** `length key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`)
  let length = rest.length
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)
}

function* header({ path, kind, ...rest }: TarEntry): Generator<Buffer> {
  const name = kind === 'folder' ? `${path}/` : path
  const isPlain = /^[\x20-\x7e]{1,100}$/.test(name)
  if (!isPlain) {
    const record = paxRecord('path', name)
    yield ustarHeader('PaxHeader', 'x', { mode: 0o600, modified: rest.modified, size: record.length })
    yield record
    yield padding(record.length)
  }
  yield ustarHeader(isPlain ? name : 'long-or-unicode-name', kind === 'folder' ? '5' : '0', rest)
}

/** The archive in pieces. */
export function* writeTar(members: Iterable<TarMember>): Generator<Uint8Array> {
  for (const { content, ...entry } of members) {
    yield* header(entry)
    yield* content
    yield padding(entry.size)
  }
  yield Buffer.alloc(2 * BLOCK)
}

/**
 * Reads an archive that {@link writeTar} has made; whatever else tar knows (links, devices, absolute paths, `..`) is
 * refused. The content of a member is gone when the next one is asked for; take it whole or not at all.
 * @param source what it is called in messages
 * @throws {XmppkiError} CORRUPT
 */
export function* readTar(pieces: Iterable<Uint8Array>, source: string): Generator<TarMember> {
  const bytes = new ByteSource(pieces)
  let longPath: string | undefined
  for (;;) {
    const block = bytes.take(BLOCK)
    if (block.length < BLOCK) throw malformed(source)
    if (block.every((byte) => byte === 0)) break
    const { name, type, ...rest } = readHeader(block, source)
    if (type === 'x') {
      longPath = readPath(bytes.take(rest.size), source)
      bytes.take(padding(rest.size).length)
      continue
    }
    const path = checkedPath(longPath ?? name, source)
    longPath = undefined
    const content = bytes.stream(rest.size)
    yield { ...rest, path, kind: type === '5' ? 'folder' : 'file', content }
    for (const _ of content);
    bytes.take(padding(rest.size).length)
  }
  // Only at its end does the encryption know that nothing was cut off.
  for (const _ of bytes.rest());
}

function readHeader(block: Buffer, source: string) {
  const text = (start: number, length: number) => block.toString('utf8', start, start + length).replace(/\0.*$/s, '')
  const number = (start: number, length: number) => Number.parseInt(text(start, length).trim(), 8)
  const blanked = Buffer.from(block).fill(0x20, 148, 156)
  const sum = blanked.reduce((total, byte) => total + byte, 0)
  const type = text(156, 1)
  const facts = { mode: number(100, 8) & 0o777, size: number(124, 12), modified: number(136, 12) }
  const isKnown = type === '0' || type === '5' || type === 'x'
  if (!isKnown || number(148, 8) !== sum || Object.values(facts).some(Number.isNaN)) throw malformed(source)
  if (type === 'x' && facts.size > 65_536) throw malformed(source)
  return { name: text(0, 100), type, ...facts }
}

function readPath(record: Buffer, source: string): string {
  const path = /^\d+ path=(.*)\n$/s.exec(record.toString('utf8'))?.[1]
  if (path === undefined) throw malformed(source)
  return path
}

function checkedPath(name: string, source: string): string {
  const path = name.replace(/\/$/, '')
  const isInside = path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  if (isInside && !path.includes('\0')) return path
  throw malformed(source)
}

function malformed(source: string): XmppkiError {
  return new XmppkiError('CORRUPT', `${source} does not hold a backup of xmppki`, {
    hint: 'take another copy of the backup',
  })
}
