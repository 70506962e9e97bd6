import { hash, type KeyObject } from 'node:crypto'
import { DerError, readSingle, TAG } from '../der/der.ts'
import { element } from '../der/der-writer.ts'
import { decodePem } from '../der/pem.ts'
import { formatSerial } from '../x509/certificate.ts'
import { type CrlEntry, EntryCursor } from './crl-entries.ts'
import { type CrlHeader, openCrl } from './crl-reader.ts'
import { isSignedNow, readCrlSignature } from './crl-signature.ts'
import type { RevokedEntry } from './revoked-entry.ts'

/** All that a CRL says, each entry an object of its own: for lists of which it is known that they are small, and to show. */
export interface CrlFacts extends Omit<CrlHeader, 'entries'> {
  /** In the order of the file; those whose serial number cannot be read are left out. */
  readonly entries: readonly RevokedEntry[]
  /** Critical extensions of the list or an entry that are not understood (RFC 5280 §5.2). */
  readonly unknownCritical: readonly string[]
  /** SHA-256 of the DER, lower-case hexadecimal. */
  readonly fingerprint: string
}

function toRevoked({ serial, revokedAt, reason }: CrlEntry, thisUpdate: Date): RevokedEntry {
  const integer = readSingle(element(TAG.integer, serial), TAG.integer)
  // It was revoked when the list was made, at the latest.
  const facts = { serial: formatSerial(integer), revokedAt: revokedAt ?? thisUpdate }
  return reason === undefined ? facts : { ...facts, reason }
}

/**
 * Reads a whole CRL (RFC 5280 §5); its signature is a matter of {@link isCrlSignedBy}.
 * @param crl PEM text (label `X509 CRL`) or DER
 * @param source names the file in errors
 * @throws XmppkiError BAD_INPUT for anything that is not exactly one CRL
 */
export function readCrl(crl: string | Uint8Array, source: string): CrlFacts {
  const der = typeof crl === 'string' ? decodePem(crl, 'X509 CRL', source) : crl
  const { entries: octets, faults, ...header } = openCrl(der, source)
  const entries: RevokedEntry[] = []
  const unknownCritical = new Set(header.unknownCritical)
  let damaged = 0
  const cursor = new EntryCursor(octets)
  while (cursor.next()) {
    const entry = cursor.read()
    for (const id of entry.unknownCritical) unknownCritical.add(id)
    if (entry.isDamaged) damaged += 1
    entries.push(toRevoked(entry, header.thisUpdate))
  }
  damaged += cursor.unreadable
  return {
    ...header,
    entries,
    unknownCritical: [...unknownCritical],
    faults: damaged === 0 ? faults : [...faults, damagedText(damaged)],
    fingerprint: hash('sha256', der, 'hex'),
  }
}

/** Follows "its CRL has". */
export function damagedText(count: number): string {
  return count === 1 ? 'an entry that cannot be read' : `${count} entries that cannot be read`
}

/** Whether the private half of this key signed the CRL. Never throws. */
export function isCrlSignedBy({ signed }: Pick<CrlHeader, 'signed'>, publicKey: KeyObject): boolean {
  try {
    return isSignedNow(signed, readCrlSignature(signed.algorithm), publicKey)
  } catch (error) {
    if (error instanceof DerError) return false
    throw error
  }
}
