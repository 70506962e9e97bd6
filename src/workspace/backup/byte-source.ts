const LINE_FEED = 0x0a

/** Takes bytes from pieces of any length. */
export class ByteSource {
  readonly #pieces: Iterator<Uint8Array>
  #held = Buffer.alloc(0)

  constructor(pieces: Iterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.iterator]()
  }

  /** So many bytes, fewer at the end. */
  take(count: number): Buffer {
    while (this.#held.length < count && this.#more());
    const taken = this.#held.subarray(0, count)
    this.#held = this.#held.subarray(count)
    return taken
  }

  /** Up to and with the next line feed, in Latin-1; cut off at `limit` bytes. */
  line(limit: number): string {
    while (!this.#held.subarray(0, limit).includes(LINE_FEED) && this.#held.length < limit && this.#more());
    const end = this.#held.indexOf(LINE_FEED)
    return this.take(end === -1 ? limit : Math.min(end + 1, limit)).toString('latin1')
  }

  /** So many bytes in pieces, fewer at the end. */
  *stream(count: number): Generator<Buffer> {
    for (let left = count; left > 0; ) {
      if (this.#held.length === 0 && !this.#more()) return
      const piece = this.take(Math.min(left, this.#held.length))
      left -= piece.length
      yield piece
    }
  }

  /** All that is left. */
  *rest(): Generator<Buffer> {
    yield* this.stream(Number.POSITIVE_INFINITY)
  }

  #more(): boolean {
    const { done, value } = this.#pieces.next()
    if (done) return false
    this.#held = this.#held.length === 0 ? Buffer.from(value) : Buffer.concat([this.#held, value])
    return true
  }
}
