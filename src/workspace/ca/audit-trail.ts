import { XmppkiError } from '../../errors.ts'
import {
  type AuditEntry,
  type AuditKind,
  type ChainHead,
  GENESIS,
  type VerifiedEntry,
  verifyChain,
} from '../../store/audit.ts'
import { certificateKey } from '../../store/certificate-id.ts'
import type { IssuedRecord, Ledger } from '../../store/ledger.ts'
import { issuerText } from '../base/certificate-number.ts'
import { parsePeriod } from '../base/period.ts'

/** Which entries are wanted; all that is given must hold. */
export interface AuditFilter {
  /** Bare JID of a client. */
  readonly name?: string
  /** Lower-case hexadecimal, as the ledger has it. */
  readonly serial?: string
  /** The first digits of the id of the CA that signed the certificate. */
  readonly issuerId?: string
  readonly events?: readonly AuditKind[]
  readonly since?: Date
}

/** An entry of the audit log, for people and log shippers. */
export interface AuditedEntry extends Omit<VerifiedEntry, 'at'> {
  readonly at: Date
}

export interface AuditReport {
  readonly entries: readonly AuditedEntry[]
  /** The end of the log. */
  readonly head: ChainHead
}

/**
 * Reads the audit log. Whatever is asked for, all of it is verified: every hash, every link, and that log and ledger
 * tell the same, so that nothing was cut off at the end either.
 * @param expected hash of an entry that was noted earlier: it must be in the log
 * @throws {XmppkiError} CORRUPT naming the first thing that is wrong, IO
 */
export function readAuditTrail(ledger: Ledger, filter: AuditFilter = {}, expected?: string): AuditReport {
  const entries: AuditedEntry[] = []
  const check = new LedgerCheck(ledger)
  let head = GENESIS
  let isExpectedThere = expected === undefined
  for (const entry of verifyChain(ledger.auditTrail())) {
    head = { number: entry.number, hash: entry.hash }
    check.see(entry)
    if (entry.hash === expected) isExpectedThere = true
    const wanted = isWanted(entry, filter) && check.isFrom(entry, filter.issuerId)
    if (wanted) entries.push({ ...entry, at: new Date(entry.at) })
  }
  check.finish()
  if (!isExpectedThere) {
    throw new XmppkiError('CORRUPT', `the audit log has no entry with the hash ${expected}`, {
      hint: 'it was cut off, or written anew; compare with a backup, or with where the log was sent to',
    })
  }
  return { entries, head }
}

/** `30d`, `12h`, `2w`, or a date: `2030-01-31`, `2030-01-31T12:00:00Z`. @throws {XmppkiError} BAD_INPUT */
export function parseSince(text: string, now = new Date()): Date {
  if (/^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text)) {
    const date = new Date(text)
    if (!Number.isNaN(date.getTime())) return date
  } else if (/^\d+[hdw]$/.test(text)) {
    const period = parsePeriod(text)
    if ('milliseconds' in period) return new Date(now.getTime() - period.milliseconds)
  }
  throw new XmppkiError('BAD_INPUT', `'${text}' is neither a date nor a period`, {
    hint: 'write it as 30d, 12h or 2w, or as a date in UTC: 2030-01-31',
  })
}

function isWanted(entry: AuditEntry, { name, serial, events, since }: AuditFilter): boolean {
  if (name !== undefined && entry.name !== name) return false
  if (serial !== undefined && entry.serial !== serial) return false
  if (events !== undefined && !events.includes(entry.event)) return false
  return since === undefined || entry.at >= since.getTime()
}

const ISSUANCES: readonly AuditKind[] = ['ca-created', 'ca-imported', 'issued', 'renewed', 'signed', 'taken-up']

