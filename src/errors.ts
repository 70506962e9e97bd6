/**
 * Every error that a user can cause or meet, with the exit code that scripts see.
 * Several codes may share one exit code; `--json` always carries the code itself.
 */
export const EXIT_CODES = {
  /** A defect in xmppki itself, or something it did not foresee. */
  INTERNAL: 1,
  /** A flag or argument is missing, unknown or contradicts another. */
  USAGE: 2,
  /** A username, domain, JID or label that cannot be used. */
  BAD_NAME: 2,
  /** A file or value that is not what it should be (not PEM, wrong key type …). */
  BAD_INPUT: 2,
  /** What should be made is already there. */
  EXISTS: 3,
  /** Something needed is not there: a CA, a certificate, a file. */
  NOT_FOUND: 4,
  /** A passphrase is missing, wrong or blank. */
  PASSPHRASE: 5,
  /** Files and ledger disagree, or one of them is damaged. */
  CORRUPT: 6,
  /** The operating system refused: permissions, disk full, port in use. */
  IO: 7,
  /** `quickstart` could not prove that a certificate login works, or a check of `doctor` failed. */
  PROOF_FAILED: 8,
  /** Some of several requested items failed, or what was to follow them; the others were done. */
  PARTIAL: 9,
  /** `client list --expiring` found certificates that end soon: for monitoring, nothing has failed. */
  EXPIRING: 10,
  /** A database cannot be reached now; the same command may succeed later. */
  UNAVAILABLE: 11,
} as const

export type ErrorCode = keyof typeof EXIT_CODES

export interface ErrorDetails {
  /** What to do about it; a runnable command where there is one. */
  readonly hint?: string
  /** The document that demands it, e.g. `RFC 5280 §4.1.2.6`. */
  readonly spec?: string
  readonly cause?: unknown
}

/**
 * The only error type that crosses a module border on purpose.
 * The message says what is wrong and names the file, flag or value; it never contains a secret.
 */
export class XmppkiError extends Error {
  override readonly name = 'XmppkiError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly spec: string | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.hint = details.hint
    this.spec = details.spec
  }

  /** The process exit code for this error; the table is part of the documented interface. */
  get exitCode(): number {
    return EXIT_CODES[this.code]
  }
}
