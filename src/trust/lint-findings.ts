import { DEFAULT_MIN_RSA_BITS } from '../pki/keys/key-strength.ts'
import { type Finding, lintCertificate } from '../pki/lint/lint.ts'
import type { CertificateKind } from '../pki/lint/rule.ts'
import type { Purpose } from './checks.ts'
import { judgeAlone } from './judgement.ts'
import { isRefusal, type Refusal, type RefusalName } from './refusal.ts'
import { SignedCertificate } from './signed-certificate.ts'

const PURPOSES: Record<CertificateKind, Purpose | undefined> = {
  client: 'clientAuth',
  server: 'serverAuth',
  ca: undefined,
  ocsp: undefined,
}

/** Rules that say in their own words why a certificate is refused. */
const SAID_BY: Partial<Record<RefusalName, readonly string[]>> = {
  malformed: ['version-3', 'names-well-formed', 'extensions-once', 'signature-algorithms-agree', 'strong-key'],
  'critical-extension': ['critical-extensions-known'],
  'not-for-client-auth': ['client-purpose', 'digital-signature'],
  'not-for-server-auth': ['server-purpose', 'digital-signature'],
  'weak-key': ['strong-key'],
  'unsupported-key': ['strong-key'],
}

/**
 * Holds a certificate against all rules for its kind, and adds what logins would refuse it for on sight, whoever has issued
 * it, where no rule has said so: the name of the finding is that of the refusal.
 * @param options as those of `lintCertificate`
 * @throws XmppkiError BAD_INPUT when it is not a certificate at all
 */
export function lintFindings(
  der: Uint8Array,
  options: { readonly source: string; readonly kind?: CertificateKind | undefined; readonly now: Date },
): { readonly kind: CertificateKind; readonly findings: readonly Finding[] } {
  const { now, ...others } = options
  const { kind, findings } = lintCertificate(der, others)
  const refusal = refusalOnSight(der, PURPOSES[kind], now)
  return refusal === undefined || isSaid(refusal, findings)
    ? { kind, findings }
    : { kind, findings: [...findings, findingOf(refusal)] }
}

function refusalOnSight(der: Uint8Array, purpose: Purpose | undefined, now: Date): Refusal | undefined {
  const certificate = SignedCertificate.open(der)
  if (isRefusal(certificate)) return certificate
  return judgeAlone(certificate, { purpose, minRsaBits: DEFAULT_MIN_RSA_BITS }, now)
}

function isSaid({ check }: Refusal, findings: readonly Finding[]): boolean {
  const rules = SAID_BY[check] ?? []
  return findings.some(({ rule, severity }) => severity === 'error' && rules.includes(rule))
}

function findingOf({ check, reason }: Refusal): Finding {
  return { rule: check, citation: 'RFC 5280 §6.1.3', severity: 'error', message: `it is refused: ${reason}` }
}
