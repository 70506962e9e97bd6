import { XmppkiError } from '../../errors.ts'
import { parseSerialNumber } from '../../pki/x509/serial-number.ts'
import type { SignerId } from '../../store/certificate-id.ts'
import type { IssuedRecord, Ledger } from '../../store/ledger.ts'
import { type Authority, signerId } from './authority.ts'

/** A certificate as people name it. */
export interface CertificateNumber {
  /** Lower-case hexadecimal, as the ledger has it. */
  readonly serial: string
  /** The first digits of the CA's id, or of the serial number of its certificate. */
  readonly issuerId?: string
}

/** What stands for the CA where it is shown and asked for: its id, or for want of it the serial number of its certificate. */
export function issuerText({ authority, issuer }: SignerId): string {
  return authority === '' ? issuer : authority
}

/** A serial number as openssl, browsers and people write it, as the ledger has it. @throws {XmppkiError} BAD_INPUT */
export function parseSerial(text: string): string {
  const serial = parseSerialNumber(text)
  if (serial !== undefined) return serial
  throw new XmppkiError('BAD_INPUT', `'${text}' is not a serial number`, {
    hint: 'write it in hexadecimal, with or without colons; xmppki client list shows them',
  })
}

/** The beginning of the id of a CA, as people give it. @throws {XmppkiError} BAD_INPUT */
export function parseIssuerId(text: string): string {
  const digits = text.trim().toLowerCase()
  if (/^-?[0-9a-f]{1,64}$/.test(digits)) return digits
  throw new XmppkiError('BAD_INPUT', `'${text}' is not the id of a CA`, {
    hint: 'give some of its first hexadecimal digits; it is the issuerId of: xmppki client list --json',
  })
}

/** Digits of an id that are shown: two CAs of a workspace do not share so many. */
const SHOWN = 12

function isMeant({ authority, issuer }: SignerId, issuerId: string): boolean {
  return authority.startsWith(issuerId) || issuer.startsWith(issuerId)
}

function flagFor(signer: SignerId): string {
  return `--issuer ${issuerText(signer).slice(0, SHOWN)}`
}

/**
 * The client certificate that is meant, or what else has this number; undefined when nothing has.
 * @throws {XmppkiError} BAD_INPUT naming the candidates when there are several
 */
export function clientWith({ serial, issuerId = '' }: CertificateNumber, ledger: Ledger): IssuedRecord | undefined {
  const records = ledger.listBySerial(serial).filter((record) => isMeant(record, issuerId))
  const [client, ...others] = records.filter(({ kind }) => kind === 'client')
  if (client === undefined || others.length === 0) return client ?? records[0]
  const candidates = [client, ...others].map((record) => {
    const name = record.device === '' ? record.name : `${record.name} (${record.device})`
    return `${flagFor(record)} for ${name}`
  })
  throw new XmppkiError('BAD_INPUT', `${candidates.length} CAs have given the serial number ${serial} to clients`, {
    hint: `say which is meant: ${candidates.join(', ')}; or give the certificate itself with --file`,
    spec: 'RFC 5280 §4.1.2.2',
  })
}

/**
 * The CA that must have given a number which the ledger does not know.
 * @throws {XmppkiError} NOT_FOUND when none is meant, BAD_INPUT naming them when it could be several
 */
export function giverOf({ serial, issuerId = '' }: CertificateNumber, authorities: readonly Authority[]): Authority {
  const [giver, ...others] = authorities.filter((authority) => isMeant(signerId(authority), issuerId))
  const choice = authorities.map((authority) => `${flagFor(signerId(authority))} (${authority.subject})`).join(', ')
  if (giver === undefined) {
    throw new XmppkiError('NOT_FOUND', `the workspace has no CA whose id begins with ${issuerId}`, {
      hint: `nothing was revoked; there are: ${choice}`,
    })
  }
  if (others.length === 0) return giver
  throw new XmppkiError('BAD_INPUT', `the ledger does not know the serial number ${serial}, and several CAs are here`, {
    hint: `say which of them has given it: ${choice}; or give the certificate itself with --file`,
  })
}
