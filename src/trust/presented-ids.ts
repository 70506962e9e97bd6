import type { X509Certificate } from 'node:crypto'
import { authorityId } from '../pki/authority-id.ts'
import { readRawCertificate } from '../pki/certificate-der.ts'
import type { CertificateId } from '../store/certificate-id.ts'
import { type Authority, authoritiesOf } from './chain.ts'

function idsOf(certificate: X509Certificate, signers: readonly Authority[]): CertificateId[] {
  const serial = certificate.serialNumber.toLowerCase()
  const raw = readRawCertificate(certificate.raw)
  const isOwn = Buffer.compare(raw.subject.raw, raw.issuer.raw) === 0
  const above = signers.filter((signer) => certificate.checkIssued(signer.certificate))
  return [
    ...(isOwn ? [{ authority: authorityId(raw), issuer: serial, serial }] : []),
    ...above.map(({ id, facts }) => ({ authority: id, issuer: facts.serial, serial })),
  ]
}

/**
 * What identifies a certificate, then the CAs that were sent with it, by whichever of these and of the anchors may have
 * signed them: names and key identifiers are compared, no signature.
 */
export function presentedIds(
  { leaf, intermediates }: { readonly leaf: X509Certificate; readonly intermediates: readonly X509Certificate[] },
  ...anchors: readonly (readonly Authority[])[]
): CertificateId[] {
  const signers = [...anchors.flat(), ...authoritiesOf(intermediates)]
  return [leaf, ...intermediates].flatMap((certificate) => idsOf(certificate, signers))
}
