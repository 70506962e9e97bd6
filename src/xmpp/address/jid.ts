import { isIPv4, isIPv6 } from 'node:net'
import { domainToASCII, domainToUnicode } from 'node:url'
import { breaksBidiRule } from './bidi-rule.ts'
import { disallowedInIdentifier, opaqueString, usernameCaseMapped } from './precis.ts'

/** Text that is not a JID, or no part of one (RFC 7622). `reason` is for people: lower case, no full stop. */
export class JidError extends Error {
  override readonly name = 'JidError'
  readonly reason: string

  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }
}

/** RFC 7622 §3.1: each part has between 1 and 1023 octets. */
const MAX_PART_OCTETS = 1023
/** RFC 1035 §2.3.4, without the dot of the root. */
const MAX_DNS_OCTETS = 253

/** Printable ASCII without the characters that RFC 7622 §3.3.1 excludes: needs nothing but lower-casing. */
const ASCII_LOCALPART = /^[!#-%(-.0-9;=?A-~]+$/
const ASCII_RESOURCE = /^[ -~]+$/
const EXCLUDED_FROM_LOCALPART = /["&'/:<>@]/
const LDH_DOMAIN = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i
/** Labels with hyphens in third and fourth place are reserved, `xn--` for A-labels (RFC 5890 §2.3.1). */
const RESERVED_LABEL = /(?:^|\.)[^.]{2}--/
const A_LABEL = /(?:^|\.)xn--/
/** What URL parsers take for the end of an IPv4 address, in whatever notation. */
const NUMERIC_LAST_LABEL = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/i
const NOT_LDH_ASCII = /[\0-,/:-@[-`{-\x7f]/

/** An address of RFC 7622 whose parts are prepared: equal addresses have equal texts. */
export class Jid {
  readonly local: string | undefined
  readonly domain: string
  readonly resource: string | undefined
  readonly #text: string
  #bare: Jid | undefined

  private constructor(local: string | undefined, domain: string, resource: string | undefined) {
    this.local = local
    this.domain = domain
    this.resource = resource
    const bare = local === undefined ? domain : `${local}@${domain}`
    this.#text = resource === undefined ? bare : `${bare}/${resource}`
  }

  /** Splits as RFC 7622 §3.1 says (first `/`, then first `@` before it) and prepares each part. */
  static parse(text: string): Jid {
    const slash = text.indexOf('/')
    const bare = slash < 0 ? text : text.slice(0, slash)
    const at = bare.indexOf('@')
    const domain = prepareDomain(at < 0 ? bare : bare.slice(at + 1))
    const local = at < 0 ? undefined : prepareLocalpart(bare.slice(0, at))
    return new Jid(local, domain, slash < 0 ? undefined : prepareResource(text.slice(slash + 1)))
  }

  get isBare(): boolean {
    return this.resource === undefined
  }

  /** The address without resourcepart; itself if it has none. */
  bare(): Jid {
    if (this.resource === undefined) return this
    this.#bare ??= new Jid(this.local, this.domain, undefined)
    return this.#bare
  }

  /** The full JID of this account with the given resourcepart; throws {@link JidError}. */
  withResource(resource: string): Jid {
    return new Jid(this.local, this.domain, prepareResource(resource))
  }

  equals(other: Jid): boolean {
    return this.#text === other.#text
  }

  toString(): string {
    return this.#text
  }
}

/** Parses and prepares an address; throws {@link JidError}. */
export function parseJid(text: string): Jid {
  return Jid.parse(text)
}

/** As {@link parseJid}, but `undefined` for what is not an address. */
export function tryParseJid(text: string): Jid | undefined {
  try {
    return Jid.parse(text)
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}

/** RFC 7622 §3.3: UsernameCaseMapped (RFC 8265 §3.3) without the characters that have a meaning in a JID. */
export function prepareLocalpart(text: string): string {
  if (ASCII_LOCALPART.test(text)) return checkLength('localpart', text.toLowerCase())
  if (text === '') throw new JidError('the localpart is empty')
  checkInputLength('localpart', text)
  const prepared = usernameCaseMapped(text)
  if (!prepared.ok) throw new JidError(`the localpart ${prepared.reason}`)
  const excluded = EXCLUDED_FROM_LOCALPART.exec(prepared.text)
  if (excluded !== null) throw new JidError(`the localpart contains ${excluded[0]}`)
  return checkLength('localpart', prepared.text)
}

/** RFC 7622 §3.4: OpaqueString (RFC 8265 §4.2). */
export function prepareResource(text: string): string {
  if (ASCII_RESOURCE.test(text)) return checkLength('resourcepart', text)
  if (text === '') throw new JidError('the resourcepart is empty')
  checkInputLength('resourcepart', text)
  const prepared = opaqueString(text)
  if (!prepared.ok) throw new JidError(`the resourcepart ${prepared.reason}`)
  return checkLength('resourcepart', prepared.text)
}

/**
 * RFC 7622 §3.2: a DNS name of lower-case LDH labels and U-labels, or an IP address literal; the dot of the root is
 * removed.
 */
export function prepareDomain(text: string): string {
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  if (name === '') throw new JidError('the domainpart is empty')
  if (name.startsWith('[')) return ipv6Literal(name)
  if (isIPv4(name)) return name
  if (LDH_DOMAIN.test(name) && !RESERVED_LABEL.test(name)) return checkDnsName(name.toLowerCase())
  return internationalDomain(name)
}

function ipv6Literal(name: string): string {
  const address = name.slice(1, -1)
  if (!name.endsWith(']') || !isIPv6(address) || address.includes('%')) {
    throw new JidError('the domainpart is not an IPv6 address in brackets')
  }
  return name.toLowerCase()
}

function checkDnsName(ascii: string): string {
  if (ascii.length > MAX_DNS_OCTETS) throw new JidError(`the domainpart is longer than ${MAX_DNS_OCTETS} octets`)
  if (NUMERIC_LAST_LABEL.test(ascii)) throw new JidError('the domainpart ends in a number but is not an IPv4 address')
  return ascii
}

function internationalDomain(name: string): string {
  checkInputLength('domainpart', name)
  const bad = NOT_LDH_ASCII.exec(name)
  if (bad !== null) throw new JidError(`the domainpart contains ${describeCharacter(bad[0])}`)
  // A number at the end would make domainToASCII read an IPv4 address: 0x7f.1 would become 127.0.0.1.
  if (NUMERIC_LAST_LABEL.test(name.normalize('NFKC'))) {
    throw new JidError('the domainpart ends in a number but is not an IPv4 address')
  }
  const ascii = domainToASCII(name)
  if (!LDH_DOMAIN.test(ascii)) throw new JidError('the domainpart is not a domain name')
  checkDnsName(ascii)
  const unicode = domainToUnicode(ascii)
  // An A-label that stands for nothing comes back as it is from some versions of Node, and empty from others.
  if (A_LABEL.test(unicode)) throw new JidError('the domainpart is not a domain name')
  for (const label of unicode.split('.')) checkLabel(label)
  if (domainToASCII(unicode) !== ascii) throw new JidError('the domainpart is not a domain name')
  return checkLength('domainpart', unicode)
}

/** IDNA2008 (RFC 5891 §4.2) is stricter than the UTS 46 of domainToASCII: no symbols, context rules, Bidi rule. */
function checkLabel(label: string): void {
  if (/^..--/u.test(label)) throw new JidError('the domainpart has a label with hyphens in third and fourth place')
  const reason = disallowedInIdentifier(label) ?? breaksBidiRule(label)
  if (reason !== undefined) throw new JidError(`the domainpart ${reason}`)
}

function describeCharacter(character: string): string {
  if (character === ' ') return 'a space'
  return /[!-~]/.test(character) ? character : 'a control character'
}

function checkInputLength(part: string, text: string): void {
  // No preparation makes text shorter than a third; longer input is not worth normalising.
  if (text.length > 3 * MAX_PART_OCTETS) throw new JidError(`the ${part} is longer than ${MAX_PART_OCTETS} octets`)
}

function checkLength(part: string, text: string): string {
  if (text.length * 3 > MAX_PART_OCTETS && Buffer.byteLength(text) > MAX_PART_OCTETS) {
    throw new JidError(`the ${part} is longer than ${MAX_PART_OCTETS} octets`)
  }
  return text
}
