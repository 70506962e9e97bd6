import { readFileSync, statSync } from 'node:fs'
import { XmppkiError } from '../../errors.ts'
import { withIo } from './files.ts'

/** Keys, certificates and requests are a few kilobytes; a larger file is the wrong file. */
const MAX_BYTES = 1_048_576

/**
 * The octets of a file that the user named.
 * @param maxBytes larger files are refused before they are read
 * @throws {XmppkiError} NOT_FOUND, BAD_INPUT when it is too large, IO
 */
export function readInputFile(path: string, maxBytes = MAX_BYTES): Buffer {
  const status = withIo(`read ${path}`, () => statSync(path, { throwIfNoEntry: false }))
  if (status === undefined) throw new XmppkiError('NOT_FOUND', `there is no file ${path}`)
  if (status.size > maxBytes) {
    throw new XmppkiError('BAD_INPUT', `${path} has ${status.size} bytes, more than the ${maxBytes} expected at most`)
  }
  return withIo(`read ${path}`, () => readFileSync(path))
}
