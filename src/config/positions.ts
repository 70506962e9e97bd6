/** Key path as it is shown, e.g. `listen.c2s[1].tls.mode`, and the line it is on, from 1. */
export type Positions = ReadonlyMap<string, number>

/**
 * The lines of all keys and tables of a TOML document, which the parser does not tell. The document must be valid:
 * what is not is read somehow, to the end.
 */
export function keyPositions(document: string): Positions {
  return new Scanner(document).scan()
}

const BARE_KEY = /[A-Za-z0-9_-]+/y
const BLANK = /[ \t]*/y
const BLANK_AND_LINES = /(?:[ \t\r\n]|#[^\n]*)*/y
const SCALAR = /[^,\]}\s#]*(?: [0-9][^,\]}\s#]*)?/y
const STRINGS = [/"""(?:[^\\]|\\[\s\S])*?"""+/y, /'''[\s\S]*?'''+/y, /"(?:[^"\\\n]|\\.)*"/y, /'[^'\n]*'/y] as const

class Scanner {
  readonly #text: string
  readonly #lines = new Map<string, number>()
  /** How many tables each array of tables has. */
  readonly #counts = new Map<string, number>()
  #at = 0
  #line = 1

  constructor(text: string) {
    this.#text = text
  }

  scan(): Positions {
    let table = ''
    this.#take(BLANK_AND_LINES)
    while (this.#at < this.#text.length) {
      const before = this.#at
      if (this.#peek() === '[') table = this.#header()
      else this.#pair(table)
      this.#take(BLANK_AND_LINES)
      if (this.#at === before) this.#skip(1)
    }
    return this.#lines
  }

  /** `[a.b]` or `[[a.b]]`; answers the path of the table. */
  #header(): string {
    const isArray = this.#text.startsWith('[[', this.#at)
    this.#skip(isArray ? 2 : 1)
    const line = this.#line
    const keys = this.#dottedKey()
    this.#skip(isArray ? 2 : 1)
    let path = ''
    for (const [index, key] of keys.entries()) {
      path = join(path, key)
      const isLast = index === keys.length - 1
      if (isLast && isArray) this.#counts.set(path, (this.#counts.get(path) ?? 0) + 1)
      const count = this.#counts.get(path)
      if (count !== undefined) path = `${path}[${count - 1}]`
    }
    this.#lines.set(path, line)
    return path
  }

  #pair(table: string): void {
    const line = this.#line
    let path = table
    for (const key of this.#dottedKey()) {
      path = join(path, key)
      if (!this.#lines.has(path)) this.#lines.set(path, line)
    }
    if (this.#peek() === '=') this.#skip(1)
    this.#take(BLANK)
    this.#value(path)
  }

  #dottedKey(): string[] {
    const keys: string[] = []
    for (;;) {
      this.#take(BLANK)
      const word = this.#take(BARE_KEY) || this.#string()
      keys.push(/^["']/.test(word) ? unquoted(word) : word)
      this.#take(BLANK)
      if (this.#peek() !== '.') return keys
      this.#skip(1)
    }
  }

  #value(path: string): void {
    const first = this.#peek()
    if (first === '{') this.#list('}', () => this.#pair(path))
    else if (first === '[') this.#list(']', (index) => this.#item(`${path}[${index}]`))
    else if (this.#string() === '') this.#take(SCALAR)
  }

  #item(path: string): void {
    this.#lines.set(path, this.#line)
    this.#value(path)
  }

  #list(end: string, element: (index: number) => void): void {
    this.#skip(1)
    for (let index = 0; ; index++) {
      this.#take(BLANK_AND_LINES)
      if (this.#peek() === end || this.#at >= this.#text.length) break
      const before = this.#at
      element(index)
      this.#take(BLANK_AND_LINES)
      if (this.#peek() === ',' || this.#at === before) this.#skip(1)
    }
    this.#skip(1)
  }

  #string(): string {
    for (const pattern of STRINGS) {
      const found = this.#take(pattern)
      if (found !== '') return found
    }
    return ''
  }

  #peek(): string {
    return this.#text[this.#at] ?? ''
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#skip(found.length)
    return found
  }

  #skip(length: number): void {
    for (const end = this.#at + length; this.#at < end; this.#at++) if (this.#peek() === '\n') this.#line++
  }
}

/** The path of a key in a table, as it is shown. */
export function join(table: string, key: string): string {
  const word = /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key)
  return table === '' ? word : `${table}.${word}`
}

/** A key in quotes; one with escapes that JSON does not have (`\U`) stays as it is: only its line is lost. */
function unquoted(word: string): string {
  if (word.startsWith("'")) return word.slice(1, -1)
  try {
    return String(JSON.parse(word))
  } catch {
    return word.slice(1, -1)
  }
}
