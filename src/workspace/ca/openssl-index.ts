import { XmppkiError } from '../../errors.ts'
import { parseSerialNumber } from '../../pki/x509/serial-number.ts'

/** One line of the database of `openssl ca`. */
export interface IndexEntry {
  /** Lower-case hexadecimal, as the ledger has it. */
  readonly serial: string
  readonly notAfter: Date
  readonly revokedAt: Date | undefined
  /** A CRLReason name (RFC 5280 §5.3.1); undefined when none was given. */
  readonly reason: string | undefined
  /** The certificate file; undefined for the usual `unknown`. */
  readonly file: string | undefined
  /** `/CN=alice/O=…`, for people. */
  readonly subject: string
}

/** What `openssl ca -revoke` writes, by RFC 5280's names; `keyTime` and `holdInstruction` come with an argument. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['unspecified', 'unspecified'],
  ['keyCompromise', 'keyCompromise'],
  ['CACompromise', 'cACompromise'],
  ['affiliationChanged', 'affiliationChanged'],
  ['superseded', 'superseded'],
  ['cessationOfOperation', 'cessationOfOperation'],
  ['certificateHold', 'certificateHold'],
  ['holdInstruction', 'certificateHold'],
  ['keyTime', 'keyCompromise'],
  ['CAkeyTime', 'cACompromise'],
  // It has been taken back, but the line says revoked: the safe side.
  ['removeFromCRL', 'unspecified'],
])

const TIME = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/

/** ASN.1 UTCTime or GeneralizedTime as text (RFC 5280 §4.1.2.5). */
function parseTime(text: string): Date | undefined {
  const [, yearText = '', month, day, hour, minute, second] = TIME.exec(text) ?? []
  const short = yearText.length === 2 ? (Number(yearText) >= 50 ? 1900 : 2000) : 0
  const year = String(short + Number(yearText)).padStart(4, '0')
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(date.getTime()) ? undefined : date
}

function parseRevocation(text: string): Pick<IndexEntry, 'revokedAt' | 'reason'> | undefined {
  const [time = '', reason] = text.split(',')
  const revokedAt = parseTime(time)
  const name = reason === undefined ? undefined : REASONS.get(reason)
  if (revokedAt === undefined || (reason !== undefined && name === undefined)) return undefined
  return { revokedAt, reason: name }
}

function parseLine(line: string): IndexEntry | undefined {
  const [status = '', end = '', revocation = '', serialText = '', file = '', ...rest] = line.split('\t')
  const notAfter = parseTime(end)
  const serial = parseSerialNumber(serialText)
  const revoked = status === 'R' ? parseRevocation(revocation) : { revokedAt: undefined, reason: undefined }
  const known = /^[VRE]$/.test(status) && rest.length > 0
  if (!known || notAfter === undefined || serial === undefined || revoked === undefined) return undefined
  const unknown = file === '' || file === 'unknown'
  return { serial, notAfter, ...revoked, file: unknown ? undefined : file, subject: rest.join('\t') }
}

/**
 * Reads the database of `openssl ca` (`index.txt`), which easy-rsa keeps as well.
 * @param source names the file in errors
 * @throws {XmppkiError} BAD_INPUT that names the line that cannot be read or whose serial number is there twice
 */
export function parseOpensslIndex(text: string, source: string): IndexEntry[] {
  const entries = new Map<string, IndexEntry>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === '') continue
    const entry = parseLine(line)
    const problem = entry === undefined ? 'is not one of openssl ca' : 'has the serial number of an earlier one'
    if (entry === undefined || entries.has(entry.serial)) {
      throw new XmppkiError('BAD_INPUT', `line ${index + 1} of ${source} ${problem}`, {
        hint: 'nothing was imported; correct the file, or import the CA without it',
      })
    }
    entries.set(entry.serial, entry)
  }
  return [...entries.values()]
}
