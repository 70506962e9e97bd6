import { OID } from '../der/oids.ts'
import { type Rule, when } from './rule.ts'

/** What RFC 6960 demands of a responder to which a CA delegates its answers. */
export const RFC6960_RULES: readonly Rule[] = [
  {
    id: 'ocsp-purpose',
    citation: 'RFC 6960 §4.2.2.2',
    severity: 'error',
    kinds: ['ocsp'],
    check: ({ facts }) =>
      when(facts.extendedKeyUsage?.includes(OID.ocspSigning) !== true, 'the extended key usage lacks OCSPSigning'),
  },
  {
    id: 'ocsp-signature',
    citation: 'RFC 5280 §4.2.1.12',
    severity: 'error',
    kinds: ['ocsp'],
    check: ({ facts: { keyUsage } }) =>
      when(
        keyUsage !== undefined && !keyUsage.includes('digitalSignature') && !keyUsage.includes('nonRepudiation'),
        'the key usage allows no signatures',
      ),
  },
  {
    id: 'ocsp-no-check',
    citation: 'RFC 6960 §4.2.2.2.1',
    severity: 'warning',
    kinds: ['ocsp'],
    check: ({ extension }) =>
      when(
        [OID.ocspNoCheck, OID.cRLDistributionPoints, OID.authorityInfoAccess].every(
          (id) => extension(id) === undefined,
        ),
        'neither id-pkix-ocsp-nocheck nor an address where one could ask whether the responder was revoked',
      ),
  },
]
