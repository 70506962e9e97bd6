import { closeSync, openSync, readSync } from 'node:fs'
import { XmppkiError } from '../errors.ts'
import { parsePostgresUrl } from '../store/postgres/url.ts'
import type { Configuration } from './schema.ts'

/** Far longer than any URL. */
const MAX_BYTES = 4_096

/**
 * The URL of the database that has the accounts, wherever it stands; undefined: they are in the workspace. A password may
 * be in it. @throws {XmppkiError} NOT_FOUND, IO, BAD_INPUT about the file
 */
export function storeUrl({ store: { url, url_file: file } }: Pick<Configuration, 'store'>): string | undefined {
  if (file === undefined) return url
  const [line = ''] = readStart(file).split(/\r?\n/)
  try {
    parsePostgresUrl(line)
  } catch (error) {
    if (!(error instanceof XmppkiError)) throw error
    throw new XmppkiError(
      'BAD_INPUT',
      `${file}: ${error.message}`,
      error.hint === undefined ? {} : { hint: error.hint },
    )
  }
  return line
}

function readStart(path: string): string {
  try {
    const descriptor = openSync(path, 'r')
    try {
      const start = Buffer.alloc(MAX_BYTES)
      return start.toString('utf8', 0, readSync(descriptor, start))
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    const kind = code === 'ENOENT' ? 'NOT_FOUND' : 'IO'
    throw new XmppkiError(kind, `cannot read ${path}, the url_file of the store: ${code}`, { cause })
  }
}
