import { XmppkiError } from '../errors.ts'
import type { ScramKeySet } from '../xmpp/sasl/scram-keys.ts'

/** What accounts in one file can be written in. */
export const FILE_FORMATS = ['csv', 'jsonl', 'mnesia', 'postgres'] as const

export type FileFormat = (typeof FILE_FORMATS)[number]

/** How an account of another server logs in. */
export type Credential =
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'keys'; readonly keys: ScramKeySet }
  /** Not by password. */
  | { readonly kind: 'none' }

/** An account of another server, or of a list, with its name as it stands there. */
export interface ForeignAccount {
  /** Where it stands, for messages: `users.csv:17`. */
  readonly place: string
  /** A localpart or a bare JID. */
  readonly name: string
  readonly domain: string | undefined
  readonly credential: Credential
}

/** One that cannot be taken over; the others can. */
export interface RefusedAccount {
  readonly place: string
  /** As far as there is one. */
  readonly name: string
  readonly error: XmppkiError
}

export type ForeignRow = ForeignAccount | RefusedAccount

/**
 * What `read` makes of a row, or why that is impossible.
 * @param name for the message, where `read` fails
 */
export function foreignRow(place: string, name: string, read: () => Omit<ForeignAccount, 'place'>): ForeignRow {
  try {
    return { place, ...read() }
  } catch (error) {
    if (!(error instanceof XmppkiError)) throw error
    return { place, name, error }
  }
}

/** Something about a row that keeps it from being used. */
export function rowError(problem: string, details?: { readonly hint?: string; readonly spec?: string }): XmppkiError {
  return new XmppkiError('BAD_INPUT', problem, details)
}
