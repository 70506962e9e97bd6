import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { XmppkiError } from '../../errors.ts'
import { withIo } from '../disk/files.ts'

const CHUNK = 1_048_576

/** The octets of a file in pieces, at most `limit` of them; fewer when the file is shorter. @throws {XmppkiError} IO */
export function* readPieces(path: string, limit = Number.POSITIVE_INFINITY): Generator<Buffer> {
  const descriptor = withIo(`read ${path}`, () => openSync(path, 'r'))
  try {
    for (let left = limit; left > 0; ) {
      const piece = Buffer.alloc(Math.min(left, CHUNK))
      const count = withIo(`read ${path}`, () => readSync(descriptor, piece))
      if (count === 0) return
      left -= count
      yield piece.subarray(0, count)
    }
  } finally {
    closeSync(descriptor)
  }
}

/** The first `size` octets of a file in pieces. @throws {XmppkiError} IO, also when it has fewer by now */
export function* readExactly(path: string, size: number): Generator<Buffer> {
  let left = size
  for (const piece of readPieces(path, size)) {
    left -= piece.length
    yield piece
  }
  if (left > 0) throw new XmppkiError('IO', `${path} became shorter while it was read`, { hint: 'try again' })
}

/** Brings a new file to the disk. @throws {XmppkiError} IO, also when the name is taken; what `pieces` throws */
export async function writeNewFile(path: string, mode: number, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const attempt = <T>(work: () => T) => withIo(`write ${path}`, work)
  const descriptor = attempt(() => openSync(path, 'wx', mode))
  try {
    for await (const piece of pieces) {
      for (let done = 0; done < piece.length; ) done += attempt(() => writeSync(descriptor, piece, done))
    }
    attempt(() => fsyncSync(descriptor))
  } finally {
    closeSync(descriptor)
  }
}
