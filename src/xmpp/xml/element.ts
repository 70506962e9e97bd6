import { Element as LtxElement } from 'ltx'
import { NS } from '../namespaces.ts'

/**
 * A node of an XML tree: `name`, `attrs`, `children` (elements and text), `parent`.
 *
 * Trees are kept in one normal form, which the stream parser produces and {@link xml} should be used for:
 * names carry no prefix, and the attribute `xmlns` stands where the namespace differs from the parent's. A tree
 * without a parent stands in the content namespace of its stream (RFC 6120 §4.8.2). Whatever that is, trees take it for
 * `jabber:client`: so a stanza carries no `xmlns` at all and can be written into any stream as it is. The one prefix in
 * use is `stream`, for `stream:features` and `stream:error`; our stream header declares it.
 */
export type Element = LtxElement

/**
 * Builds an element; attributes whose value is `undefined` are left out.
 * A child belongs to one parent: adding it elsewhere moves the `parent` link but copies nothing.
 */
export function xml(
  name: string,
  attrs: Readonly<Record<string, string | undefined>> = {},
  ...children: (Element | string)[]
): Element {
  const element = new LtxElement(name)
  for (const key of Object.keys(attrs)) {
    const value = attrs[key]
    if (value !== undefined) setAttribute(element, key, value)
  }
  for (const child of children) appendChild(element, child)
  return element
}

/** Sets an attribute, also one that is called `__proto__`, which is a legal XML name. */
export function setAttribute(element: Element, name: string, value: string): void {
  if (name === '__proto__') {
    Object.defineProperty(element.attrs, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  } else {
    element.attrs[name] = value
  }
}

/** Appends an element or text; neighbouring texts become one, so that equal content is an equal tree. */
export function appendChild(parent: Element, child: Element | string): void {
  const { children } = parent
  if (typeof child !== 'string') {
    child.parent = parent
    children.push(child)
    return
  }
  const last = children.at(-1)
  if (typeof last === 'string') children[children.length - 1] = last + child
  else if (child !== '') children.push(child)
}

/**
 * The XML text of a tree, to be written inside a stream, whose content namespace becomes that of a stanza.
 * Everything that a receiving parser would change is escaped (XML 1.0 §2.11 line ends, §3.3.3 white space in
 * attributes); characters that XML cannot carry (§2.2) become U+FFFD.
 */
export function serialize(element: Element): string {
  const { name, attrs, children } = element
  let out = `<${name}`
  for (const key in attrs) {
    const value = attrs[key]
    if (value !== undefined) out += ` ${key}="${escapeAttribute(value)}"`
  }
  if (children.length === 0) return `${out}/>`
  out += '>'
  for (const child of children) out += typeof child === 'string' ? escapeText(child) : serialize(child)
  return `${out}</${name}>`
}

/** The namespace URI of an element; `''` if it is in none. Compare this, never a prefix (Namespaces in XML §2.1). */
export function namespaceOf(element: Element): string {
  const colon = element.name.indexOf(':')
  const prefix = colon < 0 ? undefined : element.name.slice(0, colon)
  const attribute = prefix === undefined ? 'xmlns' : `xmlns:${prefix}`
  for (let node: Element | null = element; node !== null; node = node.parent) {
    const declared = node.attrs[attribute]
    if (declared !== undefined) return declared
  }
  if (prefix === undefined) return NS.client
  return prefix === 'stream' ? NS.stream : ''
}

/** The name of an element without its prefix. */
export function localNameOf(element: Element): string {
  return element.name.slice(element.name.indexOf(':') + 1)
}

/** The first child element with this local name and namespace. */
export function childNamed(element: Element, name: string, namespace: string): Element | undefined {
  for (const child of element.children) {
    if (typeof child !== 'string' && localNameOf(child) === name && namespaceOf(child) === namespace) return child
  }
  return undefined
}

/** The children that are elements, in document order. */
export function childElements(element: Element): Element[] {
  return element.children.filter((child) => typeof child !== 'string')
}

/** The text directly inside an element, without that of its descendants. */
export function textOf(element: Element): string {
  let text = ''
  for (const child of element.children) if (typeof child === 'string') text += child
  return text
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
}
// biome-ignore lint/suspicious/noControlCharactersInRegex: the characters that XML 1.0 §2.2 excludes are the point
const TEXT_SPECIAL = /[&<>\r\0-\x08\v\f\x0e-\x1f\ufffe\uffff]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const ATTRIBUTE_SPECIAL = /[&<>"\0-\x1f\ufffe\uffff]/g

function escapeCharacter(character: string): string {
  return ESCAPES[character] ?? '\ufffd'
}

function escapeText(text: string): string {
  return text.search(TEXT_SPECIAL) < 0 ? text : text.replace(TEXT_SPECIAL, escapeCharacter)
}

/** Text as it stands between the quotation marks of an attribute. */
export function escapeAttribute(value: string): string {
  return value.search(ATTRIBUTE_SPECIAL) < 0 ? value : value.replace(ATTRIBUTE_SPECIAL, escapeCharacter)
}
