import { XmppkiError } from '../../errors.ts'
import { contextTag, type DerElement, DerError, readOid, readSingle, TAG } from '../der/der.ts'
import { OID } from '../der/oids.ts'
import type { RawExtension } from './certificate-der.ts'
import type { ProfileExtension } from './extensions.ts'

/** Where relying parties find what they need to check a certificate; http(s) URLs about its issuer. */
export interface CaUrls {
  /** CRL of the issuer, in DER (RFC 5280 §4.2.1.13). */
  readonly crlUrl?: string | undefined
  /** OCSP responder of the issuer (RFC 5280 §4.2.2.1). */
  readonly ocspUrl?: string | undefined
  /** Certificate of the issuer, in DER (RFC 5280 §4.2.2.1). */
  readonly issuerUrl?: string | undefined
}

/** All addresses that a certificate states, in order; kinds of names other than URLs are left out. */
export interface StatedCaUrls {
  readonly crlUrls: readonly string[]
  readonly ocspUrls: readonly string[]
  readonly issuerUrls: readonly string[]
}

const URI_TAG = contextTag(6, 'primitive')

/** A uniformResourceIdentifier is an IA5String and must be absolute (RFC 5280 §4.2.1.6). */
function checkedUrl(url: string, what: string, spec: string): string {
  if (/^https?:\/\/[!-~]+$/.test(url) && URL.canParse(url)) return url
  throw new XmppkiError('BAD_INPUT', `the ${what} '${url}' is not an http URL`, {
    hint: 'write it in ASCII, like http://pki.example.org/root.crl',
    spec,
  })
}

function distributionPoints({ crlUrl }: CaUrls): ProfileExtension[] {
  if (crlUrl === undefined) return []
  const url = checkedUrl(crlUrl, 'CRL address', 'RFC 5280 §4.2.1.13')
  return [{ type: 'cRLDistributionPoints', critical: false, url }]
}

function authorityInformation({ ocspUrl, issuerUrl }: CaUrls): ProfileExtension[] {
  const location = (method: 'ocsp' | 'caIssuers', url: string | undefined, what: string) =>
    url === undefined ? [] : [{ method, url: checkedUrl(url, what, 'RFC 5280 §4.2.2.1') }]
  const locations = [
    ...location('ocsp', ocspUrl, 'OCSP address'),
    ...location('caIssuers', issuerUrl, 'address of the CA certificate'),
  ]
  return locations.length === 0 ? [] : [{ type: 'authorityInfoAccess', critical: false, locations }]
}

/**
 * cRLDistributionPoints and authorityInfoAccess, as far as there is something to say.
 * @throws XmppkiError BAD_INPUT for anything but absolute http(s) URLs in ASCII
 */
export function caUrlExtensions(caUrls: CaUrls = {}): ProfileExtension[] {
  return [...distributionPoints(caUrls), ...authorityInformation(caUrls)]
}

/** The octets are IMPLICIT IA5String, so their own tag says nothing about them. */
function readUri({ content }: DerElement): string {
  if (content.some((octet) => octet >= 0x80)) throw new DerError('a URL is not ASCII')
  return Buffer.from(content).toString('latin1')
}

/** URLs of one DistributionPoint; those with reasons or another CRL issuer count like any other. */
function readDistributionPoint(point: DerElement): string[] {
  const fullName = point
    .reader()
    .readOptional(contextTag(0, 'constructed'))
    ?.reader()
    .readOptional(contextTag(0, 'constructed'))
  const urls: string[] = []
  for (const names = fullName?.reader(); names !== undefined && !names.done; ) {
    const name = names.next()
    if (name.tag === URI_TAG) urls.push(readUri(name))
  }
  return urls
}

/** The value of a cRLDistributionPoints extension (RFC 5280 §4.2.1.13). @throws DerError */
function readDistributionPoints(value: Uint8Array): string[] {
  const urls: string[] = []
  for (const points = readSingle(value, TAG.sequence).reader(); !points.done; ) {
    urls.push(...readDistributionPoint(points.read(TAG.sequence)))
  }
  return urls
}

/** The value of an authorityInfoAccess extension (RFC 5280 §4.2.2.1): methods with their URLs. @throws DerError */
function readAuthorityInformation(value: Uint8Array): { readonly method: string; readonly url: string }[] {
  const found: { method: string; url: string }[] = []
  for (const list = readSingle(value, TAG.sequence).reader(); !list.done; ) {
    const description = list.read(TAG.sequence).reader()
    const method = readOid(description.next())
    const location = description.next()
    description.finish()
    if (location.tag === URI_TAG) found.push({ method, url: readUri(location) })
  }
  return found
}

/**
 * The addresses in the extensions of a certificate.
 * @throws DerError when one of the two extensions is damaged
 */
export function readCaUrls(extensions: readonly RawExtension[]): StatedCaUrls {
  const valuesOf = (id: string) => extensions.filter(({ oid: found }) => found === id).map(({ value }) => value)
  const access = valuesOf(OID.authorityInfoAccess).flatMap(readAuthorityInformation)
  const urlsOf = (id: string) => access.filter(({ method }) => method === id).map(({ url }) => url)
  return {
    crlUrls: valuesOf(OID.cRLDistributionPoints).flatMap(readDistributionPoints),
    ocspUrls: urlsOf(OID.ocsp),
    issuerUrls: urlsOf(OID.caIssuers),
  }
}
