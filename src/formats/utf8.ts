import { XmppkiError } from '../errors.ts'

/**
 * The text of a file; a byte order mark is dropped.
 * @param source how the file is called in messages
 * @throws {XmppkiError} BAD_INPUT when it is not UTF-8
 */
export function decodeUtf8(octets: Uint8Array, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets)
  } catch {
    throw new XmppkiError('BAD_INPUT', `${source} is not UTF-8 text`, {
      hint: 'in a spreadsheet choose "CSV UTF-8", or run: iconv -t utf-8',
    })
  }
}
