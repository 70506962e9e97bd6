import { XmppkiError } from '../errors.ts'
import type { Holder, InsertRecord, IssuedKind, IssuedRecord, Ledger, LedgerChanges, Revocation } from './ledger.ts'

/** The reference ledger: what the contract means, without a file. */
export class MemoryLedger implements Ledger {
  #records: IssuedRecord[] = []
  #crlNumber = 0

  transaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => T): T {
    const before = { records: [...this.#records], crlNumber: this.#crlNumber }
    const changes: LedgerChanges = {
      revoke: (serial, revocation) => this.#revoke(serial, revocation),
      relocate: (serial, directory) => {
        this.#records = this.#records.map((record) => (record.serial === serial ? { ...record, directory } : record))
      },
      nextCrlNumber: (above) => {
        this.#crlNumber = Math.max(this.#crlNumber, above) + 1
        return this.#crlNumber
      },
    }
    try {
      return work((record) => this.#insert(record), changes)
    } catch (error) {
      this.#records = before.records
      this.#crlNumber = before.crlNumber
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

  #inOrder(): IssuedRecord[] {
    return this.#records.toSorted((a, b) => a.issuedAt - b.issuedAt)
  }

  close(): void {
    this.#records = []
  }
}
