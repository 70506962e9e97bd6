import { ErlangScanner, type Token } from './erlang-scanner.ts'

/** A term of Erlang; strings and binaries are both text. `at` is its offset in the file. */
export type Term = Value & { readonly at: number }

type Value =
  | { readonly kind: 'atom' | 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'list' | 'tuple'; readonly items: readonly Term[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [key: Term, value: Term])[] }

/** Real configurations have about ten levels. */
const MAX_DEPTH = 100

export interface ErlangFile {
  readonly terms: readonly Term[]
  /** File, line and column of an offset. */
  readonly placeOf: (at: number) => string
}

/**
 * Reads the terms of a file as Erlang's `file:consult/1` does: each ends with a dot.
 * @param source how the file is called in messages
 * @throws {XmppkiError} BAD_INPUT with file, line and column
 */
export function readErlangTerms(text: string, source: string): ErlangFile {
  const scanner = new ErlangScanner(text, source)
  return { terms: new Reader(scanner).terms(), placeOf: (at) => scanner.placeOf(at) }
}

class Reader {
  readonly #scanner: ErlangScanner
  #token: Token
  #depth = 0

  constructor(scanner: ErlangScanner) {
    this.#scanner = scanner
    this.#token = scanner.next()
  }

  terms(): Term[] {
    const terms: Term[] = []
    while (this.#token.kind !== 'end') {
      terms.push(this.#term())
      if (this.#token.kind !== 'stop') throw this.#unexpected('a dot after the term')
      this.#advance()
    }
    return terms
  }

  #advance(): Token {
    const token = this.#token
    this.#token = this.#scanner.next()
    return token
  }

  #term(): Term {
    const token = this.#advance()
    const { at } = token
    switch (token.kind) {
      case 'atom':
        return { kind: 'atom', text: token.text, at }
      case 'number':
        return { kind: 'number', value: token.value, at }
      case 'text':
        return { kind: 'text', text: this.#joined(token.text), at }
      case 'mark':
        return { ...this.#compound(token), at }
      default:
        throw this.#unexpected('a term', token)
    }
  }

  /** Strings side by side are one. */
  #joined(first: string): string {
    const parts = [first]
    while (this.#token.kind === 'text') {
      parts.push(this.#token.text)
      this.#advance()
    }
    return parts.join('')
  }

  #compound(open: Token & { readonly kind: 'mark' }): Value {
    if (++this.#depth > MAX_DEPTH) throw this.#scanner.fault(open.at, `terms are nested more than ${MAX_DEPTH} deep`)
    const value = this.#inside(open)
    this.#depth--
    return value
  }

  #inside(open: Token & { readonly kind: 'mark' }): Value {
    switch (open.text) {
      case '{':
        return { kind: 'tuple', items: this.#sequence('}', () => this.#term()) }
      case '[':
        return { kind: 'list', items: this.#sequence(']', () => this.#term()) }
      case '#{':
        return { kind: 'map', entries: this.#sequence('}', () => this.#association()) }
      case '<<':
        return { kind: 'text', text: this.#sequence('>>', () => this.#segment()).join('') }
      default:
        throw this.#unexpected('a term', open)
    }
  }

  #sequence<T>(close: string, element: () => T): T[] {
    const elements: T[] = []
    if (this.#skip(close)) return elements
    for (;;) {
      elements.push(element())
      if (this.#skip(close)) return elements
      if (!this.#skip(',')) throw this.#unexpected(`',' or '${close}'`)
    }
  }

  #association(): readonly [Term, Term] {
    const key = this.#term()
    if (!this.#skip('=>')) throw this.#unexpected("'=>'")
    return [key, this.#term()]
  }

  /** A part of a binary: text or a byte, perhaps with a type (`/utf8`). */
  #segment(): string {
    const token = this.#advance()
    const text = this.#octets(token)
    if (this.#skip('/') && this.#advance().kind !== 'atom') throw this.#unexpected('the type of a segment')
    return text
  }

  #octets(token: Token): string {
    if (token.kind === 'text') return this.#joined(token.text)
    if (token.kind === 'number' && token.value >= 0 && token.value <= 255) return String.fromCharCode(token.value)
    throw this.#unexpected('text or a byte', token)
  }

  #skip(mark: string): boolean {
    const isThere = this.#token.kind === 'mark' && this.#token.text === mark
    if (isThere) this.#advance()
    return isThere
  }

  #unexpected(wanted: string, found: Token = this.#token) {
    return this.#scanner.fault(found.at, `expected ${wanted}, not ${describe(found)}`)
  }
}

/** The text of strings can be a secret, and what is quoted can be anything: both stay out of messages. */
function describe(token: Token): string {
  switch (token.kind) {
    case 'end':
      return 'the end of the file'
    case 'stop':
      return "'.'"
    case 'text':
      return 'a string'
    case 'number':
      return 'a number'
    case 'atom':
      return /^\w+$/.test(token.text) ? `'${token.text}'` : 'an atom'
    default:
      return `'${token.text}'`
  }
}
