/**
 * What was made of texts before, for those that come again and again. Strangers may send any number of others: those that
 * have not come for long are forgotten.
 */
export class Memo<T> {
  readonly #most: number
  #recent = new Map<string, T>()
  #earlier = new Map<string, T>()

  /** @param most texts that are surely remembered; never more than twice as many are */
  constructor(most: number) {
    this.#most = most
  }

  get(text: string): T | undefined {
    const recent = this.#recent.get(text)
    if (recent !== undefined) return recent
    const earlier = this.#earlier.get(text)
    return earlier === undefined ? undefined : this.keep(text, earlier)
  }

  /** @returns the value */
  keep(text: string, value: T): T {
    if (this.#recent.size >= this.#most) {
      this.#earlier = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(text, value)
    return value
  }
}
