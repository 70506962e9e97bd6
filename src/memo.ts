/**
 * What was made of texts before, for those that come again and again. Strangers may send any number of others: when there
 * are too many, all are forgotten.
 */
export class Memo<T> {
  readonly #most: number
  readonly #known = new Map<string, T>()

  /** @param most texts that are remembered at a time */
  constructor(most: number) {
    this.#most = most
  }

  get(text: string): T | undefined {
    return this.#known.get(text)
  }

  /** @returns the value */
  keep(text: string, value: T): T {
    if (this.#known.size >= this.#most) this.#known.clear()
    this.#known.set(text, value)
    return value
  }
}
