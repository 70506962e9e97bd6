import { XmppkiError } from '../../errors.ts'
import type { Term } from '../../formats/erlang-reader.ts'
import { type Options, printable } from './foreign-options.ts'

/** A term as a value of JavaScript: text for atoms, strings and binaries, arrays for lists and tuples. */
export function plain(term: Term): unknown {
  switch (term.kind) {
    case 'atom':
      return term.text === 'true' || term.text === 'false' ? term.text === 'true' : term.text
    case 'text':
      return term.text
    case 'number':
      return term.value
    case 'map':
      return Object.fromEntries(term.entries.map(([key, value]) => [String(plain(key)), plain(value)]))
    default:
      return term.items.map(plain)
  }
}

/**
 * A property list as a table: `[starttls, {certfile, "a.pem"}]` is `{ starttls: true, certfile: 'a.pem' }`.
 * @throws {XmppkiError} BAD_INPUT when it is none, or an option is there twice: which one counts depends on the reader
 */
export function proplist(raw: unknown, place: string): Options {
  if (!Array.isArray(raw)) throw new XmppkiError('BAD_INPUT', `${place}: the options must be a list`)
  const options = new Map<string, unknown>()
  for (const item of raw) {
    const [name, ...values]: unknown[] = Array.isArray(item) ? item : [item, true]
    if (typeof name !== 'string') throw new XmppkiError('BAD_INPUT', `${place}: expected {option, Value} or an atom`)
    if (options.has(name)) throw new XmppkiError('BAD_INPUT', `${place}: ${printable(name)} is there twice`)
    options.set(name, values.length === 1 ? values[0] : values)
  }
  return Object.fromEntries(options)
}
