import type { LogEntry, LogPage, LogQuery } from '../event-log.ts'
import { BEHIND_ALL, timeOfId, timePrefix } from './event-ids.ts'

/** An entry as databases keep it. */
export interface EventRow {
  readonly collection: string
  readonly owner: string
  readonly id: string
  readonly at: number
  /** Bare JID. */
  readonly peer: string
  /** Empty when the peer was given as a bare JID. */
  readonly resource: string
  readonly text: string
}

/** The columns that make an entry. */
export const ENTRY_COLUMNS = 'id, at, peer, resource, text'

/** What a database gives for {@link ENTRY_COLUMNS}; some give 64-bit numbers as text. */
export type EntryRow = Pick<EventRow, 'id' | 'peer' | 'resource' | 'text'> & { readonly at: number | string }

export function toEntry({ id, at, peer, resource, text }: EntryRow): LogEntry {
  return { id, at: Number(at), peer: resource === '' ? peer : `${peer}/${resource}`, text }
}

/** Bare JID and resource, which is empty when there is none. */
export function splitPeer(jid: string): Pick<EventRow, 'peer' | 'resource'> {
  const slash = jid.indexOf('/')
  return slash < 0 ? { peer: jid, resource: '' } : { peer: jid.slice(0, slash), resource: jid.slice(slash + 1) }
}

/** By how many milliseconds the ids of these are ahead of the entries' own times, at most: more than 0 when the clock has gone back. */
export function leadOf(rows: readonly EventRow[]): number {
  return rows.reduce((most, { id, at }) => Math.max(most, timeOfId(id) - at), 0)
}

/** The page of what has been found: up to one entry more than asked for, from the end where the page begins. */
export function pageOf(found: readonly LogEntry[], { max, from }: LogQuery): LogPage {
  const entries = found.slice(0, max)
  return { entries: from === 'newest' ? entries.reverse() : entries, complete: found.length <= max }
}

interface Statement {
  readonly sql: string
  readonly values: readonly (string | number)[]
}

/**
 * The statement that finds what {@link pageOf} needs. Times bound the ids as well: these are what the tables are sorted by.
 * @param lead as {@link leadOf} all entries of the collection
 * @param mark the parameter of this number, counted from 1
 */
export function pageStatement(
  { collection, owner, table }: Pick<EventRow, 'collection' | 'owner'> & { readonly table: string },
  { after = '', before = BEHIND_ALL, start, end, peer, max, from }: LogQuery,
  { lead, mark }: { readonly lead: number; readonly mark: (number: number) => string },
): Statement {
  const values: (string | number)[] = []
  const conditions: string[] = []
  const add = (condition: string, value: string | number) => {
    values.push(value)
    conditions.push(`${condition} ${mark(values.length)}`)
  }
  add('collection =', collection)
  add('owner =', owner)
  const earliest = start === undefined ? '' : timePrefix(start)
  add('id >', after > earliest ? after : earliest)
  const latest = end === undefined ? BEHIND_ALL : timePrefix(end + lead + 1)
  add('id <', before < latest ? before : latest)
  if (start !== undefined) add('at >=', start)
  if (end !== undefined) add('at <=', end)
  if (peer !== undefined) {
    const parts = splitPeer(peer)
    add('peer =', parts.peer)
    if (parts.resource !== '') add('resource =', parts.resource)
  }
  values.push(max + 1)
  const order = from === 'newest' ? 'id DESC' : 'id'
  const where = conditions.join(' AND ')
  const sql = `SELECT ${ENTRY_COLUMNS} FROM ${table} WHERE ${where} ORDER BY ${order} LIMIT ${mark(values.length)}`
  return { sql, values }
}
