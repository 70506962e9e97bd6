import { domainToASCII, domainToUnicode } from 'node:url'
import { XmppkiError } from '../../errors.ts'

/** A domain in the two spellings that certificates need. */
export interface DomainName {
  /** A-labels, lower case: for dNSName, SRVName, rfc822Name. */
  readonly ascii: string
  /** U-labels: for xmppAddr, as JIDs are written. */
  readonly unicode: string
}

/** RFC 1123 §2.1 and RFC 1035 §2.3.4, on A-labels. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** What a URL parser takes for an IPv4 address: a last label that is a number (also octal or hexadecimal). */
const NUMERIC_LABEL = /^(?:\d+|0x[0-9a-f]*)$/

/** Appended while converting: without it, `domainToASCII` turns `1.2` into `1.0.0.2`. */
const GUARD = '.invalid'

function badDomain(text: string, why: string): XmppkiError {
  return new XmppkiError('BAD_NAME', `'${text}' ${why}`, {
    hint: 'give the XMPP domain, for example chat.example.org',
    spec: 'RFC 7622 §3.2',
  })
}

/**
 * Checks and converts a domain, given with A-labels or U-labels.
 * @throws XmppkiError BAD_NAME for IP addresses, wildcards and anything else that is not a host name
 */
export function parseDomain(text: string): DomainName {
  const bare = text.endsWith('.') ? text.slice(0, -1) : text
  if (/^\[|:/.test(bare)) throw badDomain(text, 'is an IP address or has a port; certificates here name domains')
  // Anything else in ASCII could mean something to the URL parser behind domainToASCII.
  if (/[^a-z0-9.\u{80}-\u{10ffff}-]/iu.test(bare)) throw badDomain(text, 'is not a domain name')
  const guarded = domainToASCII(bare + GUARD)
  const ascii = guarded.endsWith(GUARD) ? guarded.slice(0, -GUARD.length) : ''
  const labels = ascii.split('.')
  if (NUMERIC_LABEL.test(labels.at(-1) ?? '')) throw badDomain(text, 'is an IP address; certificates here name domains')
  if (ascii.length > 253 || !labels.every((label) => LABEL.test(label))) throw badDomain(text, 'is not a domain name')
  const unicode = domainToUnicode(ascii)
  // An A-label that stands for nothing comes back as it is from some versions of Node.
  if (/(?:^|\.)xn--/.test(unicode)) throw badDomain(text, 'is not a domain name')
  return { ascii, unicode }
}

/** A host as certificates may name it, lower case; services have underscores. */
const HOST_LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/** Whether a text is a host name of LDH labels, in lower case. */
export function isHostName(text: string): boolean {
  return text.length <= 253 && text.split('.').every((label) => HOST_LABEL.test(label))
}

/**
 * Whether a host lies in a dNSName subtree (RFC 5280 §4.2.1.10): its base, and what has more labels; both of A-labels.
 * After a leading dot, which the RFC does not know and OpenSSL reads like this, only the latter. Nothing is above all.
 */
export function isInDnsSubtree(host: string, base: string): boolean {
  if (base === '' || host === base) return true
  return host.endsWith(base.startsWith('.') ? base : `.${base}`)
}
