import { booleanTrue, context, integer, namedBits, nullValue, oid, sequence } from '../der/der-writer.ts'
import { OID } from '../der/oids.ts'
import { parseDomain } from './domain.ts'
import { dnsName, rfc822Name } from './names.ts'

/** One extension to be written (RFC 5280 §4.2). */
export interface ProfileExtension {
  readonly oid: string
  readonly critical: boolean
  readonly value: Uint8Array
}

const KEY_USAGE_BIT = {
  digitalSignature: 0,
  keyEncipherment: 2,
  keyCertSign: 5,
  cRLSign: 6,
} as const

/** An extension with this value, not critical unless it is said. */
export function extension(id: string, value: Uint8Array, critical = false): ProfileExtension {
  return { oid: id, critical, value }
}

/** basicConstraints of a CA with this pathLenConstraint, or of an end entity (RFC 5280 §4.2.1.9). */
export function basicConstraints(authority?: { readonly pathLength: number }): ProfileExtension {
  const value = authority === undefined ? sequence() : sequence(booleanTrue(), integer(authority.pathLength))
  return extension(OID.basicConstraints, value, true)
}

/** keyUsage (RFC 5280 §4.2.1.3) */
export function keyUsage(...usages: readonly (keyof typeof KEY_USAGE_BIT)[]): ProfileExtension {
  return extension(OID.keyUsage, namedBits(usages.map((usage) => KEY_USAGE_BIT[usage])), true)
}

/** extKeyUsage with one purpose (RFC 5280 §4.2.1.12) */
export function keyPurpose(purpose: 'clientAuth' | 'serverAuth' | 'ocspSigning'): ProfileExtension {
  return extension(OID.extKeyUsage, sequence(oid(OID[purpose])))
}

/** id-pkix-ocsp-nocheck: nobody need ask whether the responder itself was revoked (RFC 6960 §4.2.2.2.1). */
export function ocspNoCheck(): ProfileExtension {
  return extension(OID.ocspNoCheck, nullValue())
}

/** subjectAltName; critical when the subject is empty (RFC 5280 §4.2.1.6). */
export function alternativeNames(value: Uint8Array, commonName: string | undefined): ProfileExtension {
  return extension(OID.subjectAltName, value, commonName === undefined)
}

/**
 * Permitted subtrees for hosts and mail addresses. There is none for xmppAddr: OpenSSL refuses
 * constraints on otherName (X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE).
 * @throws XmppkiError BAD_NAME for what is not a domain
 */
export function nameConstraints(domains: readonly string[]): ProfileExtension {
  const subtrees = domains
    .map((domain) => parseDomain(domain).ascii)
    // RFC 5280 §4.2.1.10: in rfc822Name `a.b` is the host alone and `.a.b` the hosts below it.
    .flatMap((domain) => [dnsName(domain), rfc822Name(domain), rfc822Name(`.${domain}`)])
    .map((name) => sequence(name))
  return extension(OID.nameConstraints, sequence(context(0, ...subtrees)), true)
}
