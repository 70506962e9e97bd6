/** What has been appended to a log: a message of an archive, a message kept for later, an item. */
export interface LogEntry {
  /** UUID of version 7 (RFC 9562 §5.7), in lower case. Its time is that of the entry, or later when the clock has gone back. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** JID of the other side, bare or full: what `with` of XEP-0313 §4.1.1 is compared with. */
  readonly peer: string
  /** The stanza as XML. */
  readonly text: string
}

/** Which entries of an owner: what XEP-0313 §4 and XEP-0059 can ask for. All conditions hold together. */
export interface LogQuery {
  /** Only what has been appended after the entry of this id, which need not be there any more. */
  readonly after?: string | undefined
  /** Only what has been appended before the entry of this id. */
  readonly before?: string | undefined
  /** Earliest `at`. */
  readonly start?: number | undefined
  /** Latest `at`. */
  readonly end?: number | undefined
  /** A bare JID is that of any resource, a full one only of this. */
  readonly peer?: string | undefined
  /** Most entries of the page. */
  readonly max: number
  /** At which end of what matches the page begins. */
  readonly from: 'oldest' | 'newest'
}

export interface LogPage {
  /** In the order in which they were appended, from whichever end the page was taken. */
  readonly entries: readonly LogEntry[]
  /** Whether nothing else matches. */
  readonly complete: boolean
}

export interface Appended {
  readonly id: string
  /**
   * Resolves when the entry survives a power failure. Rejects when it has not been written, with all that should have been
   * written together with it, and with UNAVAILABLE also when nobody can tell. Whoever does not need to know may ignore it.
   */
  readonly durable: Promise<void>
}

/**
 * Entries of owners in the order in which they came, in one collection. What is appended is written in batches, each complete
 * or absent, also after kill -9. Whoever reads or removes sees everything that was appended for this owner before.
 * The ids of an owner grow with every entry, within a millisecond, when the clock goes back and after a restart; entries
 * that several servers append at once are in the order of their clocks.
 * All promises reject with an XmppkiError: UNAVAILABLE when the database cannot be reached now (the next call tries
 * again), CORRUPT, IO.
 */
export interface EventLog {
  /** @param entry its `at` is the time now, a whole number */
  append(owner: string, entry: Omit<LogEntry, 'id'>): Appended
  page(owner: string, query: LogQuery): Promise<LogPage>
  /** Those of these ids that are there, in the order in which they were appended; the ids may be any text. */
  find(owner: string, ids: readonly string[]): Promise<readonly LogEntry[]>
  count(owner: string): Promise<number>
  /** Removes these as far as they are there, or everything of the owner, in one transaction. */
  remove(owner: string, ids: readonly string[] | 'all'): Promise<void>
  /** Waits until nothing is on its way to the database. */
  close(): Promise<void>
}
