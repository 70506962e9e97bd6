import { XmppkiError } from '../errors.ts'
import { type ChainHead, chainEntry, logStarted, type StoredEntry } from './audit.ts'
import type { Enrolments } from './enrolments.ts'
import type { Holder, InsertRecord, IssuedKind, IssuedRecord, Ledger, LedgerChanges, Revocation } from './ledger.ts'
import { MemoryEnrolments } from './memory-enrolments.ts'

/** The reference ledger: what the contract means, without a file. */
export class MemoryLedger implements Ledger {
  #records: IssuedRecord[] = []
  #crlNumbers = new Map<string, number>()
  #commits = 0
  readonly #logins = new Map<string, number>()
  #audit: (StoredEntry & ChainHead)[] = [logStarted(Date.now(), { certificates: 0, revoked: 0 })]

  readonly #enrolments = new MemoryEnrolments()

  readonly #changes: LedgerChanges = {
    enrol: (enrolment) => this.#enrolments.enrol(enrolment),
    disableEnrolment: (account, label) => this.#enrolments.disableEnrolment(account, label),
    revokeEnrolment: (account, label) => this.#enrolments.revokeEnrolment(account, label),
    revoke: (serial, revocation) => this.#revoke(serial, revocation),
    relocate: (serial, directory) => {
      this.#records = this.#records.map((record) => (record.serial === serial ? { ...record, directory } : record))
    },
    nextCrlNumber: (issuer, above) => {
      const next = Math.max(this.#crlNumbers.get(issuer) ?? 0, above) + 1
      this.#crlNumbers.set(issuer, next)
      return next
    },
    audit: (event) => {
      const head = this.#audit.at(-1)
      if (head !== undefined) this.#audit.push(chainEntry(event, head))
    },
  }

  transaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => T): T {
    const rollBack = this.#savepoint()
    try {
      const result = work((record) => this.#insert(record), this.#changes)
      this.#commits++
      return result
    } catch (error) {
      rollBack()
      throw error
    }
  }

  tryTransaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => T): T {
    return this.transaction(work)
  }

  get enrolments(): Enrolments {
    return this.#enrolments
  }

  async longTransaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => Promise<T>): Promise<T> {
    const rollBack = this.#savepoint()
    try {
      const result = await work((record) => this.#insert(record), this.#changes)
      this.#commits++
      return result
    } catch (error) {
      rollBack()
      throw error
    }
  }

  /** What undoes everything from here on. */
  #savepoint(): () => void {
    const before = { records: [...this.#records], crlNumbers: new Map(this.#crlNumbers), audit: [...this.#audit] }
    const restoreEnrolments = this.#enrolments.savepoint()
    return () => {
      restoreEnrolments()
      this.#records = before.records
      this.#crlNumbers = before.crlNumbers
      this.#audit = before.audit
    }
  }

  #revoke(serial: string, { at, reason }: Revocation): IssuedRecord | undefined {
    const found = this.findBySerial(serial)
    if (found === undefined || found.revokedAt !== undefined) return found
    const revoked = { ...found, revokedAt: at, revocationReason: reason }
    this.#records = this.#records.map((record) => (record === found ? revoked : record))
    return revoked
  }

  #insert(record: IssuedRecord): void {
    if (this.findBySerial(record.serial) !== undefined) {
      throw new XmppkiError('CORRUPT', `serial number ${record.serial} is already in the ledger`, {
        spec: 'RFC 5280 §4.1.2.2',
      })
    }
    this.#records.push(record)
  }

  findBySerial(serial: string): IssuedRecord | undefined {
    return this.#records.find((record) => record.serial === serial)
  }

  findCurrent(holder: Holder): IssuedRecord | undefined {
    return this.#inOrder().findLast(
      (record) =>
        record.kind === holder.kind &&
        record.name === holder.name &&
        record.device === holder.device &&
        record.revokedAt === undefined,
    )
  }

  list(kind?: IssuedKind): IssuedRecord[] {
    return this.#inOrder().filter((record) => kind === undefined || record.kind === kind)
  }

  listRevoked(issuer?: string): IssuedRecord[] {
    const revoked = this.#inOrder().filter(({ revokedAt }) => revokedAt !== undefined)
    return issuer === undefined ? revoked : revoked.filter((record) => record.issuer === issuer)
  }

  countRevoked(): number {
    return this.listRevoked().length
  }

  revokedAmong(serials: readonly string[]): string[] {
    return serials.filter((serial) => this.findBySerial(serial)?.revokedAt !== undefined)
  }

  changes(): number {
    return this.#commits
  }

  recordLogins(logins: ReadonlyMap<string, number>): void {
    for (const [serial, at] of logins) this.#logins.set(serial, Math.max(at, this.#logins.get(serial) ?? 0))
  }

  lastLogins(): Map<string, number> {
    return new Map(this.#logins)
  }

  auditTrail(): Iterable<StoredEntry> {
    return this.#audit.map(({ text, hash }) => ({ text, hash }))
  }

  #inOrder(): IssuedRecord[] {
    return this.#records.toSorted((a, b) => a.issuedAt - b.issuedAt)
  }

  close(): void {
    this.#records = []
  }
}
