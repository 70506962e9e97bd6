import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { XmppkiError } from '../errors.ts'
import { type KeyAlgorithm, keyTypeOf } from './algorithms.ts'
import { type CertificateFacts, openCertificate, readCertificate } from './certificate.ts'
import { type RawCertificate, readRawCertificate } from './certificate-der.ts'
import { contextTag, DerError, readBitString, readSingle, TAG } from './der.ts'
import { OID } from './oids.ts'
import { decodePem } from './pem.ts'

/** A certificate authority that can sign: its certificate and its private key, which match. */
export interface Issuer {
  readonly certificate: CertificateFacts & {
    readonly der: Uint8Array
    readonly pem: string
  }
  readonly key: KeyObject
  readonly algorithm: KeyAlgorithm
  /** DER of the subject, copied octet for octet into what it issues (RFC 5280 §4.1.2.4). */
  readonly name: Uint8Array
  /** For the authorityKeyIdentifier of what it issues. */
  readonly keyIdentifier: Uint8Array
  /** dNSName subtrees (A-labels) that its name constraints permit; undefined when there are none. */
  readonly permittedDomains: readonly string[] | undefined
}

/** RFC 5280 §4.2.1.2, method 1: SHA-1 of the subjectPublicKey bits, as a name and not as protection. */
export function keyIdentifierOf(publicKey: KeyObject): Uint8Array {
  const info = readSingle(publicKey.export({ type: 'spki', format: 'der' }), TAG.sequence).reader()
  info.read(TAG.sequence)
  const { octets } = readBitString(info.next())
  return createHash('sha1').update(octets).digest()
}

function extensionValue(raw: RawCertificate, oid: string): Uint8Array | undefined {
  return raw.extensions.find((extension) => extension.oid === oid)?.value
}

/** Names that the constraints permit; `excludedSubtrees` are left to whoever validates the path. */
function permittedDomains(raw: RawCertificate): string[] | undefined {
  const value = extensionValue(raw, OID.nameConstraints)
  if (value === undefined) return undefined
  const permitted = readSingle(value, TAG.sequence).reader().readOptional(contextTag(0, 'constructed'))?.reader()
  const domains: string[] = []
  while (permitted !== undefined && !permitted.done) {
    const base = permitted.read(TAG.sequence).reader().next()
    if (base.tag === contextTag(2, 'primitive')) {
      domains.push(Buffer.from(base.content).toString('latin1').toLowerCase().replace(/^\./, ''))
    }
  }
  // RFC 5280 §4.2.1.10: adding labels to nothing gives every name.
  return domains.length === 0 || domains.includes('') ? undefined : domains
}

function readAuthority(der: Uint8Array, key: KeyObject, source: string) {
  try {
    const raw = readRawCertificate(der)
    const identifier = extensionValue(raw, OID.subjectKeyIdentifier)
    return {
      name: raw.subject.raw,
      keyIdentifier:
        identifier === undefined
          ? keyIdentifierOf(createPublicKey(key))
          : readSingle(identifier, TAG.octetString).content,
      permittedDomains: permittedDomains(raw),
    }
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw new XmppkiError('BAD_INPUT', `${source} has a damaged extension: ${error.message}`, { cause: error })
  }
}

/**
 * Joins a CA certificate with its private key.
 * @param source names the certificate file in errors
 * @throws XmppkiError BAD_INPUT when the text is no certificate, the certificate is not a CA's, or
 *   the key is another's
 */
export function loadIssuer(certificatePem: string, key: KeyObject, source = 'the CA certificate'): Issuer {
  const der = decodePem(certificatePem, 'CERTIFICATE', source)
  const facts = readCertificate(der, source)
  if (!facts.isCa || facts.keyUsage?.includes('keyCertSign') === false) {
    throw new XmppkiError('BAD_INPUT', `${source} may not issue certificates (${facts.subject})`, {
      hint: 'make a certificate authority with: xmppki ca init',
      spec: 'RFC 5280 §4.2.1.9',
    })
  }
  const certificate = openCertificate(der, source)
  if (!certificate.checkPrivateKey(key)) {
    throw new XmppkiError('BAD_INPUT', `${source} does not belong to the CA's private key`)
  }
  return {
    certificate: { ...facts, der, pem: certificate.toString() },
    key,
    algorithm: keyTypeOf(key),
    ...readAuthority(der, key, source),
  }
}
