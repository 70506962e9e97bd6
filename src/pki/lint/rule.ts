import type { KeyObject } from 'node:crypto'
import type { StrengthFault } from '../keys/strength-fault.ts'
import type { CertificateFacts } from '../x509/certificate.ts'
import type { RawCertificate, RawExtension } from '../x509/certificate-der.ts'

/** What a certificate is for; decides which rules apply. */
export type CertificateKind = 'ca' | 'client' | 'server' | 'ocsp'

/** `error` for a MUST or what breaks logins, `warning` for a SHOULD, `notice` for what one may want to know. */
export type Severity = 'error' | 'warning' | 'notice'

/** A certificate as the rules see it. */
export interface LintSubject {
  readonly kind: CertificateKind
  readonly raw: RawCertificate
  readonly facts: CertificateFacts
  /** Undefined when OpenSSL cannot read the key. */
  readonly key: KeyObject | undefined
  /** Why the key is not accepted in a login; undefined when it is. */
  readonly keyFault: string | undefined
  readonly signature: { readonly name: string; readonly fault: StrengthFault | undefined }
  /** Issuer and subject are the same. */
  readonly selfIssued: boolean
  /** The first extension with this identifier. */
  readonly extension: (oid: string) => RawExtension | undefined
}

/** One rule: where it comes from, whom it concerns, and what is wrong when it is broken. */
export interface Rule {
  /** Stable, for scripts. */
  readonly id: string
  /** The section that demands it, or `house` with a reason in the text. */
  readonly citation: string
  readonly severity: Severity
  readonly kinds: readonly CertificateKind[]
  /** What is wrong, for people; undefined when the rule is kept. */
  readonly check: (subject: LintSubject) => string | undefined
}

/** Every kind of certificate. */
export const ANY: readonly CertificateKind[] = ['ca', 'client', 'server', 'ocsp']

/** All but CA certificates. */
export const END_ENTITY: readonly CertificateKind[] = ['client', 'server', 'ocsp']

/** Those that name somebody in XMPP and prove it in TLS. */
export const XMPP_ENTITY: readonly CertificateKind[] = ['client', 'server']

/** The message when the condition holds: rules read as "wrong when …". */
export function when(broken: boolean, message: string): string | undefined {
  return broken ? message : undefined
}

/** The message about the first of these values that is wrong. */
export function firstBad(
  values: readonly string[],
  isBad: (value: string) => boolean,
  message: (value: string) => string,
): string | undefined {
  const bad = values.find(isBad)
  return bad === undefined ? undefined : message(JSON.stringify(bad))
}
