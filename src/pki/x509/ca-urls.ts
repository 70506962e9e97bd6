import { XmppkiError } from '../../errors.ts'
import { contextTag, type DerElement, DerError, readOid, readSingle, TAG } from '../der/der.ts'
import { context, contextPrimitive, oid, sequence } from '../der/der-writer.ts'
import { OID } from '../der/oids.ts'
import { extension, type ProfileExtension } from './extensions.ts'

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

/** GeneralName uniformResourceIdentifier, an IA5String that must be absolute (RFC 5280 §4.2.1.6). */
function uri(url: string, what: string, spec: string): Uint8Array {
  if (!/^https?:\/\/[!-~]+$/.test(url) || !URL.canParse(url)) {
    throw new XmppkiError('BAD_INPUT', `the ${what} '${url}' is not an http URL`, {
      hint: 'write it in ASCII, like http://pki.example.org/root.crl',
      spec,
    })
  }
  return contextPrimitive(6, Buffer.from(url, 'latin1'))
}

function distributionPoints({ crlUrl }: CaUrls): ProfileExtension[] {
  if (crlUrl === undefined) return []
  const name = uri(crlUrl, 'CRL address', 'RFC 5280 §4.2.1.13')
  return [extension(OID.cRLDistributionPoints, sequence(sequence(context(0, context(0, name)))))]
}

function authorityInformation({ ocspUrl, issuerUrl }: CaUrls): ProfileExtension[] {
  const spec = 'RFC 5280 §4.2.2.1'
  const descriptions: Uint8Array[] = []
  if (ocspUrl !== undefined) descriptions.push(sequence(oid(OID.ocsp), uri(ocspUrl, 'OCSP address', spec)))
  if (issuerUrl !== undefined) {
    descriptions.push(sequence(oid(OID.caIssuers), uri(issuerUrl, 'address of the CA certificate', spec)))
  }
  return descriptions.length === 0 ? [] : [extension(OID.authorityInfoAccess, sequence(...descriptions))]
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
export function readCaUrls(extensions: readonly ProfileExtension[]): StatedCaUrls {
  const valuesOf = (id: string) => extensions.filter(({ oid: found }) => found === id).map(({ value }) => value)
  const access = valuesOf(OID.authorityInfoAccess).flatMap(readAuthorityInformation)
  const urlsOf = (id: string) => access.filter(({ method }) => method === id).map(({ url }) => url)
  return {
    crlUrls: valuesOf(OID.cRLDistributionPoints).flatMap(readDistributionPoints),
    ocspUrls: urlsOf(OID.ocsp),
    issuerUrls: urlsOf(OID.caIssuers),
  }
}
