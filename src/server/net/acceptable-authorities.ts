import { TAG } from '../../pki/der/der.ts'
import { context, element, integer, oid, sequence, time } from '../../pki/der/der-writer.ts'
import { OID } from '../../pki/der/oids.ts'
import { decodePemAll, encodePem } from '../../pki/der/pem.ts'
import { readRawCertificate } from '../../pki/x509/certificate-der.ts'

const ALGORITHM = sequence(oid(OID.ed25519))
const VALIDITY = sequence(time(new Date('2000-01-01T00:00:00Z')), time(new Date('2099-12-31T23:59:59Z')))
/** Of a key that can agree upon secrets and sign nothing (RFC 8410 §3): no certificate can be its own. */
const KEY_INFO = sequence(sequence(oid(OID.x25519)), bitString(32))
const SIGNATURE = bitString(64)

function bitString(octets: number): Uint8Array {
  return element(TAG.bitString, new Uint8Array(1 + octets))
}

function standInFor(subject: Uint8Array): Uint8Array {
  const version = context(0, integer(2))
  const tbs = sequence(version, integer(1), ALGORITHM, subject, VALIDITY, subject, KEY_INFO)
  return sequence(tbs, ALGORITHM, SIGNATURE)
}

/**
 * Certificates (PEM) with the names of these CAs and nothing else of them, for `ca` of a TLS context: the server names
 * them to clients as the CAs that it accepts (RFC 8446 §4.2.4), and that is all that TLS shall do with them. OpenSSL would
 * verify the client's certificate by the CAs themselves. When a signature does not fit, it leaves the error in a queue where
 * Node.js finds it and takes it for one of the connection, which then dies without a word, before anybody could use a
 * password instead. We judge certificates ourselves, so nothing is lost.
 * @param pems one certificate each
 */
export function acceptableAuthorities(pems: readonly string[]): string[] {
  const ders = pems.flatMap((pem) => decodePemAll(pem, 'CERTIFICATE', 'a CA'))
  return ders.map((der) => encodePem('CERTIFICATE', standInFor(readRawCertificate(der).subject.raw)))
}
