import { type Jid, tryParseJid } from '../address/jid.ts'
import { NS } from '../namespaces.ts'
import type { Element } from '../xml/element.ts'
import { xml } from '../xml/element.ts'
import type { StreamHeader } from '../xml/stream-parser.ts'

/** The stream error conditions that xmppki sends (RFC 6120 §4.9.3). */
export type StreamCondition =
  | 'bad-format'
  | 'bad-namespace-prefix'
  | 'conflict'
  | 'connection-timeout'
  | 'host-gone'
  | 'host-unknown'
  | 'improper-addressing'
  | 'internal-server-error'
  | 'invalid-from'
  | 'invalid-namespace'
  | 'invalid-xml'
  | 'not-authorized'
  | 'not-well-formed'
  | 'policy-violation'
  | 'reset'
  | 'resource-constraint'
  | 'restricted-xml'
  | 'system-shutdown'
  | 'unsupported-encoding'
  | 'unsupported-stanza-type'
  | 'unsupported-version'

/** A stream error as a value: it ends the stream, so it is never thrown (RFC 6120 §4.9). */
export interface StreamError {
  readonly condition: StreamCondition
  /** For humans, in English; never contains what the peer may not know. */
  readonly text?: string
}

/** What the receiving entity needs to know of the header that opened the stream. */
export interface StreamRequest {
  readonly domain: string
  /** Undefined as well when what stands there cannot be read. */
  readonly from: Jid | undefined
  /** Whether `from`, readable or not, is meant to name an account; a host name, say, does not. */
  readonly namesAccount?: boolean
}

/** `<stream:error/>` with its condition and optional text (RFC 6120 §4.9.2). */
export function streamErrorElement({ condition, text }: StreamError): Element {
  const children = [xml(condition, { xmlns: NS.streamErrors })]
  if (text !== undefined) children.push(xml('text', { xmlns: NS.streamErrors, 'xml:lang': 'en' }, text))
  return xml('stream:error', {}, ...children)
}

/** The domain that a header is addressed to, in its normal form; undefined when it is not served. */
function servedDomain(to: string, isServed: (domain: string) => boolean): string | undefined {
  // Nearly everybody writes the normal form.
  if (isServed(to)) return to
  const { local, domain, resource } = tryParseJid(to) ?? {}
  const isDomain = domain !== undefined && local === undefined && resource === undefined
  return isDomain && isServed(domain) ? domain : undefined
}

/**
 * Judges the header that a client sent.
 * @param isServed whether this server answers for a domain (already in its normal form)
 */
export function readStreamHeader(
  header: StreamHeader,
  isServed: (domain: string) => boolean,
): StreamRequest | StreamError {
  if (header.name !== 'stream' || header.namespace !== NS.stream) return { condition: 'invalid-namespace' }
  // RFC 6120 §4.8.2: a content namespace that is not supported is answered with invalid-namespace as well.
  if (header.contentNamespace !== NS.client) return { condition: 'invalid-namespace' }
  const { to, from, version } = header.attrs
  // RFC 6120 §4.7.5: no version means 0.9, which knows neither TLS nor SASL.
  if (version === undefined || !/^[1-9][0-9]*\.[0-9]+$/.test(version)) return { condition: 'unsupported-version' }
  if (to === undefined) return { condition: 'improper-addressing', text: 'the stream header has no to attribute' }
  const domain = servedDomain(to, isServed)
  if (domain === undefined) return { condition: 'host-unknown' }
  // Whatever stands there: before the login there is nothing that it could differ from.
  return {
    domain,
    from: from === undefined ? undefined : tryParseJid(from),
    namesAccount: from?.includes('@') === true,
  }
}

/**
 * What speaks against going on with another stream on a connection. A login holds for the stream it was made on: neither
 * the domain nor the sender may change afterwards.
 * @param account who has logged in, if anybody has
 */
export function objectionTo(request: StreamRequest, account: Jid | undefined): StreamError | undefined {
  if (account === undefined) return undefined
  const { domain, from, namesAccount } = request
  if (account.domain !== domain) return { condition: 'host-unknown', text: 'the account belongs to another domain' }
  // Net::XMPP writes the name of its machine there, after the login as well: that claims to be nobody's account.
  if (namesAccount !== true || from?.bare().equals(account.bare())) return undefined
  return { condition: 'invalid-from', text: 'the from attribute is not the account that has logged in' }
}
