import { XmppkiError } from '../../errors.ts'
import { type ChainHead, chainEntry, logStarted, type StoredEntry } from '../audit.ts'
import { type CertificateId, certificateKey, isSameSigner, type SignerId } from '../certificate-id.ts'
import type { LedgerEnrolments } from '../enrolments.ts'
import type {
  Holder,
  InsertRecord,
  IssuedKind,
  IssuedRecord,
  Ledger,
  LedgerChanges,
  NotedLogin,
  Revocation,
} from '../ledger.ts'
import { MemoryEnrolments } from './enrolments.ts'

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
    revokeEnrolment: (account, label, at) => this.#enrolments.revokeEnrolment(account, label, at),
    revoke: (certificate, revocation) => this.#revoke(certificate, revocation),
    relocate: (certificate, directory) => {
      const found = this.find(certificate)
      this.#records = this.#records.map((record) => (record === found ? { ...record, directory } : record))
    },
    nextCrlNumber: ({ authority }, above) => {
      const next = Math.max(this.#crlNumbers.get(authority) ?? 0, above) + 1
      this.#crlNumbers.set(authority, next)
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

  get enrolments(): LedgerEnrolments {
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

  #revoke(certificate: CertificateId, { at, reason }: Revocation): IssuedRecord | undefined {
    const found = this.find(certificate)
    if (found === undefined || found.revokedAt !== undefined) return found
    const revoked = { ...found, revokedAt: at, revocationReason: reason }
    this.#records = this.#records.map((record) => (record === found ? revoked : record))
    return revoked
  }

  #insert(record: IssuedRecord): void {
    if (this.listBySerial(record.serial).some(({ authority }) => authority === record.authority)) {
      throw new XmppkiError('CORRUPT', `serial number ${record.serial} is already in the ledger`, {
        spec: 'RFC 5280 §4.1.2.2',
      })
    }
    this.#records.push(record)
  }

  find(certificate: CertificateId): IssuedRecord | undefined {
    return this.listBySerial(certificate.serial)
      .filter((record) => isSameSigner(record, certificate))
      .toSorted((a, b) => b.authority.length - a.authority.length)[0]
  }

  listBySerial(serial: string): IssuedRecord[] {
    return this.#records.filter((record) => record.serial === serial)
  }

  revokedAt(certificate: CertificateId): number | undefined {
    return this.find(certificate)?.revokedAt
  }

  knowsClient(name: string): boolean {
    const isIssued = this.#records.some((record) => record.kind === 'client' && record.name === name)
    return isIssued || this.#enrolments.knows(name)
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

  listRevoked(signer?: SignerId): IssuedRecord[] {
    const revoked = this.#inOrder().filter(({ revokedAt }) => revokedAt !== undefined)
    return signer === undefined ? revoked : revoked.filter((record) => isSameSigner(record, signer))
  }

  countRevoked(): number {
    return this.listRevoked().length
  }

  revokedAmong<Id extends CertificateId>(certificates: readonly Id[]): Id[] {
    return certificates.filter((certificate) => this.revokedAt(certificate) !== undefined)
  }

  changes(): number {
    return this.#commits
  }

  recordLogins(logins: readonly NotedLogin[]): void {
    for (const { certificate, at } of logins) {
      const found = this.find(certificate)
      if (found === undefined) continue
      const key = certificateKey(found)
      this.#logins.set(key, Math.max(at, this.#logins.get(key) ?? 0))
    }
  }

  lastLogins(): Map<string, number> {
    return new Map(this.#logins)
  }

  auditTrail(after = 0): Iterable<StoredEntry> {
    return this.#audit.filter(({ number }) => number > after).map(({ text, hash }) => ({ text, hash }))
  }

  auditHead(): number {
    return this.#audit.at(-1)?.number ?? 0
  }

  #inOrder(): IssuedRecord[] {
    return this.#records.toSorted((a, b) => a.issuedAt - b.issuedAt)
  }

  close(): void {
    this.#records = []
  }
}
