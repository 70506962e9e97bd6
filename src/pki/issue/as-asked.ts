import { contextTag, DerError, readSingle, TAG } from '../der/der.ts'
import { OID } from '../der/oids.ts'
import { publicKeyInfo } from '../keys/public-key-info.ts'
import { readCaUrls } from '../x509/ca-urls.ts'
import { type CertificateFacts, readBasicConstraints } from '../x509/certificate.ts'
import type { RawCertificate, RawExtension } from '../x509/certificate-der.ts'
import { readName } from '../x509/distinguished-name.ts'
import type { ProfileExtension } from '../x509/extensions.ts'
import { readNameConstraints } from '../x509/name-constraints.ts'
import { type AlternativeName, isSubject, readAlternativeNames } from '../x509/names.ts'
import type { CertificateContent } from './tbs-certificate.ts'

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}

function areSame(one: readonly string[] | undefined, other: readonly string[]): boolean {
  return one?.length === other.length && one.every((text, at) => text === other[at])
}

function textsOf(names: readonly AlternativeName[], wanted: AlternativeName['kind']): string[] {
  return names.filter(({ kind }) => kind === wanted).map(({ text }) => text)
}

function saysNames(value: Uint8Array, names: readonly AlternativeName[]): boolean {
  const { xmppAddrs, emails, dnsNames, srvNames, malformed } = readAlternativeNames(value)
  return (
    malformed.length === 0 &&
    areSame(xmppAddrs, textsOf(names, 'xmppAddr')) &&
    areSame(srvNames, textsOf(names, 'srvName')) &&
    areSame(emails, textsOf(names, 'rfc822Name')) &&
    areSame(dnsNames, textsOf(names, 'dNSName'))
  )
}

function permits(value: Uint8Array, names: readonly AlternativeName[]): boolean {
  const { permitted, excluded } = readNameConstraints(value)
  const { dnsNames, emails, ...others } = permitted
  return (
    areSame(dnsNames, textsOf(names, 'dNSName')) &&
    areSame(emails, textsOf(names, 'rfc822Name')) &&
    [...Object.values(others), ...Object.values(excluded)].every(({ length }) => length === 0)
  )
}

function authorityOf(value: Uint8Array): Uint8Array {
  const parts = readSingle(value, TAG.sequence).reader()
  const { content } = parts.read(contextTag(0, 'primitive'))
  parts.finish()
  return content
}

/** Whether an extension, as our own reader understands it, says what was asked for. @throws DerError */
function says(found: RawExtension, asked: ProfileExtension, facts: CertificateFacts): boolean {
  switch (asked.type) {
    case 'basicConstraints': {
      const { isCa, pathLength } = readBasicConstraints(found.value)
      return isCa === (asked.pathLength !== undefined) && pathLength === asked.pathLength
    }
    case 'keyUsage':
      return (
        facts.keyUsage?.length === asked.usages.length && asked.usages.every((one) => facts.keyUsage?.includes(one))
      )
    case 'extKeyUsage':
      return areSame(facts.extendedKeyUsage, [OID[asked.purpose]])
    case 'ocspNoCheck':
      return readSingle(found.value, TAG.null).length === 0
    case 'subjectAltName':
      return saysNames(found.value, asked.names)
    case 'nameConstraints':
      return permits(found.value, asked.permitted)
    case 'subjectKeyIdentifier':
      return isSame(readSingle(found.value, TAG.octetString).content, asked.keyIdentifier)
    case 'authorityKeyIdentifier':
      return isSame(authorityOf(found.value), asked.keyIdentifier)
    case 'cRLDistributionPoints':
      return areSame(readCaUrls([found]).crlUrls, [asked.url])
    case 'authorityInfoAccess': {
      const { ocspUrls, issuerUrls } = readCaUrls([found])
      const urlsOf = (wanted: string) => asked.locations.filter(({ method }) => method === wanted).map(({ url }) => url)
      return areSame(ocspUrls, urlsOf('ocsp')) && areSame(issuerUrls, urlsOf('caIssuers'))
    }
  }
}

function sayAll(found: readonly RawExtension[], asked: readonly ProfileExtension[], facts: CertificateFacts): boolean {
  return (
    found.length === asked.length &&
    asked.every((one, at) => {
      const other = found[at]
      return other?.oid === OID[one.type] && other.critical === one.critical && says(other, one, facts)
    })
  )
}

/** False for what is not the DER that was expected. */
function attempt(check: () => boolean): boolean {
  try {
    return check()
  } catch (error) {
    if (error instanceof DerError) return false
    throw error
  }
}

/**
 * Whether a certificate, as the reader of the login path understands it, says exactly what was asked for: another
 * implementation than the one that has written it.
 */
export function isAsAsked(raw: RawCertificate, facts: CertificateFacts, asked: CertificateContent): boolean {
  return attempt(
    () =>
      raw.version === 3 &&
      facts.malformed.length === 0 &&
      facts.serial === Buffer.from(asked.serial).toString('hex') &&
      facts.notBefore.getTime() === asked.notBefore.getTime() &&
      facts.notAfter.getTime() === asked.notAfter.getTime() &&
      isSubject(readName(raw.subject), asked.subject) &&
      isSame(raw.issuer.raw, asked.issuerName ?? raw.subject.raw) &&
      isSame(raw.publicKeyInfo.raw, publicKeyInfo(asked.publicKey)) &&
      sayAll(raw.extensions, asked.extensions, facts),
  )
}
