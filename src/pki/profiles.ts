import { randomBytes } from 'node:crypto'
import { XmppkiError } from '../errors.ts'
import type { KeyAlgorithm } from './algorithms.ts'
import { booleanTrue, context, contextPrimitive, integer, namedBits, oid, sequence } from './der-writer.ts'
import { type DomainName, isWithin, parseDomain } from './domain.ts'
import type { Issuer } from './issuer.ts'
import {
  type AccountName,
  clientAlternativeNames,
  dnsName,
  fitsCommonName,
  rfc822Name,
  serverAlternativeNames,
  subjectName,
} from './names.ts'
import { OID } from './oids.ts'

/** One extension to be written (RFC 5280 §4.2). */
export interface ProfileExtension {
  readonly oid: string
  readonly critical: boolean
  readonly value: Uint8Array
}

/** What a certificate will say apart from keys and issuer; made only of checked values. */
export interface Profile {
  /** DER of the subject. */
  readonly subject: Uint8Array
  readonly extensions: readonly ProfileExtension[]
}

/** Both ends are whole seconds; `notAfter` is the last second of validity. */
export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

/** One intermediate CA may come between root and end entity, no more. */
const ROOT_PATH_LENGTH = 1

const MAX_DAYS = 36_500
const DAY = 86_400_000

/** Certificates are used seconds after they were issued, on machines whose clocks are a little slow. */
const BACKDATING = 5 * 60_000

const KEY_USAGE_BIT = {
  digitalSignature: 0,
  keyEncipherment: 2,
  keyCertSign: 5,
  cRLSign: 6,
} as const

function extension(id: string, value: Uint8Array, critical = false): ProfileExtension {
  return { oid: id, critical, value }
}

function wholeSeconds(time: number): Date {
  return new Date(Math.floor(time / 1000) * 1000)
}

function checkDays(days: number): void {
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
    throw new XmppkiError('BAD_INPUT', `a certificate cannot be valid for ${days} days`, {
      hint: `give --days a whole number from 1 to ${MAX_DAYS}`,
    })
  }
}

/**
 * The validity period of a self-signed certificate that is made now: from five minutes ago, against
 * clock skew, to `days` from now.
 * @throws XmppkiError BAD_INPUT when days is not a whole number from 1 to 36500
 */
export function rootValidity(days: number, now: Date): Validity {
  checkDays(days)
  return {
    notBefore: wholeSeconds(now.getTime() - BACKDATING),
    notAfter: wholeSeconds(now.getTime() + days * DAY),
  }
}

/**
 * As `rootValidity`, within the validity of the issuer.
 * @throws XmppkiError BAD_INPUT when the certificate would outlive its issuer, with the largest
 *   possible `--days` in the hint
 */
export function issuedValidity(days: number, now: Date, issuer: Issuer): Validity {
  const { notBefore, notAfter } = rootValidity(days, now)
  const ca = issuer.certificate
  if (now < ca.notBefore) {
    throw new XmppkiError('BAD_INPUT', `the CA certificate is not valid before ${ca.notBefore.toISOString()}`, {
      hint: 'check the clock of this machine',
    })
  }
  if (notAfter > ca.notAfter) {
    const most = Math.floor((ca.notAfter.getTime() - now.getTime()) / DAY)
    const end = ca.notAfter.toISOString()
    throw new XmppkiError('BAD_INPUT', `${days} days from now is after the CA certificate ends (${end})`, {
      hint:
        most >= 1
          ? `use --days ${most} or less`
          : 'make a new certificate authority: this one has less than a day left',
    })
  }
  return {
    notBefore: new Date(Math.max(notBefore.getTime(), ca.notBefore.getTime())),
    notAfter,
  }
}

/** A positive serial number of 127 random bits in 16 octets (RFC 5280 §4.1.2.2: at most 20). */
export function randomSerial(): Uint8Array {
  for (;;) {
    const octets = randomBytes(16)
    octets[0] = (octets[0] ?? 0) & 0x7f
    // A leading zero octet would be dropped in DER; without it all serials have the same length.
    if (octets[0] !== 0) return octets
  }
}

function basicConstraints(ca: boolean): ProfileExtension {
  const value = ca ? sequence(booleanTrue(), integer(ROOT_PATH_LENGTH)) : sequence()
  return extension(OID.basicConstraints, value, true)
}

function keyUsage(...usages: readonly (keyof typeof KEY_USAGE_BIT)[]): ProfileExtension {
  return extension(OID.keyUsage, namedBits(usages.map((usage) => KEY_USAGE_BIT[usage])), true)
}

/** RFC 5280 §4.2.1.6: critical when the subject is empty. */
function alternativeNames(value: Uint8Array, commonName: string | undefined): ProfileExtension {
  return extension(OID.subjectAltName, value, commonName === undefined)
}

