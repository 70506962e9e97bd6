import { didYouMean } from '../did-you-mean.ts'
import type { Field, Group, Groups, Option, Shape } from './field.ts'
import { join } from './key-path.ts'
import { describeType } from './kinds.ts'
import type { Origin, Problem } from './origin.ts'
import { REPLACED_KEYS } from './schema.ts'

/** A table of a TOML document. */
export type Table = Record<string, unknown>

/** One effective value and where it comes from. */
export interface Setting {
  readonly key: string
  /** As it may be printed. */
  readonly value: unknown
  readonly origin: Origin
  /** Set when a part of the value is not for print. */
  readonly secret?: true
  /** Set when the value is the name of a file or several. */
  readonly file?: 'public' | 'secret'
}

export interface Walked {
  /** What `shape` describes, unless there are errors. */
  readonly values: unknown
  readonly settings: readonly Setting[]
  readonly problems: readonly Problem[]
}

interface WalkOptions {
  /** Of keys and tables, by their path. */
  readonly originOf: (key: string) => Origin | undefined
  /** Makes the name of a file absolute. */
  readonly resolvePath: (path: string) => string
}

export function isTable(raw: unknown): raw is Table {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw) && !(raw instanceof Date)
}

/** Checks a document against the schema, fills in defaults, and collects everything that is wrong. */
export function walk(shape: Shape, document: Table, options: WalkOptions): Walked {
  const walker = new Walker(shape, options)
  const values = walker.table(shape, document, '')
  return { values, settings: walker.settings, problems: walker.problems }
}

class Walker {
  readonly settings: Setting[] = []
  readonly problems: Problem[] = []
  readonly #root: Shape
  readonly #options: WalkOptions

  constructor(root: Shape, options: WalkOptions) {
    this.#root = root
    this.#options = options
  }

  table(shape: Shape, raw: Table, path: string): Record<string, unknown> {
    for (const key of Object.keys(raw)) if (!Object.hasOwn(shape, key)) this.#unknown(shape, path, key)
    const entries = Object.entries(shape).map(([key, field]) => {
      const value = Object.hasOwn(raw, key) ? raw[key] : undefined
      return [key, this.#field(field, value, { path: join(path, key), table: path })]
    })
    return Object.fromEntries(entries)
  }

  #field(field: Field, raw: unknown, place: Place): unknown {
    switch (field.kind) {
      case 'option':
        return this.#option(field, raw, place)
      case 'group':
        return this.#group(field, raw, place)
      case 'groups':
        return this.#groups(field, raw, place)
    }
  }

  #group({ fields, optional }: Group<Shape, boolean>, raw: unknown, { path }: Place): unknown {
    if (raw === undefined) return optional ? undefined : this.table(fields, {}, path)
    if (isTable(raw)) return this.table(fields, raw, path)
    this.#problem(path, `expected a table, not ${describeType(raw)}`, `write [${path}]`)
    return undefined
  }

  #groups({ fields }: Groups<Shape>, raw: unknown, { path }: Place): unknown {
    if (raw === undefined) return []
    if (isTable(raw)) return [this.table(fields, raw, path)]
    if (Array.isArray(raw) && raw.every(isTable)) {
      return raw.map((item, index) => this.table(fields, item, `${path}[${index}]`))
    }
    this.#problem(path, `expected tables, not ${describeType(raw)}`, `write [[${path}]]`)
    return []
  }

  #option(option: Option<unknown>, raw: unknown, { path, table }: Place): unknown {
    if (raw === undefined) return this.#absent(option, path, table)
    const checked = option.check(raw)
    if ('wrong' in checked) {
      this.#problem(path, checked.wrong, checked.fix)
      return undefined
    }
    const { file } = option
    const value = file === undefined ? checked.value : this.#resolved(checked.value)
    const origin = this.#options.originOf(path) ?? { from: 'default' }
    const shown = option.shown?.(value) ?? value
    const traits = { ...(file === undefined ? {} : { file }), ...(shown === value ? {} : { secret: true as const }) }
    this.settings.push({ key: path, value: shown, origin, ...traits })
    return value
  }

  #absent({ absent, description }: Option<unknown>, path: string, table: string): unknown {
    if (absent === 'required') {
      const origin = this.#options.originOf(table) ?? { from: 'default' }
      this.problems.push({ severity: 'error', key: path, origin, message: 'is missing', fix: `set it: ${description}` })
      return undefined
    }
    this.settings.push({ key: path, value: absent.value, origin: { from: 'default' } })
    return absent.value
  }

  #resolved(value: unknown): unknown {
    const { resolvePath } = this.#options
    return Array.isArray(value) ? value.map((item) => resolvePath(String(item))) : resolvePath(String(value))
  }

  #unknown(shape: Shape, path: string, key: string): void {
    const known = Object.keys(shape)
    const fix = this.#placeOf(key) ?? suggestion(key, known)
    this.#problem(join(path, key), 'there is no such key', fix)
  }

  /** A key that something else has replaced, or that stands in the wrong table. */
  #placeOf(key: string): string | undefined {
    if (Object.hasOwn(REPLACED_KEYS, key)) return REPLACED_KEYS[key]
    const places = tablesWith(this.#root, key)
    return places.length === 0 ? undefined : `it belongs into ${places.map((place) => `[${place}]`).join(' or ')}`
  }

  #problem(key: string, message: string, fix: string | undefined): void {
    const origin = this.#options.originOf(key) ?? { from: 'default' }
    this.problems.push({ severity: 'error', key, origin, message, ...(fix === undefined ? {} : { fix }) })
  }
}

interface Place {
  readonly path: string
  /** The path of the table that the key is in. */
  readonly table: string
}

function suggestion(key: string, known: readonly string[]): string {
  const close = didYouMean(key, known)
  return close === undefined ? `remove it; known here: ${known.join(', ')}` : `did you mean ${close}?`
}

function tablesWith(shape: Shape, key: string, path = ''): string[] {
  const own = path !== '' && Object.hasOwn(shape, key) ? [path] : []
  const below = Object.entries(shape).flatMap(([name, field]) =>
    field.kind === 'option' ? [] : tablesWith(field.fields, key, join(path, name)),
  )
  return [...own, ...below]
}
