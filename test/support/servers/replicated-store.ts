import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { XmppkiError } from '../../../src/errors.ts'
import { KnownEnrolments } from '../../../src/store/replicated/known-enrolments.ts'
import { ReplicatedEnrolments } from '../../../src/store/replicated/replicated-enrolments.ts'
import type { Adoption, SharedEnrolments } from '../../../src/store/shared-enrolments.ts'
import { SqliteEnrolmentReplica } from '../../../src/store/sqlite/enrolment-replica.ts'
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts'
import { removeFolder } from '../processes/remove-folder.ts'

/** A workspace, as far as it has to do with enrolments that are shared over a database. */
export class ReplicatedStore {
  readonly folder: string
  readonly database: SharedEnrolments
  readonly ledger: SqliteLedger
  readonly replica: SqliteEnrolmentReplica
  readonly store: ReplicatedEnrolments
  readonly known: KnownEnrolments
  readonly adoptions: Adoption[] = []
  readonly owed: XmppkiError[] = []

  /** @param folder of a workspace that was there before */
  constructor(database: SharedEnrolments, folder = mkdtempSync(join(tmpdir(), 'xmppki-replicated-'))) {
    this.folder = folder
    this.database = database
    this.ledger = new SqliteLedger(join(folder, 'ledger.db'))
    this.replica = new SqliteEnrolmentReplica(join(folder, 'enrolments.db'))
    this.store = new ReplicatedEnrolments({
      database,
      replica: this.replica,
      ledger: this.ledger,
      waits: false,
      onAdopted: (adoptions) => this.adoptions.push(...adoptions),
      onOwed: (error) => this.owed.push(error),
    })
    this.known = new KnownEnrolments(this.replica, this.ledger)
  }

  /** Leaves its files. */
  stop(): void {
    this.ledger.close()
    this.replica.close()
  }

  async close(): Promise<void> {
    this.stop()
    await this.database.close()
    removeFolder(this.folder)
  }
}
