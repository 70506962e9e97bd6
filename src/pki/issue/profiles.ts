import { randomBytes } from 'node:crypto'
import { XmppkiError } from '../../errors.ts'
import { readSingle, TAG } from '../der/der.ts'
import type { KeyAlgorithm } from '../keys/algorithms.ts'
import { type CaUrls, caUrlExtensions } from '../x509/ca-urls.ts'
import { readName } from '../x509/distinguished-name.ts'
import { type DomainName, isInDnsSubtree, parseDomain } from '../x509/domain.ts'
import {
  alternativeNames,
  basicConstraints,
  keyPurpose,
  keyUsage,
  nameConstraints,
  ocspNoCheck,
  type ProfileExtension,
} from '../x509/extensions.ts'
import {
  type AccountName,
  clientAlternativeNames,
  fitsCommonName,
  isSubject,
  type SubjectName,
  serverAlternativeNames,
} from '../x509/names.ts'
import type { Issuer } from './issuer.ts'

/** What a certificate is going to say apart from keys and issuer; made only of checked values. */
export interface Profile {
  readonly subject: SubjectName
  readonly extensions: readonly ProfileExtension[]
}

/** One intermediate CA may come between root and end entity, no more. */
const ROOT_PATH_LENGTH = 1

/** A positive serial number of 127 random bits in 16 octets (RFC 5280 §4.1.2.2: at most 20). */
export function randomSerial(): Uint8Array {
  for (;;) {
    const octets = randomBytes(16)
    octets[0] = (octets[0] ?? 0) & 0x7f
    // A leading zero octet would be dropped in DER; without it all serials have the same length.
    if (octets[0] !== 0) return octets
  }
}

function checkNamePart(text: string, what: string): void {
  if (text.trim() === '' || !fitsCommonName(text) || !text.isWellFormed() || /\p{Cc}/u.test(text)) {
    throw new XmppkiError('BAD_NAME', `the ${what} must have 1 to 64 printable characters`, {
      spec: 'RFC 5280 appendix A.1',
    })
  }
}

/** The names that an operator gives to a CA or a responder. */
interface AuthorityName extends SubjectName {
  readonly commonName: string
}

/** @throws XmppkiError BAD_NAME for names that are blank or too long */
function authoritySubject({ commonName, organization }: AuthorityName): SubjectName {
  checkNamePart(commonName, 'common name')
  if (organization !== undefined) checkNamePart(organization, 'organization')
  return { commonName, organization }
}

/** As {@link authoritySubject}; whoever has the name of its issuer is taken for a root. */
function issuedSubject(request: AuthorityName, issuer: Issuer): SubjectName {
  const subject = authoritySubject(request)
  if (!isSubject(readName(readSingle(issuer.name, TAG.sequence)), subject)) return subject
  throw new XmppkiError('BAD_NAME', `the CA above it is already called '${request.commonName}'`, {
    hint: 'give it a name of its own',
    spec: 'RFC 5280 §3.2',
  })
}

/**
 * A root certificate: keyCertSign and cRLSign, path length, name constraints when domains are given.
 * @throws XmppkiError BAD_NAME for names that are blank, too long or no domains
 */
export function rootProfile(request: AuthorityName & { readonly permitDomains: readonly string[] }): Profile {
  const { permitDomains } = request
  return Object.freeze({
    subject: authoritySubject(request),
    extensions: [
      basicConstraints({ pathLength: ROOT_PATH_LENGTH }),
      keyUsage('keyCertSign', 'cRLSign'),
      ...(permitDomains.length === 0 ? [] : [nameConstraints(permitDomains)]),
    ],
  })
}

/**
 * An intermediate CA that issues end-entity certificates only. It has no name constraints of its own: those above it
 * bind whatever it issues (RFC 5280 §6.1.4 g).
 * @throws XmppkiError BAD_NAME for names that are blank, too long or the issuer's own; BAD_INPUT when the issuer may
 *   have no CA below it, and for addresses that are not http URLs
 */
export function issuingCaProfile(
  request: AuthorityName & { readonly caUrls?: CaUrls | undefined },
  issuer: Issuer,
): Profile {
  if (issuer.pathLength !== undefined && issuer.pathLength < 1) {
    throw new XmppkiError('BAD_INPUT', `there may be no CA below this one (${issuer.certificate.subject})`, {
      hint: 'its path length is 0: issue from it directly, or make a CA below a root that allows it',
      spec: 'RFC 5280 §4.2.1.9',
    })
  }
  return Object.freeze({
    subject: issuedSubject(request, issuer),
    extensions: [
      basicConstraints({ pathLength: 0 }),
      keyUsage('keyCertSign', 'cRLSign'),
      ...caUrlExtensions(request.caUrls),
    ],
  })
}

