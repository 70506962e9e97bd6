import { NS } from './namespaces.ts'
import type { Element } from './xml/element.ts'
import { xml } from './xml/element.ts'

/** The stanza error conditions that xmppki sends, with the type that RFC 6120 §8.3.3 asks for. */
const ERROR_TYPES = {
  'bad-request': 'modify',
  conflict: 'cancel',
  'feature-not-implemented': 'cancel',
  forbidden: 'auth',
  'internal-server-error': 'cancel',
  'item-not-found': 'cancel',
  'jid-malformed': 'modify',
  'not-acceptable': 'modify',
  'not-allowed': 'cancel',
  'not-authorized': 'auth',
  'remote-server-not-found': 'cancel',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
  'unexpected-request': 'modify',
} as const

/** A stanza error condition (RFC 6120 §8.3.3). */
export type StanzaCondition = keyof typeof ERROR_TYPES

/** A stanza error as a value; the stream goes on (RFC 6120 §8.3). */
export interface StanzaError {
  readonly condition: StanzaCondition
  readonly text?: string
}

/** The `<error/>` child for a stanza of type `error`. */
function stanzaErrorElement({ condition, text }: StanzaError): Element {
  const children = [xml(condition, { xmlns: NS.stanzaErrors })]
  if (text !== undefined) children.push(xml('text', { xmlns: NS.stanzaErrors, 'xml:lang': 'en' }, text))
  return xml('error', { type: ERROR_TYPES[condition] }, ...children)
}

/** The three stanza kinds of RFC 6120 §8.2. */
export type StanzaName = 'iq' | 'message' | 'presence'

/** Whether a first-level element is a stanza; the caller has checked its namespace. */
export function isStanzaName(name: string): name is StanzaName {
  return name === 'iq' || name === 'message' || name === 'presence'
}

/**
 * The error answer to a stanza, addresses turned round (RFC 6120 §8.3.1).
 * Payload is not echoed: it is optional, and an echo doubles what a peer can make us send.
 */
export function errorReply(stanza: Element, error: StanzaError): Element {
  return reply(stanza, 'error', stanzaErrorElement(error))
}

/** The result answer to an IQ get or set (RFC 6120 §8.2.3). */
export function resultReply(iq: Element, payload?: Element): Element {
  return payload === undefined ? reply(iq, 'result') : reply(iq, 'result', payload)
}

function reply(stanza: Element, type: 'error' | 'result', ...children: Element[]): Element {
  const { id, from, to } = stanza.attrs as Readonly<Record<string, string | undefined>>
  return xml(stanza.name, { type, id, from: to, to: from }, ...children)
}
