import { XmppkiError } from '../errors.ts'
import { csvSeparator, splitCsv } from '../formats/csv.ts'
import { readCopiedRows } from '../formats/postgres-copy.ts'
import { accountOf, COLUMN_HINT, columnOf } from './columns.ts'
import { type ForeignRow, foreignRow, rowError } from './foreign-account.ts'

type Pair = readonly [column: string, value: string]

/**
 * Accounts in CSV (RFC 4180) whose first line names the columns.
 * @param source how the text is called in messages
 * @throws {XmppkiError} BAD_INPUT about the text as a whole; nothing that stands in it is repeated
 */
export function readCsvAccounts(text: string, source: string): ForeignRow[] {
  const [first = ''] = /[^\r\n]*\S[^\r\n]*/.exec(text) ?? []
  // White space can be part of a password.
  const [heading, ...rows] = splitCsv(text, { delimiter: csvSeparator(first) ?? ',', source, trim: false })
  const columns = heading?.record ?? []
  checkHeading(columns, source)
  return rows.map(({ record, info: { lines } }) =>
    foreignRow(`${source}:${lines}`, '', () => {
      if (record.length !== columns.length) {
        throw rowError(`${record.length} fields where the heading has ${columns.length}`, { spec: 'RFC 4180 §2' })
      }
      return fromPairs(columns.map((column, index) => [column, record[index] ?? '']))
    }),
  )
}

/** A file without heading begins with a password, perhaps, so columns have numbers in messages. */
function checkHeading(columns: readonly string[], source: string): void {
  const unknown = columns.findIndex((column) => columnOf(column) === undefined)
  if (unknown >= 0) {
    throw new XmppkiError('BAD_INPUT', `${source}: column ${unknown + 1} of the heading is unknown`, {
      hint: `the first line must name the columns; ${COLUMN_HINT}`,
    })
  }
  const known = columns.map(columnOf)
  const twice = known.find((column, index) => known.indexOf(column) !== index)
  if (twice !== undefined) throw new XmppkiError('BAD_INPUT', `${source} has two columns for the ${twice}`)
  if (!known.includes('name')) {
    throw new XmppkiError('BAD_INPUT', `${source} has no column for the name`, { hint: COLUMN_HINT })
  }
}

/** Accounts as JSON objects, one a line, with the columns of CSV as keys. @param source how the text is called in messages */
export function readJsonAccounts(text: string, source: string): ForeignRow[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    return [foreignRow(`${source}:${index + 1}`, '', () => fromPairs(membersOf(line)))]
  })
}

/** @throws {XmppkiError} BAD_INPUT, without what stands there */
function membersOf(line: string): Pair[] {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw rowError('this is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw rowError('this is not a JSON object')
  return Object.entries(value).map(([key, one], index) => {
    if (columnOf(key) === undefined) throw rowError(`key ${index + 1} is unknown`, { hint: COLUMN_HINT })
    if (typeof one !== 'string' && typeof one !== 'number') throw rowError(`the ${columnOf(key)} must be a string`)
    return [key, String(one)]
  })
}

/**
 * Accounts in the table `users` of a dump that pg_dump made, of ejabberd or of MongooseIM.
 * @param source how the dump is called in messages
 * @throws {XmppkiError} BAD_INPUT about the dump as a whole
 */
export function readDumpedAccounts(text: string, source: string): ForeignRow[] {
  return readCopiedRows(text, 'users', source).map(({ line, values }) =>
    foreignRow(`${source}:${line}`, '', () => {
      if (values === undefined) throw rowError('the row has another length than the table')
      return fromPairs([...values].filter(([column]) => columnOf(column) !== undefined))
    }),
  )
}

function fromPairs(pairs: readonly Pair[]) {
  const cells = new Map<NonNullable<ReturnType<typeof columnOf>>, string>()
  for (const [heading, value] of pairs) {
    const column = columnOf(heading)
    if (column === undefined || value === '') continue
    if (cells.has(column)) throw rowError(`there are two values for the ${column}`)
    cells.set(column, value)
  }
  return accountOf(cells)
}
