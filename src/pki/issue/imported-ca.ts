import { XmppkiError } from '../../errors.ts'
import { DerError, TAG } from '../der/der.ts'
import { OID } from '../der/oids.ts'
import { decodePem, encodePem } from '../der/pem.ts'
import { keyFault } from '../keys/key-strength.ts'
import type { KeyPair } from '../keys/keys.ts'
import { softwareKey } from '../keys/signature.ts'
import type { StrengthFault } from '../keys/strength-fault.ts'
import { type CertificateFacts, openCertificate, readCertificate } from '../x509/certificate.ts'
import { type RawCertificate, readRawCertificate } from '../x509/certificate-der.ts'
import { type Issuer, loadIssuer } from './issuer.ts'

/** A root that another program made, found good enough to issue. */
export interface ImportedCa {
  readonly issuer: Issuer
  /** For people: what it lacks of what RFC 5280 asks of a CA, one sentence each. */
  readonly findings: readonly string[]
}

function refused(
  source: string,
  why: string,
  details: { readonly hint?: string; readonly spec?: string },
): XmppkiError {
  return new XmppkiError('BAD_INPUT', `${source} ${why}`, details)
}

/**
 * Whether what the CA signs can be accepted at all; a self-signed root may itself be signed with anything (RFC 5280 §6.1).
 * @param bytes PEM or DER
 * @param source names the certificate file in errors
 * @throws XmppkiError BAD_INPUT when it is not a certificate, or has a key that is damaged or that no login is accepted with
 */
export function checkCaKey(bytes: Uint8Array, source: string): void {
  const der = toDer(bytes, source)
  readCertificate(der, source)
  const fault = keyFaultOf(der, source)
  if (fault === undefined) return
  throw refused(source, `has ${fault.reason}: nobody could log in with what it signs (${fault.check})`, {
    hint: 'make a new CA with xmppki ca init, and issue new certificates',
    spec: 'RFC 8446 §4.2.3',
  })
}

function keyFaultOf(der: Uint8Array, source: string): StrengthFault | undefined {
  try {
    return keyFault(readRawCertificate(der).publicKeyInfo)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw refused(source, `has a key that is damaged: ${error.message}`, { spec: 'RFC 5280 §4.1.2.7' })
  }
}

/** Version 1 has no extensions, so nothing says that it is a CA's; readers of today do not take it for one. */
function checkVersion({ version, subject }: CertificateFacts, source: string): void {
  if (version === 3) return
  throw refused(source, `is a version ${version} certificate, which cannot say that it is a CA's (${subject})`, {
    hint:
      'make a version 3 certificate with the same key and the same name, certificates that were issued stay good: ' +
      'openssl req -x509 -new -key KEY -subj NAME -days 3650 -out CERT',
    spec: 'RFC 5280 §4.2.1.9',
  })
}

function checkPeriod({ notBefore, notAfter }: CertificateFacts, now: Date, source: string): void {
  if (now > notAfter) {
    throw refused(source, `expired on ${notAfter.toISOString()}`, {
      hint: 'make a new certificate with the same key and name, then import that',
    })
  }
  if (now < notBefore) {
    throw refused(source, `is not valid before ${notBefore.toISOString()}`, { hint: 'check the clock of this machine' })
  }
}

/** The chain that servers and clients get ends here, so it must be a trust anchor by itself. */
function checkSelfSigned(der: Uint8Array, raw: RawCertificate, facts: CertificateFacts, source: string): void {
  const certificate = openCertificate(der, source)
  const sameName = Buffer.compare(raw.issuer.raw, raw.subject.raw) === 0
  if (sameName && certificate.verify(certificate.publicKey)) return
  throw refused(source, `is not a root: it was issued by ${facts.issuer}`, {
    hint: 'import the root CA itself',
  })
}

/** What would be refused in every path that ends here. */
function checkUsable(facts: CertificateFacts, source: string): void {
  if (facts.subject === '') {
    throw refused(source, 'has no name, and what it issues must name its issuer', {
      hint: 'make a new CA with xmppki ca init',
      spec: 'RFC 5280 §4.1.2.4',
    })
  }
  const [malformed] = facts.malformed
  if (malformed !== undefined) throw refused(source, `is malformed: ${malformed}`, { spec: 'RFC 5280 §4.1' })
  const [unknown] = facts.unknownCritical
  if (unknown !== undefined) {
    throw refused(source, `has a critical extension that nobody here understands: ${unknown}`, {
      spec: 'RFC 5280 §4.2',
    })
  }
  const purposes = facts.extendedKeyUsage
  if (purposes === undefined || purposes.some((id) => id === OID.clientAuth || id === OID.anyExtendedKeyUsage)) return
  throw refused(source, 'is limited to key purposes other than that of TLS clients', { spec: 'RFC 5280 §4.2.1.12' })
}

/** What follows from it, and what does not. */
const NO_CRLS =
  'its keyUsage lacks cRLSign (RFC 5280 §4.2.1.3): there will be no CRL of it, so servers that look at CRLs alone will ' +
  'not learn what is revoked; serve and its OCSP responder will. Better import a certificate with the same key and name ' +
  'that has it: openssl req -x509 -new -key KEY -subj NAME -days 3650 -addext keyUsage=critical,keyCertSign,cRLSign'

function findingsOf(raw: RawCertificate, facts: CertificateFacts): string[] {
  const extension = (oid: string) => raw.extensions.find((candidate) => candidate.oid === oid)
  const findings: [boolean, string][] = [
    [facts.keyUsage === undefined, 'it has no keyUsage (RFC 5280 §4.2.1.3): strict programs refuse it'],
    [facts.keyUsage?.includes('cRLSign') === false, NO_CRLS],
    [extension(OID.basicConstraints)?.critical === false, 'its basicConstraints is not critical (RFC 5280 §4.2.1.9)'],
    [
      extension(OID.subjectKeyIdentifier) === undefined,
      'it has no subjectKeyIdentifier (RFC 5280 §4.2.1.2): strict programs refuse it',
    ],
    [facts.serial.startsWith('-'), 'its serial number is negative (RFC 5280 §4.1.2.2)'],
  ]
  return findings.filter(([applies]) => applies).map(([, text]) => text)
}

/** A file that starts with the octet of a SEQUENCE is DER: PEM starts with text. */
function toDer(bytes: Uint8Array, source: string): Uint8Array {
  return bytes[0] === TAG.sequence ? bytes : decodePem(Buffer.from(bytes).toString('latin1'), 'CERTIFICATE', source)
}

/**
 * Judges the certificate of a CA that another program made, together with its key.
 * @param bytes PEM or DER
 * @param source names the certificate file in errors
 * @throws XmppkiError BAD_INPUT when it is not a certificate, not a root, no CA's, not valid now, of version 1, or the key is another's
 */
export function judgeImportedCa(bytes: Uint8Array, keys: KeyPair, now: Date, source: string): ImportedCa {
  const der = toDer(bytes, source)
  const facts = readCertificate(der, source)
  const raw = readRawCertificate(der)
  checkVersion(facts, source)
  const issuer = loadIssuer(encodePem('CERTIFICATE', der), softwareKey(keys.privateKey), source)
  checkPeriod(facts, now, source)
  checkSelfSigned(der, raw, facts, source)
  checkUsable(facts, source)
  return { issuer, findings: findingsOf(raw, facts) }
}
