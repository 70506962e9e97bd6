import { parseDomain } from './domain.ts'
import type { AlternativeName } from './names.ts'

/** Bits of the keyUsage extension (RFC 5280 §4.2.1.3) that profiles set. */
export type ProfileKeyUsage = 'digitalSignature' | 'keyEncipherment' | 'keyCertSign' | 'cRLSign'

/** Key purposes (RFC 5280 §4.2.1.12) that profiles give. */
export type KeyPurpose = 'clientAuth' | 'serverAuth' | 'ocspSigning'

/** What an extension is going to say (RFC 5280 §4.2), before anybody has written it. */
export type ExtensionContent =
  | {
      readonly type: 'basicConstraints'
      /** Undefined for an end entity. */
      readonly pathLength: number | undefined
    }
  | { readonly type: 'keyUsage'; readonly usages: readonly ProfileKeyUsage[] }
  | { readonly type: 'extKeyUsage'; readonly purpose: KeyPurpose }
  | { readonly type: 'ocspNoCheck' }
  | { readonly type: 'subjectAltName'; readonly names: readonly AlternativeName[] }
  | { readonly type: 'nameConstraints'; readonly permitted: readonly AlternativeName[] }
  | { readonly type: 'subjectKeyIdentifier' | 'authorityKeyIdentifier'; readonly keyIdentifier: Uint8Array }
  | { readonly type: 'cRLDistributionPoints'; readonly url: string }
  | {
      readonly type: 'authorityInfoAccess'
      readonly locations: readonly { readonly method: 'ocsp' | 'caIssuers'; readonly url: string }[]
    }

/** One extension to be written. */
export type ProfileExtension = ExtensionContent & { readonly critical: boolean }

/** basicConstraints of a CA with this pathLenConstraint, or of an end entity (RFC 5280 §4.2.1.9). */
export function basicConstraints(authority?: { readonly pathLength: number }): ProfileExtension {
  return { type: 'basicConstraints', critical: true, pathLength: authority?.pathLength }
}

/** keyUsage (RFC 5280 §4.2.1.3) */
export function keyUsage(...usages: readonly ProfileKeyUsage[]): ProfileExtension {
  return { type: 'keyUsage', critical: true, usages }
}

/** extKeyUsage with one purpose (RFC 5280 §4.2.1.12) */
export function keyPurpose(purpose: KeyPurpose): ProfileExtension {
  return { type: 'extKeyUsage', critical: false, purpose }
}

/** id-pkix-ocsp-nocheck: nobody need ask whether the responder itself was revoked (RFC 6960 §4.2.2.2.1). */
export function ocspNoCheck(): ProfileExtension {
  return { type: 'ocspNoCheck', critical: false }
}

/** subjectAltName; critical when the subject is empty (RFC 5280 §4.2.1.6). */
export function alternativeNames(names: readonly AlternativeName[], commonName: string | undefined): ProfileExtension {
  return { type: 'subjectAltName', critical: commonName === undefined, names }
}

/**
 * Permitted subtrees for hosts and mail addresses. There is none for xmppAddr: OpenSSL refuses
 * constraints on otherName (X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE).
 * @throws XmppkiError BAD_NAME for what is not a domain
 */
export function nameConstraints(domains: readonly string[]): ProfileExtension {
  const permitted = domains
    .map((domain) => parseDomain(domain).ascii)
    .flatMap((domain): AlternativeName[] => [
      { kind: 'dNSName', text: domain },
      // RFC 5280 §4.2.1.10: in rfc822Name `a.b` is the host alone and `.a.b` the hosts below it.
      { kind: 'rfc822Name', text: domain },
      { kind: 'rfc822Name', text: `.${domain}` },
    ])
  return { type: 'nameConstraints', critical: true, permitted }
}

/** subjectKeyIdentifier (RFC 5280 §4.2.1.2) */
export function subjectKeyIdentifier(keyIdentifier: Uint8Array): ProfileExtension {
  return { type: 'subjectKeyIdentifier', critical: false, keyIdentifier }
}

/** authorityKeyIdentifier with the keyIdentifier alone (RFC 5280 §4.2.1.1) */
export function authorityKeyIdentifier(keyIdentifier: Uint8Array): ProfileExtension {
  return { type: 'authorityKeyIdentifier', critical: false, keyIdentifier }
}
