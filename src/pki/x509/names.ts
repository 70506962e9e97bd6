import { contextTag, type DerElement, readOid, readSingle, TAG } from '../der/der.ts'
import { OID } from '../der/oids.ts'
import { type DistinguishedName, decodeAscii, decodeString } from './distinguished-name.ts'
import { type DomainName, parseDomain } from './domain.ts'

/** The part of a JID that certificates need; `Jid` of xmpp/jid fits. */
export interface AccountName {
  /** Normalised localpart (RFC 7622 §3.3). */
  readonly local: string
  /** Normalised domainpart. */
  readonly domain: string
  /** `local@domain` */
  readonly bare: string
}

/** The names of a subjectAltName extension that concern XMPP. */
export interface AlternativeNames {
  readonly xmppAddrs: readonly string[]
  readonly emails: readonly string[]
  readonly dnsNames: readonly string[]
  readonly srvNames: readonly string[]
  /** What is wrong with names that had to be left out of the lists. */
  readonly malformed: readonly string[]
}

/** RFC 5280 appendix A: ub-common-name, in characters. */
const COMMON_NAME_LIMIT = 64

const EXPLICIT_VALUE = contextTag(0, 'constructed')
const OTHER_NAME = contextTag(0, 'constructed')
const RFC822_NAME = contextTag(1, 'primitive')
const DNS_NAME = contextTag(2, 'primitive')

/** Names as arrays that can still grow. */
interface Collected {
  xmppAddrs: string[]
  emails: string[]
  dnsNames: string[]
  srvNames: string[]
  malformed: string[]
}

function collect(list: string[], text: string | undefined, kind: string, malformed: string[]): void {
  if (text === undefined) malformed.push(`${kind} is not a string of its type`)
  // A NUL ends the name for programs in C, so two readers would see two names.
  else if (text.includes('\0')) malformed.push(`${kind} contains NUL`)
  else if (text === '') malformed.push(`${kind} is empty`)
  else list.push(text)
}

function readOtherName(element: DerElement, names: Collected): void {
  const reader = element.reader()
  const type = readOid(reader.next())
  const wrapper = reader.read(EXPLICIT_VALUE).reader()
  const value = wrapper.next()
  wrapper.finish()
  reader.finish()
  // RFC 6120 §13.7.1.4 wants UTF8String, RFC 4985 §2 IA5String; nothing else is taken for a name.
  if (type === OID.xmppAddr) {
    const text = value.tag === TAG.utf8String ? decodeString(value) : undefined
    collect(names.xmppAddrs, text, 'xmppAddr', names.malformed)
  } else if (type === OID.dnsSrv) {
    const text = value.tag === TAG.ia5String ? decodeString(value) : undefined
    collect(names.srvNames, text, 'SRVName', names.malformed)
  }
}

/**
 * Reads the value of a subjectAltName extension (RFC 5280 §4.2.1.6). Kinds of names that have no
 * meaning for XMPP are skipped.
 * @throws DerError when it is not one
 */
export function readAlternativeNames(extensionValue: Uint8Array): AlternativeNames {
  const names: Collected = {
    xmppAddrs: [],
    emails: [],
    dnsNames: [],
    srvNames: [],
    malformed: [],
  }
  const list = readSingle(extensionValue, TAG.sequence).reader()
  while (!list.done) {
    const name = list.next()
    if (name.tag === OTHER_NAME) readOtherName(name, names)
    // These two are IMPLICIT IA5String, so their own tag says nothing about the octets.
    else if (name.tag === RFC822_NAME) collect(names.emails, decodeAscii(name), 'rfc822Name', names.malformed)
    else if (name.tag === DNS_NAME) collect(names.dnsNames, decodeAscii(name), 'dNSName', names.malformed)
  }
  return names
}

/** A GeneralName (RFC 5280 §4.2.1.6) that is going to be written. */
export interface AlternativeName {
  /** `dNSName` in A-labels and `rfc822Name` are ASCII; in constraints they are hosts, those of mail also with a leading dot. */
  readonly kind: 'xmppAddr' | 'srvName' | 'rfc822Name' | 'dNSName'
  readonly text: string
}

/** RFC 5321 §4.1.2 Dot-string: what a Mailbox may have before its `@` without quotes. */
const DOT_STRING = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/

/**
 * The mail form of an account's address, or undefined where it has none: rfc822Name is an ASCII
 * Mailbox (RFC 5280 §4.2.1.6), localparts of JIDs may hold more than that.
 */
function mailboxOf(account: AccountName): string | undefined {
  const domain = parseDomain(account.domain).ascii
  return DOT_STRING.test(account.local) && domain === account.domain ? account.bare : undefined
}

/** subjectAltName of a client: one xmppAddr, and the rfc822Name where there is one. */
export function clientAlternativeNames(account: AccountName): readonly AlternativeName[] {
  const mailbox = mailboxOf(account)
  const names: AlternativeName[] = [{ kind: 'xmppAddr', text: account.bare }]
  return mailbox === undefined ? names : [...names, { kind: 'rfc822Name', text: mailbox }]
}

/** subjectAltName of a server (RFC 6120 §13.7.1.2): dNSName, SRVNames and xmppAddr for each domain. */
export function serverAlternativeNames(domains: readonly DomainName[]): readonly AlternativeName[] {
  return domains.flatMap(({ ascii, unicode }) => [
    { kind: 'dNSName', text: ascii },
    { kind: 'srvName', text: `_xmpp-client.${ascii}` },
    { kind: 'srvName', text: `_xmpps-client.${ascii}` },
    { kind: 'xmppAddr', text: unicode },
  ])
}

/** Whether a text may be a commonName by its length (ub-common-name counts characters). */
export function fitsCommonName(text: string): boolean {
  return [...text].length <= COMMON_NAME_LIMIT
}

/** What a subject is going to say; empty when neither is given. */
export interface SubjectName {
  readonly organization?: string | undefined
  readonly commonName?: string | undefined
}

/** The attributes of a subject in their order, each a relative name of its own. */
export function subjectAttributes({
  organization,
  commonName,
}: SubjectName): readonly { type: string; value: string }[] {
  const attribute = (type: string, value: string | undefined) => (value === undefined ? [] : [{ type, value }])
  return [...attribute(OID.organizationName, organization), ...attribute(OID.commonName, commonName)]
}

/** Whether a name is this one, however its strings are written. */
export function isSubject(name: DistinguishedName, subject: SubjectName): boolean {
  const attributes = subjectAttributes(subject)
  return (
    name.length === attributes.length &&
    attributes.every(({ type, value }, at) => {
      const [found, ...others] = name[at] ?? []
      return others.length === 0 && found?.type === type && found.value === value
    })
  )
}
