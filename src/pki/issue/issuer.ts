import { createHash, type KeyObject } from 'node:crypto'
import { XmppkiError } from '../../errors.ts'
import { DerError, readSingle, TAG } from '../der/der.ts'
import { OID } from '../der/oids.ts'
import { decodePem } from '../der/pem.ts'
import { isSamePublicKey } from '../keys/keys.ts'
import { publicKeyInfo } from '../keys/public-key-info.ts'
import type { SigningKey } from '../keys/signature.ts'
import { authorityId } from '../x509/authority-id.ts'
import { type CertificateFacts, openCertificate, readCertificate } from '../x509/certificate.ts'
import { type RawCertificate, readPublicKeyBits, readRawCertificate } from '../x509/certificate-der.ts'
import { isInDnsSubtree } from '../x509/domain.ts'
import { readNameConstraints } from '../x509/name-constraints.ts'

/** A certificate authority that can sign: its certificate and its private key, which match. */
export interface Issuer {
  /** What the CA is, whichever of its certificates this one is: see {@link authorityId}. */
  readonly id: string
  readonly certificate: CertificateFacts & {
    readonly der: Uint8Array
    readonly pem: string
  }
  readonly key: SigningKey
  /** DER of the subject, copied octet for octet into what it issues (RFC 5280 §4.1.2.4). */
  readonly name: Uint8Array
  /** For the authorityKeyIdentifier of what it issues. */
  readonly keyIdentifier: Uint8Array
  /** dNSName subtrees (A-labels, RFC 5280 §4.2.1.10) that its name constraints and those above it permit; undefined when there are none. */
  readonly permittedDomains: readonly string[] | undefined
  /** How many CAs may follow below it, by its own path length and those above it; undefined when any number may. */
  readonly pathLength: number | undefined
}

/** What a CA inherits from the certificates above it. */
type Limits = Pick<Issuer, 'permittedDomains' | 'pathLength'>

/** RFC 5280 §4.2.1.2, method 1: SHA-1 of the subjectPublicKey bits, as a name and not as protection. */
export function keyIdentifierOf(publicKey: KeyObject): Uint8Array {
  const info = readSingle(publicKeyInfo(publicKey), TAG.sequence)
  return createHash('sha1').update(readPublicKeyBits(info)).digest()
}

function extensionValue(raw: RawCertificate, oid: string): Uint8Array | undefined {
  return raw.extensions.find((extension) => extension.oid === oid)?.value
}

/** Hosts that the constraints permit; `excludedSubtrees` are left to whoever validates the path. */
function permittedDomains(raw: RawCertificate): readonly string[] | undefined {
  const value = extensionValue(raw, OID.nameConstraints)
  if (value === undefined) return undefined
  try {
    const domains = readNameConstraints(value).permitted.dnsNames
    return domains.length === 0 || domains.includes('') ? undefined : domains
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    // Nothing below it is accepted; it can still revoke what it has issued.
    return []
  }
}

/** Both must permit a name (RFC 5280 §6.1.4 g). */
function intersection(
  own: readonly string[] | undefined,
  above: readonly string[] | undefined,
): readonly string[] | undefined {
  if (own === undefined || above === undefined) return own ?? above
  const within = (list: readonly string[], others: readonly string[]) =>
    list.filter((domain) => others.some((parent) => isInDnsSubtree(domain, parent)))
  return [...new Set([...within(own, above), ...within(above, own)])]
}

/** RFC 5280 §6.1.4 l, m: a path length counts the CAs below, this one included. */
function pathLengthBelow(own: number | undefined, above: Limits | undefined): number | undefined {
  const inherited = above?.pathLength === undefined ? Number.POSITIVE_INFINITY : above.pathLength - 1
  const length = Math.min(own ?? Number.POSITIVE_INFINITY, inherited)
  return Number.isFinite(length) ? length : undefined
}

/** One step up the path, which must have been taken by a CA that was allowed to. */
function checkLink(child: Uint8Array, parent: Uint8Array, source: string): void {
  const [below, above] = [openCertificate(child, source), openCertificate(parent, source)]
  const { isCa, keyUsage, subject } = readCertificate(parent, source)
  const named = Buffer.compare(readRawCertificate(child).issuer.raw, readRawCertificate(parent).subject.raw) === 0
  if (named && isCa && keyUsage?.includes('keyCertSign') !== false && below.verify(above.publicKey)) return
  throw new XmppkiError('BAD_INPUT', `${source} does not lead to the CA above it (${subject})`, {
    hint: 'the certificates above it must be given in order, the one that issued it first',
    spec: 'RFC 5280 §6.1',
  })
}

/** What the CAs of a path allow together; the path begins with the CA in question. */
function limitsOf([first, ...above]: readonly Uint8Array[], source: string): Limits | undefined {
  if (first === undefined) return undefined
  const [parent] = above
  if (parent !== undefined) checkLink(first, parent, source)
  const inherited = limitsOf(above, source)
  const own = readCertificate(first, source)
  const pathLength = pathLengthBelow(own.pathLength, inherited)
  if (pathLength !== undefined && pathLength < 0) {
    throw new XmppkiError('BAD_INPUT', `${source} lies deeper than the path length above it allows (${own.subject})`, {
      spec: 'RFC 5280 §4.2.1.9',
    })
  }
  const permitted = intersection(permittedDomains(readRawCertificate(first)), inherited?.permittedDomains)
  return { pathLength, permittedDomains: permitted }
}

function readAuthority(path: readonly [Uint8Array, ...Uint8Array[]], key: SigningKey, source: string) {
  try {
    const [der] = path
    const raw = readRawCertificate(der)
    const limits = limitsOf(path, source)
    const identifier = extensionValue(raw, OID.subjectKeyIdentifier)
    return {
      id: authorityId(raw),
      name: raw.subject.raw,
      keyIdentifier:
        identifier === undefined ? keyIdentifierOf(key.publicKey) : readSingle(identifier, TAG.octetString).content,
      permittedDomains: limits?.permittedDomains,
      pathLength: limits?.pathLength,
    }
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw new XmppkiError('BAD_INPUT', `${source} has a damaged extension: ${error.message}`, { cause: error })
  }
}

/**
 * Joins a CA certificate with its private key.
 * @param source names the certificate file in errors
 * @param parents PEM of the CA certificates above it, the one that issued it first; their limits bind it too
 * @throws XmppkiError BAD_INPUT when the text is not a certificate, the certificate is not a CA's, the key is another's,
 *   or one of the parents did not issue what is below it
 */
export function loadIssuer(
  certificatePem: string,
  key: SigningKey,
  source = 'the CA certificate',
  parents: readonly string[] = [],
): Issuer {
  const der = decodePem(certificatePem, 'CERTIFICATE', source)
  const facts = readCertificate(der, source)
  if (!facts.isCa || facts.keyUsage?.includes('keyCertSign') === false) {
    throw new XmppkiError('BAD_INPUT', `${source} may not issue certificates (${facts.subject})`, {
      hint: 'make a certificate authority with: xmppki ca init',
      spec: 'RFC 5280 §4.2.1.9',
    })
  }
  const certificate = openCertificate(der, source)
  if (!isSamePublicKey(certificate.publicKey, key.publicKey)) {
    throw new XmppkiError('BAD_INPUT', `${source} does not belong to the CA's private key`)
  }
  const above = parents.map((pem) => decodePem(pem, 'CERTIFICATE', `the chain above ${source}`))
  return {
    certificate: { ...facts, der, pem: certificate.toString() },
    key,
    ...readAuthority([der, ...above], key, source),
  }
}
