import type { KeyObject } from 'node:crypto'
import { XmppkiError } from '../errors.ts'
import { OID } from '../pki/der/oids.ts'
import { authorityId } from '../pki/x509/authority-id.ts'
import type { CertificateFacts } from '../pki/x509/certificate.ts'
import type { RawCertificate } from '../pki/x509/certificate-der.ts'
import { type NameConstraints, readNameConstraints } from '../pki/x509/name-constraints.ts'
import { nameKey } from '../pki/x509/name-key.ts'
import { isRefusal } from './refusal.ts'
import { SignedCertificate } from './signed-certificate.ts'

/** A certificate that may have issued others, with its public key parsed once. */
export interface CaCertificate {
  /** What the CA is, whichever of its certificates this one is: see {@link authorityId}. */
  readonly id: string
  /** Its name, to compare: see {@link nameKey}. */
  readonly name: string
  readonly certificate: SignedCertificate
  readonly facts: CertificateFacts
  readonly publicKey: KeyObject
  /** What it may name in the certificates below it; undefined when it says nothing about that. */
  readonly constraints: NameConstraints | undefined
}

/** The CAs above a certificate: who issued it, who issued that one, and so on to an anchor. Never empty. */
export type CertificationPath = readonly [CaCertificate, ...CaCertificate[]]

/** @param source names it in errors @throws XmppkiError BAD_INPUT when it is not a certificate that can be used */
export function caCertificateOf(der: Uint8Array, source: string): CaCertificate {
  const certificate = SignedCertificate.open(der)
  if (isRefusal(certificate)) throw new XmppkiError('BAD_INPUT', `${source} is ${certificate.reason}`)
  const { facts, raw } = certificate
  try {
    const { publicKey } = certificate.opened()
    return {
      id: authorityId(raw),
      name: nameKey(raw.subject),
      certificate,
      facts,
      publicKey,
      constraints: constraintsOf(raw),
    }
  } catch (error) {
    // OpenSSL meets key types that it does not know when the key is asked for.
    throw new XmppkiError('BAD_INPUT', `${source} is not a certificate that can be used`, { cause: error })
  }
}

function constraintsOf({ extensions }: RawCertificate): NameConstraints | undefined {
  const found = extensions.find(({ oid }) => oid === OID.nameConstraints)
  return found && readNameConstraints(found.value)
}

/** Whether its own name stands as that of its issuer: a root, or a CA that has rolled over its key (RFC 5280 §3.2). */
export function isSelfIssued({ name, certificate }: CaCertificate): boolean {
  return name === certificate.issuerName
}

/** Whether this certificate may issue others at all (RFC 5280 §6.1.4 k, n). */
export function mayIssue({ isCa, keyUsage }: CertificateFacts): boolean {
  return isCa && keyUsage?.includes('keyCertSign') !== false
}

/** As {@link mayIssue}; before version 3 a certificate cannot say so, and being configured says it (RFC 5280 §6.1.4 k). */
export function mayAnchor(facts: CertificateFacts): boolean {
  return facts.version < 3 || mayIssue(facts)
}
