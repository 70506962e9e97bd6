import type { CertificateCredential } from '../../../src/server/login/credential.ts'

/** What somebody has logged in with whose certificate is good for ever. */
export function certificateCredential(given: Partial<CertificateCredential> = {}): CertificateCredential {
  return {
    mechanism: 'EXTERNAL',
    serial: 'a1',
    issuer: 'CN=CA',
    fingerprint: 'f0',
    ids: () => [],
    ends: () => [],
    judge: () => undefined,
    ...given,
  }
}
