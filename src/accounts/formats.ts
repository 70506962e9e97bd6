import { XmppkiError } from '../errors.ts'
import { isCopyStatement } from '../formats/postgres-copy.ts'
import { decodeUtf8 } from '../formats/utf8.ts'
import type { FileFormat, ForeignRow } from './foreign-account.ts'
import { readCsvAccounts, readDumpedAccounts, readJsonAccounts } from './list.ts'
import { readMnesiaAccounts } from './mnesia.ts'

/** Comments and white space stand before whatever tells. */
const LOOK_AT = 65_536

/**
 * The accounts in a file.
 * @param source how the file is called in messages
 * @param format undefined: what it looks like
 * @throws {XmppkiError} BAD_INPUT about the file as a whole
 */
export function readAccounts(octets: Uint8Array, source: string, format?: FileFormat): ForeignRow[] {
  switch (format ?? detectFormat(octets, source)) {
    case 'mnesia':
      return readMnesiaAccounts(octets, source)
    case 'postgres':
      return readDumpedAccounts(decodeUtf8(octets, source), source)
    case 'jsonl':
      return readJsonAccounts(decodeUtf8(octets, source), source)
    default:
      return readCsvAccounts(decodeUtf8(octets, source), source)
  }
}

/** @throws {XmppkiError} BAD_INPUT when it is empty */
function detectFormat(octets: Uint8Array, source: string): FileFormat {
  const text = Buffer.from(octets.subarray(0, LOOK_AT))
    .toString('latin1')
    .replace(/^\u00ef\u00bb\u00bf/, '')
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  const first = lines.find((line) => !/^\s*%/.test(line))?.trimStart()
  if (first === undefined) throw new XmppkiError('BAD_INPUT', `${source} is empty`)
  if (/^\{\s*["}]/.test(first)) return 'jsonl'
  if (/^\{\s*[a-z']/.test(first)) return 'mnesia'
  return first.startsWith('--') || first.startsWith('SET ') || isCopyStatement(first) ? 'postgres' : 'csv'
}
