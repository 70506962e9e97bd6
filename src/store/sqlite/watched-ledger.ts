import { XmppkiError } from '../../errors.ts'
import type { StoredEntry } from '../audit.ts'
import type { CertificateId, SignerId } from '../certificate-id.ts'
import type { LedgerEnrolments } from '../enrolments.ts'
import type { Holder, InsertRecord, IssuedKind, IssuedRecord, Ledger, LedgerChanges, NotedLogin } from '../ledger.ts'
import { untilReleased } from './driver.ts'
import { type FileState, isSame, stateOf } from './file-state.ts'

/** Between two looks at the file, however much is asked. */
const LOOK_MS = 100

/** A file that is being put in place of another may be missing or half there for a moment. */
const GRACE_MS = 300

/** The file of a ledger, opened. */
export interface OpenLedger extends Ledger {
  /** Empties the write-ahead log, as far as nobody else is in the way. */
  settle(): void
  /** Closes the file as it is: by now the log may be that of another one, and whose commits it holds. */
  abandon(): void
  /** Forgets what it remembers of the file, and reads it. @throws {XmppkiError} CORRUPT, IO */
  refresh(): void
}

export interface WatchedLedgerOptions {
  /** Of the file. */
  readonly path: string
  /** Opens the file that is there. @param isAnother whether it has taken the place of another @throws {XmppkiError} CORRUPT, IO */
  readonly open: (isAnother: boolean) => OpenLedger
  /** Told when there is no ledger any more, and why, and when another file is the ledger. */
  readonly onChange: (absence: XmppkiError | undefined) => void
}

/**
 * A ledger for as long as a server runs, during which somebody may put another file in its place, or take it away. An open
 * file stays what it is under whatever name, so nothing would ever be heard of what others write to the new one.
 *
 * SQLite finds the write-ahead log by the name of the file, and whoever opens the new file would read the log of the old
 * one into it. So there is never anything in the log for long.
 */
export class WatchedLedger implements Ledger {
  readonly #options: WatchedLedgerOptions
  readonly #now: () => number
  #ledger: OpenLedger | undefined
  #absence: XmppkiError | undefined
  /** The file that is open, or that could not be opened. */
  #file: FileState | undefined
  #lookedAt: number
  /** Since when the file has been missing or cannot be opened. */
  #troubledSince: number | undefined
  /** What has changed in the ledgers before this one. */
  #changes = 0
  /** What was answered last. */
  #answered = 0
  #transactions = 0
  /** The file before is still being closed. */
  #isReleasing = false

  /** @throws {XmppkiError} CORRUPT, IO */
  constructor(options: WatchedLedgerOptions, now: () => number = () => performance.now()) {
    this.#options = options
    this.#now = now
    this.#ledger = options.open(false)
    this.#file = stateOf(options.path)
    this.#lookedAt = now()
  }

  /** Why nothing is known of what has been issued and revoked; undefined while the ledger is there. */
  absence(): string | undefined {
    this.#look()
    return this.#absence?.message
  }

  changes(): number {
    this.#look()
    // For the moment that it takes to open another file nobody needs to know that there is none.
    if (this.#ledger === undefined && this.#absence === undefined) return this.#answered
    if (this.#ledger !== undefined) this.#settle(this.#ledger)
    this.#answered = this.#changes + (this.#ledger?.changes() ?? 0)
    return this.#answered
  }

  get enrolments(): LedgerEnrolments {
    return this.#current.enrolments
  }

  transaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => T): T {
    return this.#writing((ledger) => ledger.transaction(work))
  }

  tryTransaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => T): T {
    return this.#writing((ledger) => ledger.tryTransaction(work))
  }

  async longTransaction<T>(work: (insert: InsertRecord, changes: LedgerChanges) => Promise<T>): Promise<T> {
    const ledger = this.#beginWriting()
    try {
      return await ledger.longTransaction(work)
    } finally {
      this.#endWriting(ledger)
    }
  }

  find(certificate: CertificateId): IssuedRecord | undefined {
    return this.#current.find(certificate)
  }

  listBySerial(serial: string): IssuedRecord[] {
    return this.#current.listBySerial(serial)
  }

  revokedAt(certificate: CertificateId): number | undefined {
    return this.#current.revokedAt(certificate)
  }

  knowsClient(name: string): boolean {
    return this.#current.knowsClient(name)
  }

  findCurrent(holder: Holder): IssuedRecord | undefined {
    return this.#current.findCurrent(holder)
  }

  list(kind?: IssuedKind): IssuedRecord[] {
    return this.#current.list(kind)
  }

  listRevoked(signer?: SignerId): IssuedRecord[] {
    return this.#current.listRevoked(signer)
  }

