import { hash } from 'node:crypto'
import type { RawCertificate } from './certificate-der.ts'
import { nameKey } from './name-key.ts'

/**
 * What a CA is, whichever of its certificates one holds: its name and its key, as 64 hexadecimal digits (SHA-256). Serial
 * numbers are unique within it (RFC 5280 §4.1.2.2), and a CA certificate that is renewed with the same key leaves it as
 * it is.
 * @throws DerError when the subject is not a name
 */
export function authorityId({ subject, publicKeyInfo }: Pick<RawCertificate, 'subject' | 'publicKeyInfo'>): string {
  return hash('sha256', `${nameKey(subject)}\n${publicKeyInfo.hex()}`, 'hex')
}
