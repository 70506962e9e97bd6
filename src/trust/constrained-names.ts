import { domainToASCII } from 'node:url'
import { DerError, readSingle, TAG } from '../pki/der/der.ts'
import { OID } from '../pki/der/oids.ts'
import type { RawCertificate } from '../pki/x509/certificate-der.ts'
import { readName } from '../pki/x509/distinguished-name.ts'
import { isHostName, isInDnsSubtree } from '../pki/x509/domain.ts'
import { directoryNameOf, type GeneralName, readGeneralName } from '../pki/x509/general-name.ts'
import type { NameConstraints, Subtrees } from '../pki/x509/name-constraints.ts'
import { tryParseJid } from '../xmpp/address/jid.ts'

/** An account that a certificate could log in as; `Jid` of xmpp/jid fits. */
export interface NamedAccount {
  /** Normalised localpart (RFC 7622 §3.3). */
  readonly local: string | undefined
  /** Normalised domainpart, of A-labels or U-labels. */
  readonly domain: string
}

const SMTP_UTF8_MAILBOX = `otherName ${OID.smtpUtf8Mailbox}`
const XMPP_ADDR = `otherName ${OID.xmppAddr}`

/** Names of a certificate come from whoever made it, and go into a line of log. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
}

function alternativeNames({ extensions }: RawCertificate): GeneralName[] {
  const names: GeneralName[] = []
  for (const { oid, value } of extensions) {
    if (oid !== OID.subjectAltName) continue
    const list = readSingle(value, TAG.sequence).reader()
    while (!list.done) names.push(readGeneralName(list.next()))
  }
  return names
}

function mailAddressesOfSubject({ subject }: RawCertificate): GeneralName[] {
  return readName(subject)
    .flat()
    .filter(({ type }) => type === OID.emailAddress)
    .map(({ value }) => {
      if (value === undefined) throw new DerError('emailAddress is not a string')
      return { kind: 'rfc822Name', text: value }
    })
}

/**
 * The names of a certificate that the constraints of the CAs above it are about (RFC 5280 §6.1.3 b, c): its subject and
 * its alternative names. A mail address in the subject counts where there is none among the latter (§4.2.1.10).
 * @throws DerError when one of them cannot be read
 */
export function readConstrainedNames(raw: RawCertificate): readonly GeneralName[] {
  const subject = directoryNameOf(raw.subject)
  const names = alternativeNames(raw)
  const hasMail = names.some(({ kind }) => kind === 'rfc822Name')
  return [...(subject.keys.length > 0 ? [subject] : []), ...names, ...(hasMail ? [] : mailAddressesOfSubject(raw))]
}

/** Whether a name lies in the subtree of a base. */
type Matcher<Base> = (base: Base) => boolean

interface Question<Base> {
  /** Completes "permits …". */
  readonly what: string
  readonly permitted: readonly Base[]
  readonly excluded: readonly Base[]
  /** Undefined for a name that its kind does not allow. */
  readonly isWithin: Matcher<Base> | undefined
  /** Where more is excluded than lies within. */
  readonly isExcluded?: Matcher<Base> | undefined
}

/** RFC 5280 §6.1.3 b, c: constraints say nothing about the kinds of names that are not among them. */
function answer<Base>({ what, permitted, excluded, isWithin, isExcluded = isWithin }: Question<Base>) {
  if (permitted.length === 0 && excluded.length === 0) return undefined
  if (isWithin === undefined) return `has constraints that cannot be applied to ${what}`
  if (isExcluded !== undefined && excluded.some(isExcluded)) return `excludes ${what}`
  return permitted.length === 0 || permitted.some(isWithin) ? undefined : `does not permit ${what}`
}

function hostMatcher(text: string): Matcher<string> | undefined {
  const name = text.toLowerCase()
  const host = name.startsWith('*.') ? name.slice(2) : name
  return isHostName(host) ? (base) => isInDnsSubtree(name, base) : undefined
}

/** One that a wildcard stands for is excluded by what excludes any of them. */
function wildcardMatcher(text: string, isWithin: Matcher<string> | undefined): Matcher<string> | undefined {
  if (isWithin === undefined || !text.startsWith('*.')) return isWithin
  const parent = text.slice(1).toLowerCase()
  return (base) => isWithin(base) || base.endsWith(parent)
}

/** RFC 5280 §4.2.1.10, for rfc822Name and for URIs: the host alone, or after a leading dot the hosts below it. */
function isHostIn(host: string, base: string): boolean {
  return base === '' || (base.startsWith('.') ? host.endsWith(base) : host === base)
}

