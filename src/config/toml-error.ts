import type { ParseError } from 'toml-eslint-parser'

/** In a document, from 1; columns are UTF-16 code units. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** What is wrong with a TOML document, and where. */
export class TomlError extends Error {
  override readonly name = 'TomlError'
  /** Undefined when it is not known. */
  readonly place: Place | undefined

  constructor(reason: string, place: Place | undefined, cause?: unknown) {
    super(reason, { cause })
    this.place = place
  }
}

/** The parser tells its errors apart by their messages alone. `$` is what stands at the place, or the key. */
const REASONS: readonly (readonly [theirs: RegExp, reason: string])[] = [
  [/^Unterminated string/, 'the string has no closing quote'],
  [/^Unterminated table-key/, 'expected ] after the name of the table, not $'],
  [/^Unterminated array/, 'the array has no closing ]'],
  [/^Unterminated inline table/, 'the inline table has no closing }'],
  [/^Empty bare keys/, 'the table has no name'],
  [/^Must be a newline/, 'expected the end of the line, not $'],
  [/^Expected equal/, 'expected = after the key, not $'],
  [/^Unspecified values/, 'expected a value, not $'],
  [/^Expected comma/, 'expected a comma or the closing bracket, not $'],
  [/^Defining a key multiple times/, '$ is defined twice'],
  [/^Unexpected (character|token)/, 'unexpected $'],
  [/^Control characters|within comments$/, 'the control character $ is not allowed here'],
  [/^Invalid code point/, 'the escape names no Unicode character'],
  [/same line$/, 'a key with its value, or the name of a table, must be on one line'],
  [/^Underscores/, 'an underscore must be between two digits'],
  [/^Unexpected spaces/, 'double brackets must not have spaces between them'],
  [/^Three or more quotes/, 'the string has too many quotes at its end'],
  [/invalid date$/, 'there is no such date'],
  [/invalid time$/, 'there is no such time'],
  [/^Leading zeros/, 'a number must not have leading zeros'],
  [/in escape sequence$/, 'there is no such escape; a backslash is written \\\\'],
  [/^Consecutive dots/, 'the key has two dots in a row'],
  [/^Keys cannot end/, 'the key ends with a dot'],
  [/^Keys cannot start/, 'the key starts with a dot'],
]

/** How far around a place a word is looked for. */
const WORD_LENGTH = 80

/** An error of the parser in our words; a value may be a secret, so nothing of one is repeated. */
export function errorOf(error: ParseError, document: string): TomlError {
  const { index, lineNumber: line, column, message } = error
  const reason = REASONS.find(([theirs]) => theirs.test(message))?.[1] ?? message
  const before = document.slice(Math.max(0, index - WORD_LENGTH), index)
  const value = /^(?:unexpected|expected the end)/.test(reason) ? /=\s*(?:\[\s*)?([\w.:+-]*)$/.exec(before) : null
  if (value === null) {
    const found = reason.startsWith('$') ? keyAt(document, index) : foundAt(document, index)
    const said = reason.replace('$', () => found).replace('unexpected the', 'unexpected')
    return new TomlError(said, { line, column: column + 1 }, error)
  }
  // The parser has stopped at the first character that it cannot take, perhaps in the middle of a word.
  const [, begun = ''] = value
  const start = index - begun.length
  const found = foundAt(document, start)
  const isWord = /^[A-Za-z]/.test(document.slice(start, start + 1))
  const said =
    found === TEXT ? `expected a value${isWord ? ': strings need quotes' : ''}` : `expected a value, not ${found}`
  return new TomlError(said, { line, column: column + 1 - begun.length }, error)
}

/** @param index of a character of the document */
export function placeOf(document: string, index: number): Place {
  const before = document.slice(0, index)
  return { line: before.split('\n').length, column: index - before.lastIndexOf('\n') }
}

/** Whatever may be a value, or a part of one. */
const TEXT = 'text'

/** What is at this place, as people are told: a character in quotes, an invisible one by its code point. */
function foundAt(document: string, index: number): string {
  const [found] = /^(?:[\w.+-]|\r?\n|.)/su.exec(document.slice(index, index + 2)) ?? []
  if (found === undefined) return 'the end of the file'
  if (/^\r?\n$/.test(found)) return 'the end of the line'
  if (/^\p{C}/u.test(found)) return `U+${found.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}`
  return /^[\p{L}\p{N}_.+"'-]/u.test(found) ? TEXT : JSON.stringify(found)
}

/** The key at this place. */
function keyAt(document: string, index: number): string {
  const [found = ''] = /^(?:"[^"\p{C}]*"|'[^'\p{C}]*'|[\w-]+)/u.exec(document.slice(index, index + WORD_LENGTH)) ?? []
  return /^["']/.test(found) ? found : JSON.stringify(found)
}
