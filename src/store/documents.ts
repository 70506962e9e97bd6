/**
 * Documents of owners by key, in one collection: contacts, blocked addresses, private XML and the like. Values are JSON.
 * A write is complete or absent, also after kill -9, and durable when its promise resolves. All methods reject with an
 * XmppkiError: UNAVAILABLE when the database cannot be reached now (the next call tries again), CORRUPT, IO.
 * @typeParam T what `JSON.parse` gives back as it was, `undefined` excluded
 */
export interface Documents<T> {
  get(owner: string, key: string): Promise<T | undefined>
  /** All of an owner, in the order of the bytes of their keys. */
  entries(owner: string): Promise<readonly (readonly [key: string, value: T])[]>
  /**
   * Writes several documents of an owner in one transaction.
   * @param changes `undefined` deletes
   * @returns the owner's version, one more than before: what roster versioning needs (RFC 6121 §2.6)
   */
  write(owner: string, changes: ReadonlyMap<string, T | undefined>): Promise<number>
  /** How often the owner's documents have been written; 0: never. It never goes back, not even when the owner is removed. */
  version(owner: string): Promise<number>
  /** Deletes all documents of an owner, which counts as a write: whoever comes next under this name has other versions. */
  removeOwner(owner: string): Promise<void>
}