/** Compares the ledger with the log: either of them alone could be changed or cut back without a trace. */
class LedgerCheck {
  readonly #ledger: Ledger
  readonly #issued: Ticks
  readonly #revoked: Ticks
  readonly #bySerial = new Map<string, IssuedRecord[]>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    // Before the log is read: what is written meanwhile has an entry that comes too early to be missed.
    const records = ledger.list()
    checkSigners(records)
    for (const record of records) {
      const others = this.#bySerial.get(record.serial)
      if (others === undefined) this.#bySerial.set(record.serial, [record])
      else others.push(record)
    }
    this.#issued = new Ticks(records)
    this.#revoked = new Ticks(records.filter(({ revokedAt }) => revokedAt !== undefined))
  }

  see({ number, event, serial, issuerId, details }: AuditEntry): void {
    if (event === 'log-started' || event === 'ca-imported') {
      this.#issued.withoutEntry += Number(details?.certificates ?? 0)
      this.#revoked.withoutEntry += Number(details?.revoked ?? 0)
    }
    if (serial === undefined) return
    if (ISSUANCES.includes(event)) this.#seeIssuance(number, this.#meantBy(serial, issuerId), serial)
    if (event === 'revoked') this.#seeRevocation(number, this.#meantBy(serial, issuerId), serial)
  }

  #seeIssuance(number: number, record: IssuedRecord | undefined, serial: string): void {
    if (record === undefined) {
      throw disagree(`entry ${number} of the log tells of a certificate that the ledger does not have: ${serial}`)
    }
    this.#issued.tick(record)
  }

  #seeRevocation(number: number, record: IssuedRecord | undefined, serial: string): void {
    if (record !== undefined && this.#revoked.tick(record)) return
    if (record === undefined || this.#ledger.revokedAt(record) === undefined) {
      throw disagree(`entry ${number} of the log revokes a certificate that the ledger has as not revoked: ${serial}`)
    }
  }

  /** Whether the certificate that the entry is about is from the CA whose id begins so. */
  isFrom({ serial, issuerId }: AuditEntry, wanted: string | undefined): boolean {
    if (wanted === undefined) return true
    const record = serial === undefined ? undefined : this.#meantBy(serial, issuerId)
    return record !== undefined && issuerText(record).startsWith(wanted)
  }

  /** An entry that names no CA is of the time when serial numbers were unique. */
  #meantBy(serial: string, issuerId: string | undefined): IssuedRecord | undefined {
    const known = this.#bySerial.get(serial) ?? []
    const isMeant = ({ authority }: IssuedRecord) => authority === issuerId
    const found = issuerId === undefined ? known.length === 1 && known[0] : known.find(isMeant)
    if (found) return found
    const records = this.#ledger.listBySerial(serial)
    return issuerId === undefined ? records[0] : records.find(isMeant)
  }

  finish(): void {
    const issued = this.#issued.surplus()
    if (issued !== undefined) throw disagree(`the log does not tell who issued ${issued.name}, serial ${issued.serial}`)
    const revoked = this.#revoked.surplus()
    if (revoked !== undefined) {
      throw disagree(`the log does not tell who revoked ${revoked.name}, serial ${revoked.serial}`)
    }
  }
}

/**
 * Who signed a certificate decides what its revocation is worth, and entries of earlier versions do not tell: so all that
 * was signed with one certificate of a CA has to name the same CA, and that has to be there.
 */
function checkSigners(records: readonly IssuedRecord[]): void {
  const signers = new Map<string, string>()
  for (const { kind, serial } of records) if (kind === 'root' || kind === 'issuing') signers.set(serial, '')
  if (signers.size === 0) return
  for (const { name, serial, issuer, authority } of records) {
    const known = signers.get(issuer)
    if (known === undefined || (known !== authority && known !== '' && authority !== '')) {
      throw disagree(`the ledger names a CA that did not sign it for ${name}, serial ${serial}`)
    }
    signers.set(issuer, known || authority)
  }
}

/** Records of the ledger, ticked off as their entries come. */
class Ticks {
  /** How many of them are older than the log, or came with an import: without an entry of their own. */
  withoutEntry = 0
  readonly #open: Map<string, IssuedRecord>

  constructor(records: readonly IssuedRecord[]) {
    this.#open = new Map(records.map((record) => [certificateKey(record), record]))
  }

  tick(record: IssuedRecord): boolean {
    return this.#open.delete(certificateKey(record))
  }

  /** The newest record that should have an entry and has none. */
  surplus(): IssuedRecord | undefined {
    if (this.#open.size === this.withoutEntry) return undefined
    if (this.#open.size > this.withoutEntry) return [...this.#open.values()].at(-1)
    const missing = this.withoutEntry - this.#open.size
    throw disagree(`${missing} of the certificates that were there before the log are not in the ledger any more`)
  }
}

function disagree(what: string): XmppkiError {
  return new XmppkiError('CORRUPT', `audit log and ledger disagree: ${what}`, {
    hint: 'one of them was changed or cut back; compare with a backup, or with where the log was sent to',
  })
}
