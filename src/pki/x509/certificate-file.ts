import { TAG } from '../der/der.ts'
import { decodePemAll } from '../der/pem.ts'
import { readCertificate } from './certificate.ts'

/**
 * The certificates of a file, PEM (one or more) or DER (one), in order; each can be read.
 * @param source names the file in errors
 * @throws XmppkiError BAD_INPUT
 */
export function readCertificates(octets: Uint8Array, source: string): readonly [Uint8Array, ...Uint8Array[]] {
  const text = Buffer.from(octets).toString('latin1')
  const isPem = octets[0] !== TAG.sequence || text.includes('-----BEGIN CERTIFICATE-----')
  const [first = octets, ...others] = isPem ? decodePemAll(text, 'CERTIFICATE', source) : [octets]
  for (const der of [first, ...others]) readCertificate(der, source)
  return [first, ...others]
}
