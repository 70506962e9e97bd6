import type { CertificateId } from '../../store/certificate-id.ts'
import type { Enrolment } from '../../store/enrolments.ts'
import type { Refusal } from '../../trust/refusal.ts'
import type { Credential } from '../../xmpp/sasl/mechanism.ts'

/** The certificate that a client has logged in with, for as long as its session lasts. */
export interface CertificateCredential extends Credential {
  readonly mechanism: 'EXTERNAL'
  /** Serial number as in the ledger. */
  readonly serial: string
  /** Issuer for logs and people. */
  readonly issuer: string
  /** SHA-256 of the DER, lower-case hexadecimal. */
  readonly fingerprint: string
  /** The certificate, then the CAs of the path on which it was found good; none where no CA vouches for it. */
  ids(): readonly CertificateId[]
  /** The last seconds of everything that the login may rest on, in any order. */
  ends(): readonly Date[]
  /** What the account said when it enrolled the certificate (XEP-0257); undefined for one that a CA vouches for. */
  readonly enrolment?: Pick<Enrolment, 'mayManage' | 'vouchedBy' | 'voucher'>
  /** DER of the certificate and of the CAs on whose path it was found good; missing where no CA vouches for it. */
  chain?(): readonly Uint8Array[]
  /** What speaks against the certificate by now, all checks of the login made anew. */
  judge(): Refusal | undefined
}

function isCertificate(credential: Credential): credential is CertificateCredential {
  return 'fingerprint' in credential
}

/** The certificate, if it is one; undefined for a password. */
export function certificateOf(credential: Credential | undefined): CertificateCredential | undefined {
  return credential !== undefined && isCertificate(credential) ? credential : undefined
}
