import type { CountedForm, ScramKeySet } from '../xmpp/sasl/scram-keys.ts'

/** An account that can log in by password. All times are milliseconds since the epoch. */
export interface Account {
  /** Bare JID, normalised. */
  readonly jid: string
  /** Keys of its password; empty for an account that logs in by certificate only. */
  readonly keys: ScramKeySet
  readonly createdAt: number
  /** When the password was last set. */
  readonly changedAt: number
}

/** Why an account was not made: there is one of this name, or its domain has as many as it may have. */
export type CreationConflict = 'exists' | 'full'

/** What bounds the making of accounts. */
export interface CreationLimits {
  /** Most accounts of one domain; undefined: no limit. */
  readonly perDomain?: number | undefined
}

/** What became of each account of an import. */
export type ImportOutcome = 'created' | 'replaced' | CreationConflict

/**
 * Accounts, whatever keeps them. Every change is complete or absent, also after kill -9, and durable when its promise
 * resolves.
 * All methods reject with an XmppkiError: UNAVAILABLE when the database cannot be reached now (the next call tries
 * again), CORRUPT, IO.
 */
export interface Accounts {
  /** @param jid bare, normalised */
  find(jid: string): Promise<Account | undefined>
  /** @returns what is in the way; undefined when it has been made. Several at once never exceed the limit. */
  create(account: Account, limits: CreationLimits): Promise<CreationConflict | undefined>
  /** Sets the password. @returns false when there is no such account */
  setKeys(jid: string, keys: ScramKeySet, at: number): Promise<boolean>
  /** @returns false when there was none */
  delete(jid: string): Promise<boolean>
  /** In the order of their JIDs, of one domain or of all. */
  list(domain?: string): Promise<readonly Account[]>
  /**
   * Makes many, all in one transaction: all of them or, when it rejects, none. One that cannot be made does not stop the rest.
   * @param replace whether keys of accounts that are there are replaced; otherwise they answer `exists`
   * @returns one outcome for each, in order
   */
  importAll(
    accounts: readonly Account[],
    options: CreationLimits & { readonly replace: boolean },
  ): Promise<readonly ImportOutcome[]>
  /** Remembers for good that these (bare JIDs) have logged in with a certificate, whether or not they have an account. */
  noteHolders(jids: readonly string[]): Promise<void>
  /** Whether this one has, at whichever server that shares the accounts. */
  isHolder(jid: string): Promise<boolean>
  /**
   * In which ways the keys of the accounts of a domain have been made, and how often; in any order. What is
   * made up for names that have no account is made in the same ways. It may be some minutes old.
   */
  keyForms(domain: string): Promise<readonly CountedForm[]>
  /**
   * What the salts of names are made from that have no account: 32 random bytes, made when somebody asks
   * first. The same for all who share the accounts and after a restart: a salt that changes, or is another one at another
   * server, would tell that there is no such account.
   */
  dummySecret(): Promise<Uint8Array>
  close(): Promise<void>
}
