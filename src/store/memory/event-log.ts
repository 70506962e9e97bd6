import { EventIds } from '../common/event-ids.ts'
import { pageOf, splitPeer } from '../common/event-rows.ts'
import type { Appended, EventLog, LogEntry, LogPage, LogQuery } from '../event-log.ts'

/** The reference: what the contract means, without a file. */
export class MemoryEventLog implements EventLog {
  readonly #ids = new EventIds()
  readonly #owners = new Map<string, LogEntry[]>()

  append(owner: string, entry: Omit<LogEntry, 'id'>): Appended {
    const id = this.#ids.next(entry.at)
    const entries = this.#of(owner)
    entries.push({ ...entry, id })
    this.#owners.set(owner, entries)
    return { id, durable: Promise.resolve() }
  }

  async page(owner: string, query: LogQuery): Promise<LogPage> {
    const found = this.#of(owner).filter((entry) => matches(entry, query))
    return pageOf(query.from === 'newest' ? found.reverse() : found, query)
  }

  async find(owner: string, ids: readonly string[]): Promise<readonly LogEntry[]> {
    return this.#of(owner).filter(({ id }) => ids.includes(id))
  }

  async count(owner: string): Promise<number> {
    return this.#of(owner).length
  }

  async remove(owner: string, ids: readonly string[] | 'all'): Promise<void> {
    const rest = ids === 'all' ? [] : this.#of(owner).filter(({ id }) => !ids.includes(id))
    if (rest.length === 0) this.#owners.delete(owner)
    else this.#owners.set(owner, rest)
  }

  async close(): Promise<void> {}

  #of(owner: string): LogEntry[] {
    return this.#owners.get(owner) ?? []
  }
}

function matches(entry: LogEntry, { after, before, start, end, peer }: LogQuery): boolean {
  if (after !== undefined && entry.id <= after) return false
  if (before !== undefined && entry.id >= before) return false
  if (start !== undefined && entry.at < start) return false
  if (end !== undefined && entry.at > end) return false
  return peer === undefined || entry.peer === peer || splitPeer(entry.peer).peer === peer
}
