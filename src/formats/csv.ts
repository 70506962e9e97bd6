import { parse as parseCsv } from 'csv-parse/sync'
import { XmppkiError } from '../errors.ts'

/** Spreadsheets write the separator of their country. */
const SEPARATORS = [',', ';', '\t'] as const

/** All of them in one file: lists are put together by hand. Left to find out, the parser goes by the first line. */
const LINE_ENDS = ['\r\n', '\n', '\r']

/** What separates the columns in this heading; undefined when there is only one. */
export function csvSeparator(heading: string): string | undefined {
  return SEPARATORS.find((character) => heading.includes(character))
}

export interface CsvRow {
  /** One cell for each column; a row that is shorter or longer has what it has. */
  readonly record: readonly string[]
  /** `lines`: its line in the text, from 1; the last one of a row with line breaks. */
  readonly info: { readonly lines: number }
}

/**
 * The rows of a CSV text (RFC 4180), the heading too; rows without any value are left out.
 * @param source how the text is called in messages
 * @param trim whether white space around a value is left out
 * @throws {XmppkiError} BAD_INPUT behind a quote that does not close: nothing there can be told from anything else
 */
export function splitCsv(text: string, options: { delimiter: string; source: string; trim: boolean }): CsvRow[] {
  const { delimiter, source, trim } = options
  try {
    const usual = {
      delimiter,
      record_delimiter: LINE_ENDS,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim,
    }
    return parseCsv(text, { ...usual, skip_records_with_empty_values: true }) as unknown as CsvRow[]
  } catch (error) {
    const line = error instanceof Error && 'lines' in error ? `:${error.lines}` : ''
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const reason = REASONS[code] ?? 'this is not CSV'
    throw new XmppkiError('BAD_INPUT', `${source}${line}: ${reason}`, { spec: 'RFC 4180 §2' })
  }
}

/** In our words: those of the parser repeat what stands in the file, which may be a secret. */
const REASONS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is not closed',
  INVALID_OPENING_QUOTE: 'a quote stands inside of a value that does not begin with one',
  CSV_INVALID_CLOSING_QUOTE: 'something stands between the quote that closes a value and the next separator',
}