  countRevoked(): number {
    return this.#current.countRevoked()
  }

  revokedAmong<Id extends CertificateId>(certificates: readonly Id[]): Id[] {
    return this.#current.revokedAmong(certificates)
  }

  recordLogins(logins: readonly NotedLogin[]): void {
    this.#writing((ledger) => ledger.recordLogins(logins))
  }

  lastLogins(): Map<string, number> {
    return this.#current.lastLogins()
  }

  auditTrail(after?: number): Iterable<StoredEntry> {
    return this.#current.auditTrail(after)
  }

  auditHead(): number {
    return this.#current.auditHead()
  }

  close(): void {
    this.#ledger?.close()
    this.#ledger = undefined
  }

  get #current(): OpenLedger {
    this.#look()
    if (this.#ledger !== undefined) return this.#ledger
    throw this.#absence ?? unreadable(this.#options.path)
  }

  #writing<T>(work: (ledger: OpenLedger) => T): T {
    const ledger = this.#beginWriting()
    try {
      return work(ledger)
    } finally {
      this.#endWriting(ledger)
    }
  }

  /** What is written ends in the file that it began in. */
  #beginWriting(): OpenLedger {
    this.#lookedAt = Number.NEGATIVE_INFINITY
    const ledger = this.#current
    this.#transactions += 1
    return ledger
  }

  #endWriting(ledger: OpenLedger): void {
    this.#transactions -= 1
    // Even if the file is gone by now: nobody else could write meanwhile, so what is in the log belongs to it.
    if (this.#transactions > 0) return
    ledger.settle()
    if (this.#isInPlace()) this.#file = stateOf(this.#options.path)
  }

  #look(): void {
    if (this.#transactions > 0 || this.#isReleasing || this.#now() - this.#lookedAt < LOOK_MS) return
    this.#lookedAt = this.#now()
    const file = stateOf(this.#options.path)
    if (file === undefined) this.#trouble(file, missing(this.#options.path))
    else if (this.#ledger === undefined) this.#open(file)
    else if (file.id !== this.#file?.id) this.#leave()
    else this.#confirm(this.#ledger, file)
  }

  /** The same file. Somebody may have written over it in place, of which SQLite does not hear. */
  #confirm(ledger: OpenLedger, file: FileState): void {
    if (isSame(file, this.#file) && this.#troubledSince === undefined) return
    this.#file = file
    this.#changes += 1
    try {
      ledger.refresh()
      this.#troubledSince = undefined
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      this.#trouble(file, error)
    }
  }

  #open(file: FileState): void {
    if (this.#absence !== undefined && isSame(file, this.#file)) return
    try {
      this.#ledger = this.#options.open(true)
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      this.#trouble(file, error)
      return
    }
    this.#file = stateOf(this.#options.path)
    this.#absence = undefined
    this.#troubledSince = undefined
    this.#options.onChange(undefined)
  }

  #trouble(file: FileState | undefined, absence: XmppkiError): void {
    this.#troubledSince ??= this.#now()
    if (this.#now() - this.#troubledSince < GRACE_MS) return
    // What has been moved away shall have in it what was in the log, and nobody else has a use for that.
    if (file === undefined) this.#ledger?.settle()
    this.#leave()
    // What cannot be opened is not opened again before it changes.
    this.#file = file
    if (this.#absence?.message === absence.message) return
    this.#absence = absence
    this.#options.onChange(absence)
  }

  #leave(): void {
    if (this.#ledger === undefined) return
    // Greater than before, whatever the next one counts.
    this.#changes = this.#answered + 1
    this.#ledger.abandon()
    this.#ledger = undefined
    // Two files of one name, open at once in one process, would share locks and log.
    this.#isReleasing = true
    void untilReleased().finally(() => {
      this.#isReleasing = false
    })
  }

  /** Never that of another file: what others have written to it would be lost. */
  #settle(ledger: OpenLedger): void {
    const isEmpty = stateOf(`${this.#options.path}-wal`) === undefined
    if (this.#transactions > 0 || isEmpty || !this.#isInPlace()) return
    ledger.settle()
    // That it has been written to was us, or somebody who commits and does not mind.
    if (this.#isInPlace()) this.#file = stateOf(this.#options.path)
  }

  #isInPlace(): boolean {
    return stateOf(this.#options.path)?.id === this.#file?.id
  }
}

function unreadable(path: string): XmppkiError {
  return new XmppkiError('IO', `the ledger ${path} is being replaced`)
}

function missing(path: string): XmppkiError {
  return new XmppkiError('CORRUPT', `the ledger ${path} is missing or empty`, {
    hint: 'put it back, or restore it from a backup; until then no certificate is accepted',
  })
}
