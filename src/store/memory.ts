import { XmppkiError } from '../errors.ts'
import type { Holder, InsertRecord, IssuedKind, IssuedRecord, Ledger, LedgerChanges, Revocation } from './ledger.ts'

/** The reference ledger: what the contract means, without a file. */
export class MemoryLedger implements Ledger {
  #records: IssuedRecord[] = []
  #crlNumbers = new Map<string, number>()
  readonly #logins = new Map<string, number>()

  transaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => T): T {
    const before = { records: [...this.#records], crlNumbers: new Map(this.#crlNumbers) }
    const changes: LedgerChanges = {
      revoke: (serial, revocation) => this.#revoke(serial, revocation),
      relocate: (serial, directory) => {
        this.#records = this.#records.map((record) => (record.serial === serial ? { ...record, directory } : record))
      },
      nextCrlNumber: (issuer, above) => {
        const next = Math.max(this.#crlNumbers.get(issuer) ?? 0, above) + 1
        this.#crlNumbers.set(issuer, next)
        return next
      },
    }
    try {
      return work((record) => this.#insert(record), changes)
    } catch (error) {
      this.#records = before.records
      this.#crlNumbers = before.crlNumbers
      throw error
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

  listRevoked(issuer: string): IssuedRecord[] {
    return this.#inOrder().filter((record) => record.issuer === issuer && record.revokedAt !== undefined)
  }

  recordLogins(logins: ReadonlyMap<string, number>): void {
    for (const [serial, at] of logins) this.#logins.set(serial, Math.max(at, this.#logins.get(serial) ?? 0))
  }

  lastLogins(): Map<string, number> {
    return new Map(this.#logins)
  }

  #inOrder(): IssuedRecord[] {
    return this.#records.toSorted((a, b) => a.issuedAt - b.issuedAt)
  }

  close(): void {
    this.#records = []
  }
}
