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

  /** Takes nothing up until {@link begin}. */
  hold(): void {
    this.#isBusy = true
  }

  /** Goes on behind what was begun elsewhere. */
  begin(pending: Promise<void> | undefined): void {
    if (pending === undefined) this.#next()
    else this.#goOnBehind(pending)
  }

  #go(job: Job): void {
    const pending = attempt(job, this.#onFailure)
    if (pending !== undefined) this.#goOnBehind(pending)
    else this.#next()
  }

  #goOnBehind(pending: Promise<void>): void {
    pending.then(
      () => this.#next(),
      (error: unknown) => {
        this.#onFailure(error)
        this.#next()
      },
    )
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      const job = this.#waiting.shift()
      const pending = job && attempt(job, this.#onFailure)
      if (pending !== undefined) {
        this.#goOnBehind(pending)
        return
      }
    }
    this.#isBusy = false
    const idle = this.#idle
    this.#idle = undefined
    idle?.()
  }
}

/** Lanes by name, which are there only while something waits in them: most work is done before it has a lane. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>()
  /** Names of what is being done at this moment, the one inside the other. */
  readonly #current: string[] = []
  readonly #onFailure: (error: unknown) => void

  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure
  }

  run(name: string, job: Job): void {
    if (this.#lanes.has(name) || this.#current.includes(name)) {
      this.#laneOf(name).run(job)
      return
    }
    this.#current.push(name)
    const pending = attempt(job, this.#onFailure)
    this.#current.pop()
    if (pending !== undefined) this.#laneOf(name).begin(pending)
    // What has been asked for from inside waits until here.
    else this.#lanes.get(name)?.begin(undefined)
  }

  #laneOf(name: string): Lane {
    const known = this.#lanes.get(name)
    if (known !== undefined) return known
    const lane = new Lane(this.#onFailure)
    lane.hold()
    lane.whenIdle(() => this.#lanes.delete(name))
    this.#lanes.set(name, lane)
    return lane
  }
}

/** @returns what is to be waited for, if anything is */
function attempt(job: Job, onFailure: (error: unknown) => void): Promise<void> | undefined {
  try {
    return job() ?? undefined
  } catch (error) {
    onFailure(error)
    return undefined
  }
}
