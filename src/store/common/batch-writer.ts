import { setTimeout as later } from 'node:timers/promises'
import { XmppkiError } from '../../errors.ts'
import type { EventRow } from './event-rows.ts'

/** How long rows wait for others. A transaction costs as much as some dozen rows, and a person notices nothing of it. */
const GATHER_MS = 5
/** Characters of stanzas that may wait while a database is slow or away. */
const MOST_WAITING = 32 * 1024 * 1024

class Batch {
  readonly rows: EventRow[] = []
  readonly done: Promise<void>
  size = 0
  resolve: () => void = () => undefined
  reject: (reason: unknown) => void = () => undefined

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    // Not everybody wants to know.
    this.done.catch(() => undefined)
  }
}

/** Gathers rows and writes them together, one batch after the other: nobody ever sees a later one and not an earlier one. */
export class BatchWriter {
  readonly #write: (rows: readonly EventRow[]) => Promise<unknown>
  #gathering: Batch | undefined
  #writing: Batch | undefined
  #work: Promise<void> | undefined

  /** @param write in one transaction */
  constructor(write: (rows: readonly EventRow[]) => Promise<unknown>) {
    this.#write = write
  }

  /** @returns what settles when the row is written, or is not; rejects with UNAVAILABLE also when too many wait */
  add(row: EventRow): Promise<void> {
    this.#gathering ??= new Batch()
    const batch = this.#gathering
    if (batch.size + row.text.length > MOST_WAITING) return refused()
    batch.rows.push(row)
    batch.size += row.text.length
    this.#work ??= this.#writeAll()
    return batch.done
  }

  /** Waits until everything that has been added so far for this owner is written or has failed. */
  async settled({ collection, owner }: Pick<EventRow, 'collection' | 'owner'>): Promise<void> {
    const isTheirs = (row: EventRow) => row.owner === owner && row.collection === collection
    // Whatever is gathered now is written after what is being written.
    const last = [this.#gathering, this.#writing].find((batch) => batch?.rows.some(isTheirs))
    await last?.done.catch(() => undefined)
  }

  /** Waits until there is nothing to write. */
  async idle(): Promise<void> {
    await this.#work
  }

  async #writeAll(): Promise<void> {
    while (this.#gathering !== undefined) {
      await later(GATHER_MS)
      const batch: Batch = this.#gathering
      this.#gathering = undefined
      this.#writing = batch
      await this.#write(batch.rows).then(batch.resolve, batch.reject)
      this.#writing = undefined
    }
    this.#work = undefined
  }
}

function refused(): Promise<void> {
  const message = 'too many stanzas wait to be written to the database'
  const refusal = Promise.reject(
    new XmppkiError('UNAVAILABLE', message, { hint: 'see why the database is slow or away' }),
  )
  refusal.catch(() => undefined)
  return refusal
}
