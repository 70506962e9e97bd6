/** The hashes that SCRAM is used with here: RFC 5802 (SHA-1), RFC 7677 (SHA-256), XEP-0438 (SHA-512). */
export const SCRAM_HASHES = ['sha-1', 'sha-256', 'sha-512'] as const

export type ScramHash = (typeof SCRAM_HASHES)[number]

/** `SCRAM-SHA-256`, with `-PLUS` if it ties the login to the connection. */
export function scramName(hash: ScramHash, plus: boolean): string {
  return `SCRAM-${hash.toUpperCase()}${plus ? '-PLUS' : ''}`
}

/** RFC 5802 §5.1: rounds of PBKDF2, and no fewer. */
export const MIN_ITERATIONS = 4096

/** Length of the salts that are made here, a fresh one for every password and hash. */
export const SALT_BYTES = 16

/**
 * What a server keeps of a password for one hash (RFC 5802 §3): it checks proofs and answers them, but does not log in.
 * All bytes are in base64.
 */
export interface ScramKeys {
  readonly salt: string
  /** At least {@link MIN_ITERATIONS}. */
  readonly iterations: number
  /** H(ClientKey). */
  readonly storedKey: string
  readonly serverKey: string
}

/** The keys of one password; a hash that is missing cannot be used to log in. */
export type ScramKeySet = { readonly [hash in ScramHash]?: ScramKeys }

/** What whoever begins a login sees of the keys of an account, besides the octets of the salt themselves. */
export interface KeyForm {
  readonly iterations: number
  readonly saltBytes: number
  /** Prosody takes the text of a random UUID (RFC 9562 §5.4) for a salt, all others take random octets. */
  readonly saltIsUuid: boolean
}

/** As {@link ScramKeySet}: how the keys of one password have been made. */
export type KeyFormSet = { readonly [hash in ScramHash]?: KeyForm }

/** A form of accounts, and how many there are of it. */
export interface CountedForm {
  readonly form: KeyFormSet
  readonly accounts: number
}