/**
 * Permitted subtrees for hosts and mail addresses. There is none for xmppAddr: OpenSSL refuses
 * constraints on otherName (X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE).
 */
function nameConstraints(domains: readonly string[]): ProfileExtension {
  const subtrees = domains
    .map((domain) => parseDomain(domain).ascii)
    // RFC 5280 §4.2.1.10: in rfc822Name `a.b` is the host alone and `.a.b` the hosts below it.
    .flatMap((domain) => [dnsName(domain), rfc822Name(domain), rfc822Name(`.${domain}`)])
    .map((name) => sequence(name))
  return extension(OID.nameConstraints, sequence(context(0, ...subtrees)), true)
}

function checkNamePart(text: string, what: string): void {
  if (text.trim() === '' || !fitsCommonName(text) || !text.isWellFormed() || /\p{Cc}/u.test(text)) {
    throw new XmppkiError('BAD_NAME', `the ${what} must have 1 to 64 printable characters`, {
      spec: 'RFC 5280 appendix A.1',
    })
  }
}

/**
 * A root certificate: keyCertSign and cRLSign, path length, name constraints when domains are given.
 * @throws XmppkiError BAD_NAME for names that are blank, too long or no domains
 */
export function rootProfile(request: {
  readonly commonName: string
  readonly organization?: string | undefined
  readonly permitDomains: readonly string[]
}): Profile {
  checkNamePart(request.commonName, 'common name')
  if (request.organization !== undefined) checkNamePart(request.organization, 'organization')
  const constraints = request.permitDomains.length === 0 ? [] : [nameConstraints(request.permitDomains)]
  return Object.freeze({
    subject: subjectName(request),
    extensions: [basicConstraints(true), keyUsage('keyCertSign', 'cRLSign'), ...constraints],
  })
}

function checkPermitted(domain: DomainName, { permittedDomains }: Issuer): void {
  if (permittedDomains === undefined || permittedDomains.some((parent) => isWithin(domain.ascii, parent))) return
  throw new XmppkiError('BAD_NAME', `this CA may not issue certificates for ${domain.unicode}`, {
    hint: `it is limited to ${permittedDomains.join(', ')}`,
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

function distributionPoint(url: string): ProfileExtension {
  if (!/^https?:\/\/[!-~]+$/.test(url) || !URL.canParse(url)) {
    throw new XmppkiError('BAD_INPUT', `the CRL address '${url}' is no http URL`, { spec: 'RFC 5280 §4.2.1.13' })
  }
  const name = contextPrimitive(6, Buffer.from(url, 'latin1'))
  return extension(OID.cRLDistributionPoints, sequence(sequence(context(0, context(0, name)))))
}

/**
 * A client certificate for one account: CN, one xmppAddr, rfc822Name, clientAuth.
 * @throws XmppkiError BAD_NAME for names that cannot be certified by this issuer
 */
export function clientProfile(
  request: { readonly jid: AccountName; readonly crlUrl?: string | undefined },
  issuer: Issuer,
): Profile {
  const { jid, crlUrl } = request
  checkAccount(jid)
  checkPermitted(parseDomain(jid.domain), issuer)
  const commonName = clientCommonName(jid, issuer)
  return Object.freeze({
    subject: subjectName({ commonName }),
    extensions: [
      basicConstraints(false),
      keyUsage('digitalSignature'),
      extension(OID.extKeyUsage, sequence(oid(OID.clientAuth))),
      alternativeNames(clientAlternativeNames(jid), commonName),
      ...(crlUrl === undefined ? [] : [distributionPoint(crlUrl)]),
    ],
  })
}

/**
 * A server certificate: dNSName, SRVNames and xmppAddr for every domain, serverAuth.
 * @throws XmppkiError BAD_NAME for no domain, IP addresses and domains that the issuer may not certify
 */
export function serverProfile(domains: readonly string[], algorithm: KeyAlgorithm, issuer: Issuer): Profile {
  const names = [...new Map(domains.map(parseDomain).map((name) => [name.ascii, name])).values()]
  const [first] = names
  if (first === undefined) throw new XmppkiError('BAD_NAME', 'a server certificate needs at least one domain')
  for (const name of names) checkPermitted(name, issuer)
  const commonName = fitsCommonName(first.ascii) ? first.ascii : undefined
  return Object.freeze({
    subject: subjectName({ commonName }),
    extensions: [
      basicConstraints(false),
      algorithm.encipherment ? keyUsage('digitalSignature', 'keyEncipherment') : keyUsage('digitalSignature'),
      extension(OID.extKeyUsage, sequence(oid(OID.serverAuth))),
      alternativeNames(serverAlternativeNames(names), commonName),
    ],
  })
}
