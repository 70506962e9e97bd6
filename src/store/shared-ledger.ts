import type { Enrolments } from './enrolments.ts'
import type { InsertRecord, IssuedRecord, Ledger, LedgerChanges, LoginLedger, Standing } from './ledger.ts'
import type { SharedRevocation } from './revocations.ts'
import type { SqliteRevocations } from './sqlite-revocations.ts'

/**
 * The ledger as logins see it: what it has revoked itself, and what others have. Other machines may have a certificate
 * revoked that this one has issued, or that its ledger does not know at all.
 */
export class SharedLedger implements LoginLedger {
  readonly #ledger: Ledger
  readonly #others: () => Pick<SqliteRevocations, 'changes' | 'find' | 'findAmong'> | undefined

  /** @param others asked at every use; undefined as long as nothing is shared */
  constructor(ledger: Ledger, others: () => Pick<SqliteRevocations, 'changes' | 'find' | 'findAmong'> | undefined) {
    this.#ledger = ledger
    this.#others = others
  }

  get enrolments(): Enrolments {
    return this.#ledger.enrolments
  }

  tryTransaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => T): T {
    return this.#ledger.tryTransaction(work)
  }

  findBySerial(serial: string): Standing | undefined {
    const own = this.#ledger.findBySerial(serial)
    if (own?.revokedAt !== undefined) return own
    const other = this.#others()
      ?.find(serial)
      .find((one) => isMeant(one, own))
    return other === undefined ? own : { ...own, serial, revokedAt: other.revokedAt, revocationReason: other.reason }
  }

  revokedAmong(serials: readonly string[]): string[] {
    const own = this.#ledger.revokedAmong(serials)
    const others = this.#others()?.findAmong(serials) ?? []
    return [
      ...new Set([
        ...own,
        ...others.filter((one) => isMeant(one, this.#ledger.findBySerial(one.serial))).map(({ serial }) => serial),
      ]),
    ]
  }

  changes(): number {
    // Both numbers grow, and so does their sum.
    return this.#ledger.changes() + (this.#others()?.changes ?? 0)
  }
}

/** CAs that were made with other tools number from 1: a certificate of ours is not meant when another CA has its number. */
function isMeant({ issuer }: SharedRevocation, own: IssuedRecord | undefined): boolean {
  return own === undefined || own.issuer === issuer
}
