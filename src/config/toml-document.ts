import { type AST, ParseError, parseTOML } from 'toml-eslint-parser'
import { XmppkiError } from '../errors.ts'
import { join } from './key-path.ts'
import { errorOf, type Place, placeOf, TomlError } from './toml-error.ts'
import type { Table } from './walk.ts'

export interface TomlDocument {
  /** Without prototypes, so that every key is only a key; integers are safe ones, dates of all kinds are a `Date`. */
  readonly values: Table
  /** The lines of keys, array items and heads of tables, from 1, by their paths, e.g. `listen.c2s[1].tls.mode`. */
  readonly lines: ReadonlyMap<string, number>
}

interface TomlContext {
  /** How the document is called in messages. */
  readonly source: string
  /** What to do when it is not TOML. */
  readonly hint: string
}

/** Far more than a configuration has, and far less than what exhausts the stack. */
const MAX_DEPTH = 100

/** A longer path has no line: a long name would otherwise be copied for every key below it. */
const MAX_PATH_LENGTH = 1_000

/**
 * Reads a TOML document, of 1.1 or before. A byte order mark at its start is passed over.
 * @throws {XmppkiError} BAD_INPUT naming line and column; also for integers that a double cannot hold, for values with more than
 * about 100,000 characters, and for what is nested more than 100 deep
 */
export function parseToml(text: string, { source, hint }: TomlContext): TomlDocument {
  try {
    const reader = new DocumentReader()
    reader.read(parsed(text.replace(/^\uFEFF/, '')))
    return reader
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const { place, message } = error
    const where = place === undefined ? source : `${source}:${place.line}:${place.column}`
    throw new XmppkiError('BAD_INPUT', `${where}: ${message}`, { hint, cause: error })
  }
}

function parsed(document: string): AST.TOMLProgram {
  // The parser takes a lone carriage return for the end of a line, where a reader of the file may see none.
  const alone = /\r(?!\n)/.exec(document)
  if (alone) throw new TomlError('a carriage return must be followed by a line feed', placeOf(document, alone.index))
  try {
    return parseTOML(document, { tomlVersion: '1.1' })
  } catch (error) {
    if (error instanceof ParseError) throw errorOf(error, document)
    if (!isOverflow(error)) throw error
    throw new TomlError('a value is too long, or nested too deeply', undefined, error)
  }
}

/** The parser closes brackets recursively and passes each character of a value as an argument; it does not say where. */
function isOverflow(error: unknown): boolean {
  return error instanceof RangeError && /call stack/.test(error.message)
}

/** Where a value belongs. */
interface Position {
  readonly path: string
  /** How many keys and array items lead to it. */
  readonly depth: number
}

class DocumentReader implements TomlDocument {
  readonly values = emptyTable()
  readonly lines = new Map<string, number>()

  read({ body: [top] }: AST.TOMLProgram): void {
    for (const node of top.body) {
      if (node.type === 'TOMLTable') this.#table(node)
      else this.#pair(node, this.values, { path: '', depth: 0 })
    }
  }

  #table({ resolvedKey, body, loc }: AST.TOMLTable): void {
    const depth = resolvedKey.length
    if (depth > MAX_DEPTH) throw tooDeep(loc)
    let table = this.values
    let path = ''
    for (const [at, key] of resolvedKey.entries()) {
      // The index into an array of tables was taken with its key.
      if (typeof key === 'number') continue
      const index = resolvedKey[at + 1]
      path = join(path, key)
      if (typeof index === 'number') {
        table = itemOf(table, key, index)
        path = `${path}[${index}]`
      } else table = tableOf(table, key)
    }
    this.#found(path, loc)
    for (const pair of body) this.#pair(pair, table, { path, depth })
  }

  #pair({ key, value, loc }: AST.TOMLKeyValue, into: Table, { path, depth }: Position): void {
    if (depth + key.keys.length > MAX_DEPTH) throw tooDeep(loc)
    let table = into
    let keyPath = path
    for (const [index, part] of key.keys.entries()) {
      const name = part.type === 'TOMLBare' ? part.name : part.value
      keyPath = join(keyPath, name)
      this.#found(keyPath, loc)
      if (index < key.keys.length - 1) table = tableOf(table, name)
      else table[name] = this.#value(value, { path: keyPath, depth: depth + key.keys.length })
    }
  }

  #value(node: AST.TOMLContentNode, { path, depth }: Position): unknown {
    switch (node.type) {
      case 'TOMLArray':
        return node.elements.map((item, index) => this.#item(item, { path: `${path}[${index}]`, depth: depth + 1 }))
      case 'TOMLInlineTable': {
        const table = emptyTable()
        for (const pair of node.body) this.#pair(pair, table, { path, depth })
        return table
      }
      case 'TOMLValue':
        return scalar(node)
    }
  }

  #item(node: AST.TOMLContentNode, position: Position): unknown {
    if (position.depth > MAX_DEPTH) throw tooDeep(node.loc)
    this.#found(position.path, node.loc)
    return this.#value(node, position)
  }

  /** The first line of a path that several have. */
  #found(path: string, { start }: AST.SourceLocation): void {
    if (path.length <= MAX_PATH_LENGTH && !this.lines.has(path)) this.lines.set(path, start.line)
  }
}

function emptyTable(): Table {
  return Object.create(null)
}

/** The table under this key, made if there is none; the parser has seen to it that nothing else is there. */
function tableOf(table: Table, key: string): Table {
  table[key] ??= emptyTable()
  return table[key] as Table
}

/** As `tableOf`, in an array of tables. */
function itemOf(table: Table, key: string, index: number): Table {
  table[key] ??= []
  const items = table[key] as Table[]
  const item = items[index] ?? emptyTable()
  items[index] = item
  return item
}

function scalar(node: AST.TOMLValue): unknown {
  if (node.kind === 'integer' && !Number.isSafeInteger(node.value)) {
    const most = Number.MAX_SAFE_INTEGER
    throw new TomlError(`an integer must be between -${most} and ${most}`, placeIn(node.loc))
  }
  return node.value
}

function tooDeep(loc: AST.SourceLocation): TomlError {
  return new TomlError(`tables and arrays are more than ${MAX_DEPTH} deep`, placeIn(loc))
}

function placeIn({ start: { line, column } }: AST.SourceLocation): Place {
  return { line, column: column + 1 }
}
