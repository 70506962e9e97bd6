/**
 * A regular expression (flag `u`) that is compiled at its first use: Unicode classes take milliseconds, which every
 * start of the CLI would pay, and most addresses are ASCII and never need them.
 */
export class LazyRegexp {
  readonly #source: string
  #compiled: RegExp | undefined

  constructor(source: string) {
    this.#source = source
  }

  test(text: string): boolean {
    this.#compiled ??= new RegExp(this.#source, 'u')
    return this.#compiled.test(text)
  }
}
