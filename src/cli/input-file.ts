import { createReadStream } from 'node:fs'
import { XmppkiError } from '../errors.ts'

/** Far more than a CRL of 200,000 entries; a larger file is the wrong file. */
const MAX_BYTES = 32 * 1024 * 1024

/** How a file argument is called in messages. */
export function sourceName(file: string): string {
  return file === '-' ? 'standard input' : file
}

/**
 * Reads a file that the user named, `-` is standard input.
 * @throws {XmppkiError} NOT_FOUND, IO; BAD_INPUT when it is longer than 32 MiB
 */
export async function readInputFile(file: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of file === '-' ? process.stdin : createReadStream(file)) {
      const octets = Buffer.from(chunk)
      chunks.push(octets)
      size += octets.length
      if (size > MAX_BYTES) break
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const kind = code === 'ENOENT' ? 'NOT_FOUND' : 'IO'
    throw new XmppkiError(kind, `cannot read ${sourceName(file)}: ${code}`, { cause: error })
  }
  if (size > MAX_BYTES) throw new XmppkiError('BAD_INPUT', `${sourceName(file)} is longer than ${MAX_BYTES} bytes`)
  return Buffer.concat(chunks)
}
