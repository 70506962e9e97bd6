import { randomUUID } from 'node:crypto'

/** Of the counter of entries within a millisecond (RFC 9562 §6.2, method 1). */
const MOST_WITHIN = 0xfff
/** Milliseconds that an id has room for. */
const TIMES = 2 ** 48

/** Sorts behind every id. */
export const BEHIND_ALL = 'g'

/** The part of an id with its time: sorts before all ids of this millisecond and behind all of those before. */
export function timePrefix(at: number): string {
  if (at >= TIMES) return BEHIND_ALL
  const digits = Math.max(0, at).toString(16).padStart(12, '0')
  return `${digits.slice(0, 8)}-${digits.slice(8)}`
}

/** Milliseconds since the epoch. */
export function timeOfId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

/** Makes the ids of entries: UUIDs of version 7 (RFC 9562 §5.7) that grow as text, whatever the clock does. */
export class EventIds {
  #time = 0
  #within = 0

  /** @param at milliseconds since the epoch, a whole number */
  next(at: number): string {
    this.#within++
    if (at > this.#time) {
      this.#time = at
      this.#within = 0
    } else if (this.#within > MOST_WITHIN) {
      this.#time++
      this.#within = 0
    }
    const counter = this.#within.toString(16).padStart(3, '0')
    return `${timePrefix(this.#time)}-7${counter}${randomUUID().slice('xxxxxxxx-xxxx-4xxx'.length)}`
  }

  /** From now on all sort behind this one. */
  continueAfter(id: string): void {
    const time = timeOfId(id)
    const within = Number.parseInt(id.slice(15, 18), 16)
    if (time < this.#time || (time === this.#time && within <= this.#within)) return
    this.#time = time
    this.#within = within
  }
}
