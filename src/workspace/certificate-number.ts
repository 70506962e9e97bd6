import { XmppkiError } from '../errors.ts'
import type { IssuedRecord, Ledger } from '../store/ledger.ts'

/** A certificate as people name it. */
export interface CertificateNumber {
  /** Lower-case hexadecimal, as the ledger has it. */
  readonly serial: string
  /** The first digits of the CA's id, where several CAs have given the number. */
  readonly issuerId?: string
}

/** What stands for the CA where it is shown and asked for: its id, or for want of it the serial number of its certificate. */
export function issuerText({ authority, issuer }: Pick<IssuedRecord, 'authority' | 'issuer'>): string {
  return authority === '' ? issuer : authority
}

/** The beginning of the id of a CA, as people give it. @throws {XmppkiError} BAD_INPUT */
export function parseIssuerId(text: string): string {
  const digits = text.trim().toLowerCase()
  if (/^[0-9a-f]{1,64}$/.test(digits)) return digits
  throw new XmppkiError('BAD_INPUT', `'${text}' is not the id of a CA`, {
    hint: 'give some of its first hexadecimal digits; it is the issuerId of: xmppki client list --json',
  })
}

/** Digits of an id that are shown: two CAs of a workspace do not share so many. */
const SHOWN = 12

/**
 * The client certificate that is meant, or what else has this number; undefined when nothing has.
 * @throws {XmppkiError} BAD_INPUT naming the candidates when there are several
 */
export function clientWith({ serial, issuerId = '' }: CertificateNumber, ledger: Ledger): IssuedRecord | undefined {
  const records = ledger.listBySerial(serial).filter((record) => issuerText(record).startsWith(issuerId))
  const [client, ...others] = records.filter(({ kind }) => kind === 'client')
  if (client === undefined || others.length === 0) return client ?? records[0]
  const candidates = [client, ...others].map((record) => {
    const name = record.device === '' ? record.name : `${record.name} (${record.device})`
    return `--issuer ${issuerText(record).slice(0, SHOWN)} for ${name}`
  })
  throw new XmppkiError('BAD_INPUT', `${candidates.length} CAs have given the serial number ${serial} to clients`, {
    hint: `say which is meant: ${candidates.join(', ')}; or give the certificate itself with --file`,
    spec: 'RFC 5280 §4.1.2.2',
  })
}
