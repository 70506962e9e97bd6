import { XmppkiError } from '../errors.ts'

/** One row of a table: its values by column, without those that are NULL. */
export interface CopiedRow {
  /** Line of the dump, from 1. */
  readonly line: number
  /** Undefined when the row has more or fewer values than the table has columns. */
  readonly values: ReadonlyMap<string, string> | undefined
}

const COPY = /^COPY ((?:"(?:[^"]|"")+"|[^\s."]+)(?:\.(?:"(?:[^"]|"")+"|[^\s."]+))?) \((.*)\) FROM stdin;$/i
const NAME = /"((?:[^"]|"")+)"|([^\s.,"]+)/g
const END = '\\.'
const NULL = '\\N'

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** Whether this line of a dump begins the rows of a table. */
export function isCopyStatement(line: string): boolean {
  return COPY.test(line)
}

/** Where a dump is, line by line. */
type State = { readonly columns: readonly string[]; readonly isWanted: boolean } | undefined

/**
 * The rows of one table in a dump of PostgreSQL, as pg_dump writes them: `COPY users (…) FROM stdin;`, then one line for
 * each row in the text format (PostgreSQL manual, COPY, "File Formats"), up to `\.`. Rows of other tables are skipped,
 * whatever stands in them.
 * @param table without its schema
 * @param source how the dump is called in messages
 * @throws {XmppkiError} BAD_INPUT when the table is not in the dump, its rows have no end, or the dump has INSERT
 * statements: what users have written can look like a statement there
 */
export function readCopiedRows(text: string, table: string, source: string): CopiedRow[] {
  const rows: CopiedRow[] = []
  let state: State
  let isFound = false
  let number = 0
  for (const raw of text.split('\n')) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw
    number++
    if (state === undefined) {
      if (/^INSERT\s/i.test(line)) throw withInserts(`${source}:${number}`)
      state = stateAfter(line, table)
      isFound ||= state?.isWanted === true
    } else if (line === END) state = undefined
    else if (state.isWanted) rows.push({ line: number, values: valuesOf(line, state.columns) })
  }
  if (state !== undefined) throw new XmppkiError('BAD_INPUT', `${source} ends in the middle of a table`)
  if (isFound) return rows
  throw new XmppkiError('BAD_INPUT', `there are no rows of a table '${table}' in ${source}`, {
    hint: `make it with: pg_dump --data-only --table ${table} DATABASE`,
  })
}

function withInserts(place: string): XmppkiError {
  return new XmppkiError('BAD_INPUT', `${place}: the dump has INSERT statements, and only COPY is read`, {
    hint: 'make it with pg_dump, without --inserts and --column-inserts',
  })
}

/** Undefined outside of rows. */
function stateAfter(line: string, table: string): State {
  const [, name, columns = ''] = COPY.exec(line) ?? []
  return name === undefined ? undefined : { columns: namesIn(columns), isWanted: namesIn(name).at(-1) === table }
}

function namesIn(text: string): string[] {
  return [...text.matchAll(NAME)].map(([, quoted, bare = '']) => quoted?.replaceAll('""', '"') ?? bare)
}

function valuesOf(line: string, columns: readonly string[]): ReadonlyMap<string, string> | undefined {
  const cells = line.split('\t')
  if (cells.length !== columns.length) return undefined
  return new Map(
    cells.flatMap((cell, index) => (cell === NULL ? [] : [[columns[index] ?? '', unescaped(cell)] as const])),
  )
}

/** pg_dump writes bytes as they are, so numbers for bytes are those of ASCII. */
function unescaped(cell: string): string {
  return cell.replace(/\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(.))/g, (_all, octal, hex, character) => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    return ESCAPES[character] ?? character
  })
}
