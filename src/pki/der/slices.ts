import { setImmediate as turn } from 'node:timers/promises'

/** How long one piece of work may keep everybody else waiting. */
const SLICE_MS = 4

/** Long work that gives way, whenever it has taken its slice of time, to whatever else the process has to do. */
export class Slices {
  #end = performance.now() + SLICE_MS

  /** Whether it is time to {@link rest}; to be asked every few microseconds of work, not more often. */
  get isDue(): boolean {
    return performance.now() >= this.#end
  }

  /** Resolves when everybody else had a turn. */
  async rest(): Promise<void> {
    await turn()
    this.#end = performance.now() + SLICE_MS
  }
}