function checkPermitted(domain: DomainName, { permittedDomains }: Issuer): void {
  if (permittedDomains === undefined || permittedDomains.some((base) => isInDnsSubtree(domain.ascii, base))) return
  throw new XmppkiError('BAD_NAME', `this CA may not issue certificates for ${domain.unicode}`, {
    hint: `it is limited to ${permittedDomains.join(', ') || 'nothing: its name constraints exclude each other or cannot be read'}`,
    spec: 'RFC 5280 §4.2.1.10',
  })
}

/**
 * What is certified must be one account beyond doubt, whoever prepared it: RFC 7622 §3.3.1 keeps these
 * characters out of localparts, and with `/` or `@` the xmppAddr would read as another address.
 */
function checkAccount({ local, domain, bare }: AccountName): void {
  const plain = local !== '' && local.isWellFormed() && !/["&'/:<>@\p{Cc}\p{Z}]/u.test(local)
  if (!plain || bare !== `${local}@${domain}`) {
    throw new XmppkiError('BAD_NAME', `${JSON.stringify(bare)} is not the address of an account`, {
      hint: 'give a username or user@domain',
      spec: 'RFC 7622 §3.3.1',
    })
  }
}

/**
 * The CN of a client: its username, where that fits. OpenSSL holds a CN that looks like a host name
 * against dNSName constraints, so under a constrained CA a username with a dot becomes the whole JID.
 */
function clientCommonName(account: AccountName, issuer: Issuer): string | undefined {
  const dotted = issuer.permittedDomains !== undefined && account.local.includes('.')
  const name = dotted ? account.bare : account.local
  return fitsCommonName(name) ? name : undefined
}

/**
 * A client certificate for one account: CN, one xmppAddr, rfc822Name, clientAuth.
 * @throws XmppkiError BAD_NAME for names that cannot be certified by this issuer; BAD_INPUT for addresses that are no
 *   http URLs
 */
export function clientProfile(
  request: { readonly jid: AccountName; readonly caUrls?: CaUrls | undefined },
  issuer: Issuer,
): Profile {
  const { jid, caUrls } = request
  checkAccount(jid)
  checkPermitted(parseDomain(jid.domain), issuer)
  const commonName = clientCommonName(jid, issuer)
  return Object.freeze({
    subject: { commonName },
    extensions: [
      basicConstraints(),
      keyUsage('digitalSignature'),
      keyPurpose('clientAuth'),
      alternativeNames(clientAlternativeNames(jid), commonName),
      ...caUrlExtensions(caUrls),
    ],
  })
}

/**
 * A server certificate: dNSName, SRVNames and xmppAddr for every domain, serverAuth.
 * @throws XmppkiError BAD_NAME for no domain, IP addresses and domains that the issuer may not certify; BAD_INPUT for
 *   addresses that are not http URLs
 */
export function serverProfile(
  request: { readonly domains: readonly string[]; readonly caUrls?: CaUrls | undefined },
  algorithm: KeyAlgorithm,
  issuer: Issuer,
): Profile {
  const names = [...new Map(request.domains.map(parseDomain).map((name) => [name.ascii, name])).values()]
  const [first] = names
  if (first === undefined) throw new XmppkiError('BAD_NAME', 'a server certificate needs at least one domain')
  for (const name of names) checkPermitted(name, issuer)
  const commonName = fitsCommonName(first.ascii) ? first.ascii : undefined
  return Object.freeze({
    subject: { commonName },
    extensions: [
      basicConstraints(),
      algorithm.encipherment ? keyUsage('digitalSignature', 'keyEncipherment') : keyUsage('digitalSignature'),
      keyPurpose('serverAuth'),
      alternativeNames(serverAlternativeNames(names), commonName),
      ...caUrlExtensions(request.caUrls),
    ],
  })
}

/** OpenSSL holds a CN that looks like a host name against dNSName constraints. */
function checkHostLike(commonName: string, issuer: Issuer): void {
  if (/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i.test(commonName)) checkPermitted(parseDomain(commonName), issuer)
}

/**
 * An OCSP responder to which the issuer delegates answers about its certificates (RFC 6960 §4.2.2.2). It says that it
 * need not be checked itself, so of `caUrls` only the address of the issuer's certificate is written.
 * @throws XmppkiError BAD_NAME for names that are blank, too long, the issuer's own, or a host that it may not certify;
 *   BAD_INPUT for an address that is not an http URL
 */
export function ocspResponderProfile(
  request: AuthorityName & { readonly caUrls?: CaUrls | undefined },
  issuer: Issuer,
): Profile {
  checkHostLike(request.commonName, issuer)
  return Object.freeze({
    subject: issuedSubject(request, issuer),
    extensions: [
      basicConstraints(),
      keyUsage('digitalSignature'),
      keyPurpose('ocspSigning'),
      ocspNoCheck(),
      ...caUrlExtensions({ issuerUrl: request.caUrls?.issuerUrl }),
    ],
  })
}
