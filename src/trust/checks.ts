import { OID } from '../pki/der/oids.ts'
import type { CertificateFacts } from '../pki/x509/certificate.ts'
import type { RawCertificate } from '../pki/x509/certificate-der.ts'
import type { Refusal } from './refusal.ts'

/** What an end entity may prove in TLS. */
export type Purpose = 'clientAuth' | 'serverAuth'

/** Whether the certificate is valid at this moment. */
export function checkValidity(
  { notBefore, notAfter }: Pick<RawCertificate, 'notBefore' | 'notAfter'>,
  now: Date,
): Refusal | undefined {
  if (now < notBefore) return { check: 'not-yet-valid', reason: `not valid before ${notBefore.toISOString()}` }
  // RFC 5280 §4.1.2.5: notAfter is inclusive, and a second lasts until the next one begins.
  if (now.getTime() >= notAfter.getTime() + 1000) {
    return { check: 'expired', reason: `expired on ${notAfter.toISOString()}` }
  }
  return undefined
}

/** The first few of a list that a peer may have made long. */
function some(list: readonly string[]): string {
  return list.length > 3 ? `${list.slice(0, 3).join(', ')} …` : list.join(', ')
}

/** What holds for every certificate of a path: readable without doubt and nothing critical unknown. */
export function checkForm(facts: CertificateFacts): Refusal | undefined {
  if (facts.malformed.length > 0) return { check: 'malformed', reason: some(facts.malformed) }
  if (facts.unknownCritical.length > 0) {
    return { check: 'critical-extension', reason: `unknown critical extension ${some(facts.unknownCritical)}` }
  }
  return undefined
}

/** Whether key usage and key purposes, where they are stated, allow this use of an end entity's certificate. */
export function checkPurpose(
  { keyUsage, extendedKeyUsage }: Pick<CertificateFacts, 'keyUsage' | 'extendedKeyUsage'>,
  purpose: Purpose,
): Refusal | undefined {
  const check = purpose === 'clientAuth' ? 'not-for-client-auth' : 'not-for-server-auth'
  // RFC 8446 §4.4.2.2: where the extension is present, a key that signs needs digitalSignature.
  if (keyUsage !== undefined && !keyUsage.includes('digitalSignature')) {
    return { check, reason: 'key usage without digitalSignature' }
  }
  // anyExtendedKeyUsage is not enough: RFC 5280 §4.2.1.12 lets us insist on the purpose, as OpenSSL does.
  if (extendedKeyUsage !== undefined && !extendedKeyUsage.includes(OID[purpose])) {
    return { check, reason: `extended key usage without ${purpose}` }
  }
  return undefined
}
