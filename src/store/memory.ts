import { XmppkiError } from '../errors.ts'
import type { Holder, InsertRecord, IssuedKind, IssuedRecord, Ledger } from './ledger.ts'

/** The reference ledger: what the contract means, without a file. */
export class MemoryLedger implements Ledger {
  #records: IssuedRecord[] = []

  transaction<T>(work: (insert: InsertRecord) => T): T {
    const before = [...this.#records]
    try {
      return work((record) => this.#insert(record))
    } catch (error) {
      this.#records = before
      throw error
    }
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
