import { XmppkiError } from '../errors.ts'

/** What a placeholder stands for; a number needs no quotes in any language. */
export type Value = string | number

type Quote = (text: string) => string

const asIs: Quote = (text) => text

/** JSON's escapes mean the same in Python, C and C++ once there are no control characters. */
const doubleQuoted: Quote = (text) => JSON.stringify(text)

/** What means nothing to a shell needs no quotes. */
function shellWord(text: string): string {
  return /^[\w@%+:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** How a text is written in a language, so that it means itself and nothing else. */
const QUOTES: Readonly<Record<string, Quote>> = {
  ini: asIs,
  text: asIs,
  c: doubleQuoted,
  cpp: doubleQuoted,
  python: doubleQuoted,
  sh: shellWord,
  tcl: (text) => `"${text.replace(/[\\"$[\]]/g, '\\$&')}"`,
}

/**
 * A value as the language of a code block writes it.
 * @throws {XmppkiError} BAD_INPUT for control characters, which could begin a line of their own; INTERNAL for a language
 * that is not known
 */
export function literal(value: Value, language: string): string {
  if (typeof value === 'number') return String(value)
  return quoteOf(language)(checkPrintable(value))
}

/** @throws {XmppkiError} BAD_INPUT */
export function checkPrintable(text: string): string {
  if (!/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)) return text
  throw new XmppkiError('BAD_INPUT', `${JSON.stringify(text)} has control characters, which settings cannot carry`, {
    hint: 'use a folder with another name',
  })
}

function quoteOf(language: string): Quote {
  const quote = QUOTES[language]
  if (quote === undefined) throw new XmppkiError('INTERNAL', `nobody knows how to quote in '${language}'`)
  return quote
}