function mailMatcher(text: string): Matcher<string> | undefined {
  const at = text.lastIndexOf('@')
  const [local, host] = [text.slice(0, at), text.slice(at + 1).toLowerCase()]
  // Quotes could hide a localpart from a comparison of octets.
  if (at < 0 || !/^[^\s"@]+$/.test(local) || !isHostName(host)) return undefined
  return (base) => (base.includes('@') ? base === `${local}@${host}` : isHostIn(host, base))
}

/** RFC 5280 §4.2.1.10: where there are constraints, a URI without a host name is refused. */
function uriMatcher(text: string): Matcher<string> | undefined {
  const host = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#@:[\]]+)(?::\d*)?(?:[/?#]|$)/i.exec(text)?.[1]?.toLowerCase()
  if (host === undefined || !isHostName(host) || /(?:^|\.)\d+$/.test(host)) return undefined
  return (base) => isHostIn(host, base)
}

function addressMatcher(octets: Uint8Array): Matcher<Uint8Array> | undefined {
  const { length } = octets
  if (length !== 4 && length !== 16) return undefined
  return (base) =>
    base.length === 2 * length &&
    octets.every((octet, at) => ((octet ^ (base[at] ?? 0)) & (base[at + length] ?? 0)) === 0)
}

function otherViolation(form: string, permitted: Subtrees, excluded: Subtrees): string | undefined {
  // RFC 9598 §6 puts it under the constraints of rfc822Name, which are not applied to it here.
  const asMail = form === SMTP_UTF8_MAILBOX && permitted.emails.length + excluded.emails.length > 0
  if (!asMail && !permitted.otherForms.includes(form) && !excluded.otherForms.includes(form)) return undefined
  return `has constraints that cannot be applied to the ${form}`
}

function violationBy(name: GeneralName, { permitted, excluded }: NameConstraints): string | undefined {
  switch (name.kind) {
    case 'dNSName': {
      const isWithin = hostMatcher(name.text)
      const isExcluded = wildcardMatcher(name.text, isWithin)
      const what = `the dNSName ${quoted(name.text)}`
      return answer({ what, permitted: permitted.dnsNames, excluded: excluded.dnsNames, isWithin, isExcluded })
    }
    case 'rfc822Name': {
      const what = `the mail address ${quoted(name.text)}`
      return answer({ what, permitted: permitted.emails, excluded: excluded.emails, isWithin: mailMatcher(name.text) })
    }
    case 'uniformResourceIdentifier': {
      const what = `the URI ${quoted(name.text)}`
      return answer({ what, permitted: permitted.uris, excluded: excluded.uris, isWithin: uriMatcher(name.text) })
    }
    case 'iPAddress': {
      const what = `the iPAddress ${Buffer.from(name.octets).toString('hex').slice(0, 32)}`
      const isWithin = addressMatcher(name.octets)
      return answer({ what, permitted: permitted.addresses, excluded: excluded.addresses, isWithin })
    }
    case 'directoryName': {
      const isWithin = (base: readonly string[]) => base.every((key, at) => key === name.keys[at])
      const what = `the directory name ${quoted(name.text)}`
      return answer({ what, permitted: permitted.directoryNames, excluded: excluded.directoryNames, isWithin })
    }
    case 'other':
      return otherViolation(name.form, permitted, excluded)
  }
}

/**
 * Why the constraints of a CA do not allow a certificate below it, in words that complete "the CA …"; undefined when they
 * do (RFC 5280 §6.1.3 b, c). Where OpenSSL also takes a Common Name for a dNSName, this follows the RFC. Intermediate CAs
 * that are self-issued are exempt (§6.1.3), which is for the caller to see; the last certificate never is.
 */
export function violation(constraints: NameConstraints, names: readonly GeneralName[]): string | undefined {
  for (const name of names) {
    const found = violationBy(name, constraints)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Why the constraints of a CA keep a certificate from an account, as {@link violation} says it. No RFC constrains
 * id-on-xmppAddr, or what a Common Name becomes: whatever name it comes from, the account must lie in the subtrees for
 * mail addresses if any are permitted, else in those for hosts, and in none that is excluded. A mailbox is the bare JID.
 */
export function accountViolation(constraints: NameConstraints, account: NamedAccount): string | undefined {
  const { permitted, excluded } = constraints
  const { local, domain } = account
  const what = `the account ${quoted(`${local}@${domain}`)}`
  if (permitted.otherForms.includes(XMPP_ADDR) || excluded.otherForms.includes(XMPP_ADDR)) {
    return `has constraints that cannot be applied to ${what}`
  }
  const host = domainToASCII(domain)
  const inHosts = (base: string) => isInDnsSubtree(host, base)
  const inMail = (base: string) => (base.includes('@') ? base === `${local}@${host}` : isHostIn(host, base))
  // Alice@ is not an account but alice's: to let it be another would undo what was excluded.
  const isMailbox = (base: string) =>
    inMail(base) || (base.includes('@') && tryParseJid(base)?.local === local && base.endsWith(`@${host}`))
  if (excluded.dnsNames.some(inHosts) || excluded.emails.some(isMailbox)) return `excludes ${what}`
  const isPermitted =
    permitted.emails.length > 0
      ? permitted.emails.some(inMail)
      : permitted.dnsNames.length === 0 || permitted.dnsNames.some(inHosts)
  return isPermitted ? undefined : `does not permit ${what}`
}
