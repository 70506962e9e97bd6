import { XmppkiError } from '../errors.ts'
import { LineIndex } from './line-index.ts'

/** One lexical element of a file of Erlang terms; `at` is its offset in the text. */
export type Token =
  | { readonly kind: 'mark'; readonly text: string; readonly at: number }
  | { readonly kind: 'atom' | 'text'; readonly text: string; readonly at: number }
  | { readonly kind: 'number'; readonly value: number; readonly at: number }
  /** The dot behind a term. */
  | { readonly kind: 'stop'; readonly at: number }
  | { readonly kind: 'end'; readonly at: number }

const SPACE = /\s+/y
const COMMENT = /%[^\n]*/y
const ATOM = /\p{Ll}[\p{L}\p{N}_@]*/uy
const VARIABLE = /[\p{Lu}_][\p{L}\p{N}_@]*/uy
const STOP = /\.(?=\s|%|$)/y
const MARK = /<<|>>|=>|#\{|[{}[\],/]/y
const BASED = /[+-]?(\d{1,2})#([0-9A-Za-z_]+)/y
const NUMBER = /[+-]?\d[\d_]*(?:\.\d[\d_]*(?:[eE][+-]?\d+)?)?/y
const OCTAL = /[0-7]{1,3}/y
const HEX = /\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2})/y

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  d: '\u007f',
  e: '\u001b',
  f: '\f',
  n: '\n',
  r: '\r',
  s: ' ',
  t: '\t',
  v: '\v',
}

/** Splits a text as the Erlang reference manual, chapter "Data Types", writes terms. */
export class ErlangScanner {
  readonly #text: string
  readonly #source: string
  #lines: LineIndex | undefined
  #at: number

  /** @param source how the file is called in messages */
  constructor(text: string, source: string) {
    this.#text = text
    this.#source = source
    this.#at = text.startsWith('\uFEFF') ? 1 : 0
  }

  /** @throws {XmppkiError} BAD_INPUT with file, line and column */
  next(): Token {
    while (this.#take(SPACE) !== undefined || this.#take(COMMENT) !== undefined);
    const at = this.#at
    if (at >= this.#text.length) return { kind: 'end', at }
    if (this.#take(STOP) !== undefined) return { kind: 'stop', at }
    const mark = this.#take(MARK)
    if (mark !== undefined) return { kind: 'mark', text: mark[0], at }
    const atom = this.#take(ATOM)
    if (atom !== undefined) return { kind: 'atom', text: atom[0], at }
    return this.#quoted(at) ?? this.#number(at) ?? this.#stranger(at)
  }

  /** File, line and column of an offset, both from 1. */
  placeOf(at: number): string {
    this.#lines ??= new LineIndex(this.#text)
    const { line, column } = this.#lines.locate(at)
    return `${this.#source}:${line}:${column}`
  }

  fault(at: number, message: string, hint?: string): XmppkiError {
    const details = hint === undefined ? {} : { hint }
    return new XmppkiError('BAD_INPUT', `${this.placeOf(at)}: ${message}`, details)
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found === null) return undefined
    this.#at = pattern.lastIndex
    return found
  }

  #quoted(at: number): Token | undefined {
    const quote = this.#text[at]
    if (quote !== '"' && quote !== "'") return undefined
    this.#at++
    const parts: string[] = []
    for (;;) {
      const character = this.#character(at)
      if (character === quote) return { kind: quote === '"' ? 'text' : 'atom', text: parts.join(''), at }
      parts.push(character === '\\' ? this.#escape() : character)
    }
  }

  #character(start: number): string {
    const code = this.#text.codePointAt(this.#at)
    if (code === undefined) throw this.fault(start, 'what is quoted here has no end')
    const character = String.fromCodePoint(code)
    this.#at += character.length
    return character
  }

  /** What follows a backslash. */
  #escape(): string {
    const at = this.#at - 1
    const octal = this.#take(OCTAL)
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal[0], 8))
    const character = this.#character(at)
    if (character === 'x') return this.#hex(at)
    if (character === '^') return String.fromCodePoint(this.#character(at).charCodeAt(0) & 0x1f)
    return ESCAPES[character] ?? character
  }

  #hex(at: number): string {
    const [, long, short] = this.#take(HEX) ?? []
    const code = Number.parseInt(long ?? short ?? '', 16)
    const isSurrogate = code >= 0xd800 && code <= 0xdfff
    if (code <= 0x10ffff && !isSurrogate) return String.fromCodePoint(code)
    throw this.fault(at, 'this is not a character: write \\xHH or \\x{H…}')
  }

  #number(at: number): Token | undefined {
    if (this.#text[at] === '$') return this.#characterCode(at)
    const based = this.#take(BASED)
    if (based !== undefined) return { kind: 'number', value: this.#basedValue(at, based), at }
    const plain = this.#take(NUMBER)
    return plain === undefined ? undefined : { kind: 'number', value: Number(plain[0].replaceAll('_', '')), at }
  }

  #characterCode(at: number): Token {
    this.#at++
    const character = this.#character(at)
    const meant = character === '\\' ? this.#escape() : character
    return { kind: 'number', value: meant.codePointAt(0) ?? 0, at }
  }

  #basedValue(at: number, [whole, base, digits = '']: RegExpExecArray): number {
    const radix = Number(base)
    const plain = digits.replaceAll('_', '').toLowerCase()
    const isGood = radix >= 2 && radix <= 36 && [...plain].every((digit) => Number.parseInt(digit, 36) < radix)
    if (!isGood || plain === '') throw this.fault(at, `${whole} is not a number`)
    return Number.parseInt(plain, radix) * (whole.startsWith('-') ? -1 : 1)
  }

  #stranger(at: number): never {
    if (this.#text.startsWith('(...)', at)) {
      throw this.fault(at, '"(...)" stands for what an example leaves out', 'remove it, and the comma that is left')
    }
    const variable = this.#take(VARIABLE)
    if (variable !== undefined) {
      throw this.fault(at, `${variable[0]} is a variable, which has no value here`, `quote it: '${variable[0]}'`)
    }
    throw this.fault(at, `${JSON.stringify(this.#character(at))} is not expected here`)
  }
}
