import type { Enrolment, Enrolments } from '../enrolments.ts'
import type { SqliteEnrolmentReplica } from '../sqlite/enrolment-replica.ts'

/**
 * What logins are judged by where several servers share what accounts have enrolled: the replica. Until a database has been
 * read for the first time what the ledger has still counts as well, and what the ledger has revoked always does.
 */
export class KnownEnrolments implements Enrolments {
  readonly #replica: Pick<SqliteEnrolmentReplica, keyof Enrolments | 'isComplete'>
  /** Asked at every use: a ledger may be replaced. */
  readonly #ledger: { readonly enrolments: Enrolments }

  constructor(
    replica: Pick<SqliteEnrolmentReplica, keyof Enrolments | 'isComplete'>,
    ledger: { readonly enrolments: Enrolments },
  ) {
    this.#replica = replica
    this.#ledger = ledger
  }

  find(fingerprint: string): Enrolment | undefined {
    return this.#replica.find(fingerprint) ?? this.#unread((enrolments) => enrolments.find(fingerprint))
  }

  isRevoked(account: string, fingerprint: string): boolean {
    return this.#replica.isRevoked(account, fingerprint) || this.#ledger.enrolments.isRevoked(account, fingerprint)
  }

  knows(account: string): boolean {
    return this.#replica.knows(account) || this.#ledger.enrolments.knows(account)
  }

  list(account: string): Enrolment[] {
    const known = this.#replica.list(account)
    const isNew = ({ fingerprint }: Enrolment) => !known.some((one) => one.fingerprint === fingerprint)
    return [...known, ...(this.#unread((enrolments) => enrolments.list(account)) ?? []).filter(isNew)]
  }

  #unread<T>(ask: (enrolments: Enrolments) => T): T | undefined {
    return this.#replica.isComplete ? undefined : ask(this.#ledger.enrolments)
  }
}
