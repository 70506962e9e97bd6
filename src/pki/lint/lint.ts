import type { KeyObject } from 'node:crypto'
import { XmppkiError } from '../../errors.ts'
import { DerError, readSingle, TAG } from '../der/der.ts'
import { OID } from '../der/oids.ts'
import { openPublicKey } from '../keys/key-facts.ts'
import { keyFault } from '../keys/key-strength.ts'
import { readSignedStructure, signatureAlgorithmName } from '../keys/signature.ts'
import { signatureFault } from '../keys/signature-strength.ts'
import { type CertificateFacts, readCertificate } from '../x509/certificate.ts'
import { type RawCertificate, readRawCertificate } from '../x509/certificate-der.ts'
import { HOUSE_RULES } from './house.ts'
import { RFC5280_RULES } from './rfc5280.ts'
import { RFC6120_RULES } from './rfc6120.ts'
import { RFC6960_RULES } from './rfc6960.ts'
import type { CertificateKind, LintSubject, Rule, Severity } from './rule.ts'

/** A broken rule. */
export interface Finding {
  /** The `id` of the rule. */
  readonly rule: string
  readonly citation: string
  readonly severity: Severity
  readonly message: string
}

/** Every rule, in the order of reports. */
export const RULES: readonly Rule[] = [...RFC5280_RULES, ...RFC6120_RULES, ...RFC6960_RULES, ...HOUSE_RULES]

/** What the certificate seems to be for; one that says nothing at all is taken for a client's, unless it signed itself. */
function guessKind(facts: CertificateFacts, selfIssued: boolean): CertificateKind {
  const { extendedKeyUsage = [], dnsNames, srvNames, xmppAddrs, emails, keyUsage } = facts
  const named = dnsNames.length + srvNames.length + xmppAddrs.length + emails.length > 0
  if (!named && (keyUsage?.includes('keyCertSign') || (selfIssued && extendedKeyUsage.length === 0))) return 'ca'
  if (extendedKeyUsage.includes(OID.clientAuth)) return 'client'
  if (extendedKeyUsage.includes(OID.ocspSigning)) return 'ocsp'
  if (extendedKeyUsage.includes(OID.serverAuth) || dnsNames.length + srvNames.length > 0) return 'server'
  return 'client'
}

/** The fields that `readCertificate` does not look into may still be damaged. */
function signatureOf(der: Uint8Array, source: string): LintSubject['signature'] {
  try {
    const { algorithm } = readSignedStructure(readSingle(der, TAG.sequence))
    return { name: signatureAlgorithmName(algorithm).name, fault: signatureFault(algorithm) }
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw new XmppkiError('BAD_INPUT', `${source} has a damaged signature: ${error.message}`, { cause: error })
  }
}

function keyFaultOf({ publicKeyInfo }: RawCertificate): string | undefined {
  try {
    return keyFault(publicKeyInfo)?.reason
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return `a key that is damaged: ${error.message}`
  }
}

/** What to judge a certificate by. */
interface LintOptions {
  /** Names the certificate in errors. */
  readonly source: string
  /** What it is for; undefined to judge by what it says. */
  readonly kind?: CertificateKind | undefined
  /** Its key, where it is at hand: OpenSSL takes longer to read one than all the rules. */
  readonly key?: KeyObject | undefined
}

function subjectOf(der: Uint8Array, { source, kind, key }: LintOptions): LintSubject {
  const facts = readCertificate(der, source)
  const raw = readRawCertificate(der)
  const selfIssued = Buffer.compare(raw.issuer.raw, raw.subject.raw) === 0
  return {
    kind: kind ?? guessKind(facts, selfIssued),
    raw,
    facts,
    key: key ?? openPublicKey(raw.publicKeyInfo.raw),
    keyFault: keyFaultOf(raw),
    signature: signatureOf(der, source),
    selfIssued,
    extension: (oid) => raw.extensions.find((found) => found.oid === oid),
  }
}

/**
 * Holds a certificate against all rules for its kind. The signature is not looked at, so it need not be there yet.
 * @throws XmppkiError BAD_INPUT when it is not a certificate at all
 */
export function lintCertificate(
  der: Uint8Array,
  options: LintOptions,
): { readonly kind: CertificateKind; readonly findings: readonly Finding[] } {
  const subject = subjectOf(der, options)
  const findings = RULES.filter(({ kinds }) => kinds.includes(subject.kind)).flatMap((rule) => {
    const message = rule.check(subject)
    const { id, citation, severity } = rule
    return message === undefined ? [] : [{ rule: id, citation, severity, message }]
  })
  return { kind: subject.kind, findings }
}
