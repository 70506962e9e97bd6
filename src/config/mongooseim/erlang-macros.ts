import { XmppkiError } from '../../errors.ts'
import type { ErlangFile, Term } from '../../formats/erlang-reader.ts'

/** Macros are atoms in capitals. */
const NAME = /^[A-Z][A-Z0-9_]*$/

/**
 * Puts the values of `{define_macro, 'NAME', Value}` in the place of `'NAME'` and `{use_macro, 'NAME', Default}`, and
 * leaves the definitions out.
 * @throws {XmppkiError} BAD_INPUT when a macro is not defined
 */
export function expandMacros(file: ErlangFile): ErlangFile {
  const macros = new Map<string, Term>()
  const others = file.terms.filter((term) => {
    const [head, name, value] = term.kind === 'tuple' ? term.items : []
    if (head?.kind !== 'atom' || head.text !== 'define_macro') return true
    if (name?.kind !== 'atom' || value === undefined) {
      throw new XmppkiError('BAD_INPUT', `${file.placeOf(term.at)}: expected {define_macro, 'NAME', Value}`)
    }
    macros.set(name.text, value)
    return false
  })
  const expander = new Expander(macros, file)
  return { ...file, terms: others.map((term) => expander.expand(term)) }
}

class Expander {
  readonly #macros: ReadonlyMap<string, Term>
  readonly #file: ErlangFile

  constructor(macros: ReadonlyMap<string, Term>, file: ErlangFile) {
    this.#macros = macros
    this.#file = file
  }

  /** Values of macros are not looked into again: a macro cannot contain itself. */
  expand(term: Term): Term {
    switch (term.kind) {
      case 'atom':
        return NAME.test(term.text) ? this.#valueOf(term.text, term.at) : term
      case 'tuple':
        return this.#use(term.items, term.at) ?? { ...term, items: term.items.map((item) => this.expand(item)) }
      case 'list':
        return { ...term, items: term.items.map((item) => this.expand(item)) }
      default:
        return term
    }
  }

  #use([head, name, fallback]: readonly Term[], at: number): Term | undefined {
    if (head?.kind !== 'atom' || head.text !== 'use_macro' || name?.kind !== 'atom') return undefined
    return this.#valueOf(name.text, at, fallback)
  }

  #valueOf(name: string, at: number, fallback?: Term): Term {
    const value = this.#macros.get(name) ?? fallback
    if (value !== undefined) return value
    const hint = `add {define_macro, '${name}', Value}. to the file`
    throw new XmppkiError('BAD_INPUT', `${this.#file.placeOf(at)}: the macro ${name} is not defined`, { hint })
  }
}
