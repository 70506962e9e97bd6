import type { Jid } from './address/jid.ts'
import { NS } from './namespaces.ts'
import { type Element, serialize, xml } from './xml/element.ts'

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

/**
 * A stanza on its way: a value. Nobody changes its element; what is added makes another stanza. However many it is for, it
 * is written out once.
 */
export class Stanza {
  readonly name: StanzaName
  readonly element: Element
  readonly from: Jid
  /** As its sender has addressed it; undefined when it names nobody. */
  readonly to: Jid | undefined
  #text: string | undefined

  /** @param element whose attributes say the same as `from` and `to` */
  constructor(element: Element, name: StanzaName, from: Jid, to: Jid | undefined) {
    this.element = element
    this.name = name
    this.from = from
    this.to = to
  }

  get type(): string | undefined {
    return this.element.attrs.type
  }

  get id(): string | undefined {
    return this.element.attrs.id
  }

  /** As it is written into a stream. */
  get text(): string {
    this.#text ??= serialize(this.element)
    return this.#text
  }

  /** The same with one more child behind the others; what has been written out already is not written again. */
  with(child: Element): Stanza {
    const { name, attrs, children } = this.element
    const element = xml(name, attrs, ...children, child)
    for (const kept of children) if (typeof kept !== 'string') kept.parent = this.element
    const extended = new Stanza(element, this.name, this.from, this.to)
    if (this.#text !== undefined) extended.#text = spliced(this.#text, name, serialize(child))
    return extended
  }
}

function spliced(text: string, name: string, child: string): string {
  const end = `</${name}>`
  return text.endsWith(end) ? `${text.slice(0, -end.length)}${child}${end}` : `${text.slice(0, -2)}>${child}${end}`
}
