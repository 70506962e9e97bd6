import type { MaybePromise } from '../../maybe-promise.ts'

/*
 * The order in which stanzas are processed:
 *
 * 1. What one session sends is processed in the order in which it was sent: one lane for each session. What need not wait
 *    is done at once; behind what has to wait the rest queues, and when too much of it does the client is not read.
 * 2. What one account or room receives is processed in order, so that the order in an archive is that on the wire.
 * 3. A lane never waits for another lane: handlers hand stanzas on with `route`, which answers nothing.
 * 4. An IQ set holds the lane of its sender until it is answered; an IQ get begins in order and holds nothing.
 * 5. What leaves for a client is in the order of the wire and never waits for a promise.
 * 6. Handlers run in the order of the list of features.
 */

/** Work that may take its time. It deals with its own errors. */
type Job = () => MaybePromise<void>

/** Does one thing after the other: at once when nothing is under way, otherwise when everything before it is done. */
export class Lane {
  #waiting: Job[] = []
  #isBusy = false
  #idle: (() => void) | undefined
  readonly #onFailure: (error: unknown) => void

  /** @param onFailure told of what a job throws; the next one runs all the same */
  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure
  }

  /** Whether something is under way. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /** Jobs that have not begun. */
  get waiting(): number {
    return this.#waiting.length
  }

  run(job: Job): void {
    if (this.#isBusy) {
      this.#waiting.push(job)
      return
    }
    this.#isBusy = true
    this.#go(job)
  }

  /** Calls back once when everything is done; at once when nothing is under way. The last who asks is called. */
  whenIdle(callback: () => void): void {
    if (this.#isBusy) this.#idle = callback
    else callback()
  }

  #go(first: Job | undefined): void {
    for (let job = first; job !== undefined; job = this.#waiting.shift()) {
      const pending = this.#start(job)
      if (pending !== undefined) {
        pending.then(
          () => this.#go(this.#waiting.shift()),
          (error: unknown) => {
            this.#onFailure(error)
            this.#go(this.#waiting.shift())
          },
        )
        return
      }
    }
    this.#isBusy = false
    const idle = this.#idle
    this.#idle = undefined
    idle?.()
  }

  #start(job: Job): Promise<void> | undefined {
    try {
      return job() ?? undefined
    } catch (error) {
      this.#onFailure(error)
      return undefined
    }
  }
}

/** Lanes by name, which are there only while something is under way in them. */
export class Lanes {
  readonly #busy = new Map<string, Lane>()
  readonly #onFailure: (error: unknown) => void

  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure
  }

  run(name: string, job: Job): void {
    const busy = this.#busy.get(name)
    if (busy !== undefined) {
      busy.run(job)
      return
    }
    const lane = new Lane(this.#onFailure)
    this.#busy.set(name, lane)
    lane.run(job)
    lane.whenIdle(() => this.#busy.delete(name))
  }
}
