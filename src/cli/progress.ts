/** A terminal, or what a test takes for one. */
export interface ProgressStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const BAR_WIDTH = 20

/** People see no more than this, and a terminal over a slow line should not be kept busy. */
const REDRAW_MS = 100

/** Moves to the start of the line and clears it (ECMA-48 §8.3.41). */
const CLEAR = '\r\x1b[K'

/** How far a long run has come: one line on a terminal that is drawn again and again, and nothing anywhere else. */
export class ProgressBar {
  readonly #stream: ProgressStream
  readonly #total: number
  readonly #now: () => number
  readonly #began: number
  #drawn = Number.NEGATIVE_INFINITY
  #isVisible = false

  /** @param now milliseconds from any fixed moment */
  constructor(total: number, stream: ProgressStream = process.stderr, now: () => number = () => performance.now()) {
    this.#stream = stream
    this.#total = total
    this.#now = now
    this.#began = now()
  }

  update(done: number, failed: number): void {
    const now = this.#now()
    if (!this.#stream.isTTY || process.env.TERM === 'dumb' || now - this.#drawn < REDRAW_MS) return
    this.#drawn = now
    this.#isVisible = true
    const line = progressLine({ done, failed, total: this.#total, seconds: (now - this.#began) / 1000 })
    // A line that wraps could not be cleared. Some terminals do not know their width and say 0.
    this.#stream.write(CLEAR + line.slice(0, (this.#stream.columns || 80) - 1))
  }

  /** Makes room for something else on the line. */
  clear(): void {
    if (this.#isVisible) this.#stream.write(CLEAR)
    this.#isVisible = false
  }
}

/** `[==========          ] 500 of 1,000, 120/s, 4 s left`; rate and time only when there is something to tell from. */
export function progressLine(state: {
  readonly done: number
  readonly failed: number
  readonly total: number
  readonly seconds: number
}): string {
  const { done, failed, total, seconds } = state
  const filled = Math.floor((BAR_WIDTH * done) / total)
  const parts = [`${grouped(done)} of ${grouped(total)}`]
  if (failed > 0) parts.push(`${grouped(failed)} failed`)
  if (done > 0 && seconds > 0) {
    const rate = done / seconds
    parts.push(`${rate < 10 ? rate.toFixed(1) : rate.toFixed(0)}/s`, `${duration((total - done) / rate)} left`)
  }
  return `[${'='.repeat(filled).padEnd(BAR_WIDTH)}] ${parts.join(', ')}`
}

/** `1,000`; not `toLocaleString`, which loads the tables of ICU. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `8.1 s`, `42 s`, `3 min`, `2 h`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  if (seconds < 99.5) return `${seconds.toFixed(0)} s`
  const minutes = seconds / 60
  return minutes < 99.5 ? `${minutes.toFixed(0)} min` : `${(minutes / 60).toFixed(0)} h`
}
