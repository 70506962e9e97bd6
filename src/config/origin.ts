/** Where a value comes from. */
export type Origin =
  | { readonly from: 'default' }
  | { readonly from: 'file'; readonly line: number }
  | { readonly from: 'flag' | 'environment'; readonly name: string }

/** As people are told. */
export function describeOrigin(origin: Origin, file: string | undefined): string {
  switch (origin.from) {
    case 'default':
      return 'default'
    case 'file':
      return `${file}:${origin.line}`
    default:
      return origin.name
  }
}

/** Something that is wrong in a configuration, or, as a warning, may be. */
export interface Problem {
  readonly severity: 'error' | 'warning'
  /** The key, e.g. `listen.c2s[1].tls.mode`. */
  readonly key: string
  readonly origin: Origin
  readonly message: string
  /** What to do about it. */
  readonly fix?: string
}
