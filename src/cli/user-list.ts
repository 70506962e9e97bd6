import { didYouMean } from '../did-you-mean.ts'
import { XmppkiError } from '../errors.ts'
import { csvSeparator, splitCsv } from '../formats/csv.ts'
import { decodeUtf8 } from '../formats/utf8.ts'

/** What a list may say of a user; the name is the only thing it must say. */
const FIELDS = ['name', 'device', 'days', 'domain'] as const
type Field = (typeof FIELDS)[number]

/** What other programs call the name. */
const ALIASES: Readonly<Record<string, Field>> = { jid: 'name', user: 'name', username: 'name' }

/** One user of the list as it was written; an empty field is left out. */
export interface ListedUser {
  /** Line of the file, from 1; the last one of a row with line breaks. */
  readonly line: number
  readonly fields: Partial<Record<Field, string>> & { readonly name: string }
}

/** A row that cannot be used; the others can. */
export interface BadRow {
  readonly line: number
  readonly problem: XmppkiError
}

export type ListRow = ListedUser | BadRow

/**
 * Reads a list of users: CSV (RFC 4180) whose first line names the columns, JSON objects one a line, or one name a line,
 * where lines that begin with `#` are comments. The first line that is not blank tells which.
 * @param source how the file is called in messages
 * @throws {XmppkiError} BAD_INPUT about the file as a whole
 */
export function parseUserList(octets: Uint8Array, source: string): ListRow[] {
  const text = decodeUtf8(octets, source)
  const first = text.split(/\r\n|\n|\r/).find((line) => line.trim() !== '')
  if (first === undefined) throw new XmppkiError('BAD_INPUT', `${source} is empty`)
  if (first.trimStart().startsWith('{')) return readJsonLines(text)
  const separator = csvSeparator(first)
  const isHeading = fieldOf(first) !== undefined
  return separator === undefined && !isHeading ? readNames(text) : readCsv(text, separator ?? ',', source)
}

function fieldOf(heading: string): Field | undefined {
  const name = heading.trim().replaceAll('"', '').toLowerCase()
  return FIELDS.find((field) => field === name) ?? (Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined)
}

function readNames(text: string): ListRow[] {
  return text.split(/\r\n|\n|\r/).flatMap((raw, index) => {
    const name = raw.trim()
    return name === '' || name.startsWith('#') ? [] : [{ line: index + 1, fields: { name } }]
  })
}

function readCsv(text: string, delimiter: string, source: string): ListRow[] {
  const [heading, ...rows] = splitCsv(text, { delimiter, source, trim: true })
  const columns = (heading?.record ?? []).map((name) => columnOf(name, source))
  if (!columns.includes('name')) {
    throw new XmppkiError('BAD_INPUT', `${source} has no column 'name'`, {
      hint: `its first line must name the columns: ${FIELDS.join(',')}`,
    })
  }
  const twice = columns.find((column, index) => columns.indexOf(column) !== index)
  if (twice !== undefined) throw new XmppkiError('BAD_INPUT', `${source} has two columns for the ${twice}`)
  return rows.map(({ record, info: { lines: line } }) => {
    if (record.length !== columns.length) {
      const problem = `${record.length} fields where the heading has ${columns.length}`
      return { line, problem: new XmppkiError('BAD_INPUT', problem, { spec: 'RFC 4180 §2' }) }
    }
    return rowOf(line, new Map(columns.map((column, index) => [column, record[index] ?? ''])))
  })
}

function columnOf(heading: string, source: string): Field {
  const field = fieldOf(heading)
  if (field !== undefined) return field
  throw unknownField(heading, (name) => `${source} has an unknown column ${name}`)
}

function unknownField(written: string, describe: (name: string) => string): XmppkiError {
  if (/pass(word|phrase)|secret/i.test(written)) {
    return new XmppkiError('BAD_INPUT', `${describe(JSON.stringify(written))}: passwords are not taken from lists`, {
      hint: 'every user gets a generated one; --passwords FILE writes them all to a new file',
    })
  }
  const meant = didYouMean(written.trim().toLowerCase(), [...FIELDS, ...Object.keys(ALIASES)])
  return new XmppkiError('BAD_INPUT', describe(JSON.stringify(written)), {
    hint: meant === undefined ? `there are: ${FIELDS.join(', ')}` : `did you mean '${meant}'?`,
  })
}

function readJsonLines(text: string): ListRow[] {
  return text.split(/\r\n|\n|\r/).flatMap((raw, index) => (raw.trim() === '' ? [] : [readObject(raw, index + 1)]))
}

function readObject(text: string, line: number): ListRow {
  const bad = (problem: string) => ({ line, problem: new XmppkiError('BAD_INPUT', problem) })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return bad('this is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad('this is not a JSON object')
  const fields = new Map<Field, string>()
  for (const [key, given] of Object.entries(value)) {
    const field = fieldOf(key)
    if (field === undefined) return { line, problem: unknownField(key, (name) => `unknown key ${name}`) }
    if (fields.has(field)) return bad(`two values for the ${field}`)
    if (typeof given !== 'string' && typeof given !== 'number') return bad(`the ${field} must be a string`)
    fields.set(field, String(given))
  }
  return rowOf(line, fields)
}

function rowOf(line: number, values: ReadonlyMap<Field, string>): ListRow {
  const given = [...values].filter(([, value]) => value.trim() !== '')
  const { name, ...rest }: Partial<Record<Field, string>> = Object.fromEntries(given)
  if (name === undefined) return { line, problem: new XmppkiError('BAD_INPUT', 'there is no name') }
  return { line, fields: { ...rest, name } }
}
