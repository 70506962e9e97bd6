/** What a value turned out to be: good, or wrong and how to put it right. */
export type Checked<V> = { readonly value: V } | { readonly wrong: string; readonly fix?: string }

/** One key of the configuration. */
export interface Option<V> {
  readonly kind: 'option'
  /** What the documentation calls its values. */
  readonly type: string
  readonly check: (raw: unknown) => Checked<V>
  /** What holds without it; `required` when nothing does. */
  readonly absent: 'required' | { readonly value: V }
  /** Names of files: relative ones count from the folder of the configuration. A `secret` one is for its owner alone. */
  readonly file?: 'public' | 'secret'
  /** What is printed instead of a value that has a secret in it. */
  shown?(value: V): string
  /** What it does, units included; one sentence in lower case for tables. */
  readonly description: string
}

/** A table of the file: `[auth]`. An optional one has no values when it is missing. */
export interface Group<S extends Shape, Optional extends boolean> {
  readonly kind: 'group'
  readonly fields: S
  readonly optional: Optional
}

/** An array of tables: `[[listen.c2s]]`; a single `[listen.c2s]` is an array of one. */
export interface Groups<S extends Shape> {
  readonly kind: 'groups'
  readonly fields: S
}

export type Field = Option<unknown> | Group<Shape, boolean> | Groups<Shape>

/** The keys of a table. */
export interface Shape {
  readonly [key: string]: Field
}

type ValueOf<F> =
  F extends Option<infer V>
    ? V
    : F extends Group<infer S, infer O>
      ? ValuesOf<S> | (O extends true ? undefined : never)
      : F extends Groups<infer S>
        ? readonly ValuesOf<S>[]
        : never

/** The type of a table's values, all defaults filled in. */
export type ValuesOf<S extends Shape> = { readonly [K in keyof S]: ValueOf<S[K]> }

export function group<S extends Shape>(fields: S): Group<S, false> {
  return { kind: 'group', fields, optional: false }
}

export function optionalGroup<S extends Shape>(fields: S): Group<S, true> {
  return { kind: 'group', fields, optional: true }
}

export function groups<S extends Shape>(fields: S): Groups<S> {
  return { kind: 'groups', fields }
}

/** The values that an option takes, apart from what it is for. */
export type Kind<V> = Pick<Option<V>, 'type' | 'check' | 'file' | 'shown'>

export function required<V>(kind: Kind<V>, description: string): Option<V> {
  return { kind: 'option', ...kind, absent: 'required', description }
}

export function withDefault<V>(kind: Kind<V>, value: NoInfer<V>, description: string): Option<V> {
  return { kind: 'option', ...kind, absent: { value }, description }
}

export function optional<V>(kind: Kind<V>, description: string): Option<V | undefined> {
  return { kind: 'option', ...kind, absent: { value: undefined }, description }
}
