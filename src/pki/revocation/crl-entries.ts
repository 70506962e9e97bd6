import { DerError, DerReader, readSingle, TAG } from '../der/der.ts'
import { OID } from '../der/oids.ts'
import { readExtension } from '../x509/certificate-der.ts'
import { directoryNameKeys } from './distribution-points.ts'
import { readLooseTime } from './loose-time.ts'
import { type RevocationReason, reasonOfCode } from './revocation-reason.ts'

/** Extensions of entries that are understood here; most change nothing about the certificate being revoked. */
const KNOWN_EXTENSIONS: ReadonlySet<string> = new Set([
  OID.cRLReasons,
  OID.holdInstructionCode,
  OID.invalidityDate,
  OID.certificateIssuer,
])

/** What entries with a reason and nothing else have behind their date, but for the reason itself. */
const ONLY_A_REASON = Buffer.from('300c300a0603551d1504030a01', 'hex')

/** One entry of a CRL as it was read. */
export interface CrlEntry {
  /** Two's complement in its shortest form. */
  readonly serial: Uint8Array
  /** Undefined when it cannot be read; revoked it is all the same. */
  readonly revokedAt: Date | undefined
  /** Undefined as well for numbers without a meaning (RFC 5280 §5.3.1), 7 for example. */
  readonly reason: RevocationReason | undefined
  /** Names of the CAs that it says it is about, see `nameKey`; undefined where it does not say so (RFC 5280 §5.3.3). */
  readonly issuers: readonly string[] | undefined
  /** Critical extensions that nobody here understands (RFC 5280 §5.3). */
  readonly unknownCritical: readonly string[]
  /** Whether a part of it cannot be read. */
  readonly isDamaged: boolean
}

type Details = Pick<CrlEntry, 'reason' | 'issuers' | 'unknownCritical' | 'isDamaged'>

const NO_DETAILS: Details = { reason: undefined, issuers: undefined, unknownCritical: [], isDamaged: false }

/** Undefined for what is not the DER that was expected. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof DerError) return undefined
    throw error
  }
}

function readReason(value: Uint8Array): RevocationReason | undefined {
  const { length, content } = readSingle(value, TAG.enumerated)
  return length === 1 ? reasonOfCode(content[0]) : undefined
}

function readDetails(extensions: DerReader): Details {
  let { reason, issuers }: Details = NO_DETAILS
  const unknownCritical: string[] = []
  let isDamaged = false
  while (!extensions.done) {
    const read = attempt(() => {
      const { oid, critical, value } = readExtension(extensions.next())
      if (oid === OID.cRLReasons) reason = readReason(value)
      else if (oid === OID.certificateIssuer) issuers = directoryNameKeys(readSingle(value, TAG.sequence).reader())
      else if (critical && !KNOWN_EXTENSIONS.has(oid)) unknownCritical.push(oid)
      return true
    })
    if (read === undefined) {
      isDamaged = true
      break
    }
  }
  return { reason, issuers, unknownCritical, isDamaged }
}

/**
 * Walks the entries of a CRL (RFC 5280 §5.1.2.6) without making anything for each: large lists have millions. What is not
 * as it should be is passed over and counted; an odd entry takes nothing from the others.
 */
export class EntryCursor {
  readonly #octets: Buffer
  #next: number
  #content = 0
  #contentEnd = 0
  /** Where the entry begins. */
  start = 0
  #end = 0
  /** Where its serial number begins, in its shortest form, and where it ends. */
  serialStart = 0
  serialEnd = 0
  /** Entries so far without a serial number that can be read. */
  unreadable = 0

  /** @param octets the content of revokedCertificates */
  constructor(octets: Uint8Array, start = 0) {
    this.#octets = Buffer.from(octets.buffer, octets.byteOffset, octets.length)
    this.#next = start
  }

  /** Goes on to the next entry that has a serial number; false when there is none. */
  next(): boolean {
    const octets = this.#octets
    while (this.#next < octets.length) {
      this.start = this.#next
      if (!this.#open(this.start, octets.length)) {
        // Without its length nothing says where the next one begins.
        this.unreadable += 1
        this.#next = octets.length
        return false
      }
      const [content, end] = [this.#content, this.#contentEnd]
      this.#next = end
      this.#end = end
      if (octets[this.start] === TAG.sequence && octets[content] === TAG.integer && this.#open(content, end)) {
        this.#trimSerial()
        if (this.serialStart < this.serialEnd) return true
      }
      this.unreadable += 1
    }
    return false
  }

  /** Whether it has nothing but serial number, date and at most a reason, as nearly all have. */
  get isPlain(): boolean {
    const date = this.#octets[this.serialEnd]
    if (date !== TAG.utcTime && date !== TAG.generalizedTime) return false
    if (!this.#open(this.serialEnd, this.#end)) return false
    const rest = this.#contentEnd
    if (rest === this.#end) return true
    return (
      rest + ONLY_A_REASON.length + 1 === this.#end &&
      this.#octets.compare(ONLY_A_REASON, 0, ONLY_A_REASON.length, rest, this.#end - 1) === 0
    )
  }

  /** The whole entry. */
  read(): CrlEntry {
    const reader = new DerReader(this.#octets, this.serialEnd, this.#end)
    const revokedAt = attempt(() => readLooseTime(reader.next()))
    const details = attempt(() => {
      const extensions = reader.readOptional(TAG.sequence)
      reader.finish()
      return extensions === undefined ? NO_DETAILS : readDetails(extensions.reader())
    })
    const serial = this.#octets.subarray(this.serialStart, this.serialEnd)
    const isDamaged = revokedAt === undefined || details === undefined || details.isDamaged
    return { ...(details ?? NO_DETAILS), serial, revokedAt, isDamaged }
  }

  /** Finds the content of the element there; false when it does not end before the limit. */
  #open(at: number, limit: number): boolean {
    const octets = this.#octets
    let length = octets[at + 1] ?? 0
    let content = at + 2
    if (length >= 0x80) {
      const count = length & 0x7f
      if (count === 0 || count > 4) return false
      length = 0
      for (const end = content + count; content < end; content += 1) length = length * 256 + (octets[content] ?? 0)
    }
    this.#content = content
    this.#contentEnd = content + length
    return this.#contentEnd <= limit
  }

  /** Leaves out what two's complement does not need: some CAs write leading zeros. */
  #trimSerial(): void {
    const octets = this.#octets
    const end = this.#contentEnd
    let start = this.#content
    for (; end - start > 1; start += 1) {
      const [first, second = 0] = [octets[start], octets[start + 1]]
      if (!((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) break
    }
    this.serialStart = start
    this.serialEnd = end
  }
}
