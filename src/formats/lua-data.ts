import { XmppkiError } from '../errors.ts'
import { LineIndex } from './line-index.ts'
import { decodeUtf8 } from './utf8.ts'

/** What Lua writes data with; nil is undefined, the keys of a table are texts and numbers. */
export type LuaValue = string | number | boolean | undefined | LuaTable
export type LuaTable = ReadonlyMap<string | number, LuaValue>

/** Files of accounts have one level, those of other stores a few. */
const MAX_DEPTH = 20

const BLANK = /(?:\s+|--(?!\[=*\[)[^\n]*)+/y
const WORD = /[A-Za-z_]\w*/y
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const MARK = /[{}[\]=,;]/y
const PLAIN = /[^"'\\\n]+/y
const DECIMAL = /\d{1,3}/y
const HEX = /x([0-9A-Fa-f]{2})/y
const SKIP = /z\s*/y

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
  '\n': '\n',
}

/**
 * The table that a file of the form `return { … }` gives (Lua reference manual §3.1, §3.4.9), read as data: only
 * literals stand for something, and nothing is ever executed.
 * @param source how the file is called in messages
 * @throws {XmppkiError} BAD_INPUT with file, line and column, for everything that is more than data too
 */
export function readLuaData(octets: Uint8Array, source: string): LuaTable {
  return new Reader(Buffer.from(octets).toString('latin1'), source).file()
}

/** Works on bytes, one in each character: so does Lua. */
class Reader {
  readonly #text: string
  readonly #source: string
  #at = 0

  constructor(text: string, source: string) {
    this.#text = text
    this.#source = source
  }

  file(): LuaTable {
    const start = this.#begin()
    if (this.#take(WORD) !== 'return') throw this.#fault('"return" and a table', start)
    const at = this.#begin()
    const value = this.#value(0)
    if (!(value instanceof Map)) throw this.#fault('a table', at)
    this.#skip(';')
    if (this.#begin() < this.#text.length) throw this.#fault('the end of the file')
    return value
  }

  #value(depth: number): LuaValue {
    const at = this.#begin()
    if (this.#skip('{')) return this.#table(depth + 1, at)
    const quote = this.#text[at]
    if (quote === '"' || quote === "'") return this.#string(quote)
    const number = this.#take(NUMBER)
    if (number !== undefined) return Number(number)
    const word = this.#take(WORD)
    if (word === 'true' || word === 'false') return word === 'true'
    if (word === 'nil') return undefined
    throw this.#fault('a value', at)
  }

  #table(depth: number, at: number): LuaTable {
    if (depth > MAX_DEPTH) throw this.#fault(`no more than ${MAX_DEPTH} tables in each other`, at)
    const table = new Map<string | number, LuaValue>()
    for (let next = 1; !this.#skip('}'); ) {
      const from = this.#begin()
      const key = this.#key() ?? next++
      if (table.has(key)) throw this.#fault('a key that is not there already', from)
      table.set(key, this.#value(depth))
      if (this.#skip(',') || this.#skip(';')) continue
      if (this.#skip('}')) break
      throw this.#fault("',', ';' or '}'")
    }
    return table
  }

  /** Undefined when there is none: the value has the next number. */
  #key(): string | number | undefined {
    const at = this.#begin()
    if (this.#skip('[')) {
      const key = this.#value(MAX_DEPTH)
      if (typeof key !== 'string' && typeof key !== 'number') throw this.#fault('a text or a number as key', at)
      if (!this.#skip(']')) throw this.#fault("']'")
      if (!this.#skip('=')) throw this.#fault("'='")
      return key
    }
    const name = this.#take(WORD)
    if (name !== undefined && this.#skip('=')) return name
    this.#at = at
    return undefined
  }

  #string(quote: string): string {
    const start = this.#at++
    const parts: string[] = []
    for (;;) {
      parts.push(this.#take(PLAIN) ?? '')
      const character = this.#text[this.#at++]
      if (character === quote) return this.#utf8(parts.join(''), start)
      if (character === undefined || character === '\n') throw this.#fault('the end of this string', start)
      parts.push(character === '\\' ? this.#escape() : character)
    }
  }

  #escape(): string {
    const at = this.#at - 1
    const decimal = this.#take(DECIMAL)
    if (decimal !== undefined) {
      if (Number(decimal) > 255) throw this.#fault('a byte', at)
      return String.fromCharCode(Number(decimal))
    }
    const hex = this.#take(HEX)
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex.slice(1), 16))
    if (this.#take(SKIP) !== undefined) return ''
    const meant = ESCAPES[this.#text[this.#at++] ?? '']
    if (meant === undefined) throw this.#fault('an escape that Lua knows', at)
    return meant
  }

  #utf8(bytes: string, at: number): string {
    return decodeUtf8(Buffer.from(bytes, 'latin1'), `${this.#placeOf(at)}: the string`)
  }

  /** Leaves out what means nothing, and answers where it goes on. */
  #begin(): number {
    this.#take(BLANK)
    return this.#at
  }

  #skip(mark: string): boolean {
    const at = this.#begin()
    if (this.#take(MARK) === mark) return true
    this.#at = at
    return false
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const [found] = pattern.exec(this.#text) ?? []
    this.#at += found?.length ?? 0
    return found
  }

  #placeOf(at: number): string {
    const { line, column } = new LineIndex(this.#text).locate(at)
    return `${this.#source}:${line}:${column}`
  }

  /** What is there instead may be a secret and stays out of the message. */
  #fault(wanted: string, at = this.#at): XmppkiError {
    return new XmppkiError('BAD_INPUT', `${this.#placeOf(at)}: expected ${wanted}`, {
      hint: 'only data is read here: tables, strings, numbers, true, false and nil',
    })
  }
}
