import { createReadStream } from 'node:fs'
import { XmppkiError } from '../errors.ts'
import { reasonOf } from '../workspace/disk/files.ts'

/** Far more than a CRL of 200,000 entries; a larger file is the wrong file. */
const MAX_BYTES = 32 * 1024 * 1024

/** How a file argument is called in messages. */
export function sourceName(file: string): string {
  return file === '-' ? 'standard input' : file
}

interface Bounds {
  readonly maxBytes?: number
  /** The flag that named the file, for the message. */
  readonly flag?: string
}

/**
 * Reads a file that the user named, `-` is standard input.
 * @throws {XmppkiError} NOT_FOUND, IO; BAD_INPUT when it is longer than `maxBytes` (32 MiB)
 */
export async function readInputFile(file: string, { maxBytes = MAX_BYTES, flag }: Bounds = {}): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of file === '-' ? process.stdin : createReadStream(file)) {
      const octets = Buffer.from(chunk)
      chunks.push(octets)
      size += octets.length
      if (size > maxBytes) break
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const kind = code === 'ENOENT' ? 'NOT_FOUND' : 'IO'
    const origin = flag === undefined ? '' : `, given by ${flag}`
    throw new XmppkiError(kind, `cannot read ${sourceName(file)}${origin}: ${reasonOf(code)}`, { cause: error })
  }
  if (size > maxBytes) throw new XmppkiError('BAD_INPUT', `${sourceName(file)} is longer than ${maxBytes} bytes`)
  return Buffer.concat(chunks)
}
