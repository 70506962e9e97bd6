import { XmppkiError } from '../../errors.ts'
import { openEnrolments } from '../../store/open/open-enrolments.ts'
import { KnownEnrolments } from '../../store/replicated/known-enrolments.ts'
import { ReplicatedEnrolments } from '../../store/replicated/replicated-enrolments.ts'
import type { SharedEnrolments } from '../../store/shared-enrolments.ts'
import { SqliteEnrolmentReplica } from '../../store/sqlite/enrolment-replica.ts'
import { currentActor } from '../base/audit-events.ts'
import type { Workspace } from '../base/workspace.ts'
import type { RevokedEnrolment } from './revoke-enrolments.ts'

/**
 * What users have enrolled themselves (XEP-0257), for a command, where the configuration names a database that has it.
 * Close it when done.
 */
export class DatabaseEnrolments {
  readonly #database: SharedEnrolments
  readonly #replica: SqliteEnrolmentReplica
  readonly #known: KnownEnrolments
  readonly #store: ReplicatedEnrolments
  /** Whoever has waited for it once does not wait for it with every user. */
  #isAway = false

  private constructor(workspace: Workspace, database: SharedEnrolments) {
    const ledger = workspace.ledger()
    this.#database = database
    this.#replica = new SqliteEnrolmentReplica(workspace.paths.enrolments)
    this.#known = new KnownEnrolments(this.#replica, ledger)
    this.#store = new ReplicatedEnrolments({
      database,
      replica: this.#replica,
      ledger,
      waits: true,
      // A server that is started says what became of what is left in the ledger.
      onAdopted: () => undefined,
      onOwed: ({ message }) => workspace.warn(`the audit log gets its entry with the next change or serve: ${message}`),
    })
  }

  /** Connects when it is used. @throws {XmppkiError} BAD_INPUT about the URL, IO, CORRUPT */
  static async open(workspace: Workspace, url: string): Promise<DatabaseEnrolments> {
    return new DatabaseEnrolments(workspace, await openEnrolments(url))
  }

  /**
   * What a user calls them. @param jid bare, normalised
   * @returns what was known when the database could be reached last, if it cannot be now
   */
  async labels(jid: string): Promise<readonly string[]> {
    try {
      if (!this.#isAway) return (await this.#database.list(jid)).map(({ label }) => label)
    } catch (error) {
      if (!(error instanceof XmppkiError) || error.code !== 'UNAVAILABLE') throw error
      this.#isAway = true
    }
    return this.#known.list(jid).map(({ label }) => label)
  }

  /**
   * Revokes whatever a user has enrolled, for good. @param jid bare, normalised @param at milliseconds since the epoch
   * @throws {XmppkiError} UNAVAILABLE, CORRUPT, IO
   */
  async revokeAll(jid: string, at: number): Promise<RevokedEnrolment[]> {
    const outcome = await this.#store.change({ kind: 'revoke-all', account: jid }, { at, actor: currentActor() })
    const ended = 'refusal' in outcome ? [] : outcome.ended
    return ended.map(({ label, fingerprint }) => ({ jid, label, fingerprint }))
  }

  async close(): Promise<void> {
    this.#replica.close()
    await this.#database.close()
  }
}
