import { NS } from '../namespaces.ts'
import { appendChild, type Element, xml } from './element.ts'
import type { RootTag, TreeLimits } from './tree-builder.ts'

/**
 * Reads what most of a stream consists of: elements without prefixes, references, CDATA or anything but ASCII, written as
 * programs write them. It decides nothing: what is not as plain as that, is cut short or breaks a rule is left to the
 * tokenizer, and of the rest both make the same. A login is some 50 µs cheaper for it, a message 2 µs.
 */

/** Where reading has come to in a text. */
interface Place {
  readonly text: string
  at: number
}

interface PlainHeader {
  readonly root: RootTag
  /** Behind its last character. */
  readonly end: number
}

interface PlainElement {
  readonly element: Element
  readonly end: number
}

const DECLARATION = /<\?xml version=(?:'1\.0'|"1\.0")(?: encoding=(?:'(?:utf|UTF)-8'|"(?:utf|UTF)-8"))? ?\?>/y
const ROOT = '<stream:stream'
const OPEN = /<[A-Za-z][\w-]*/y
const ATTRIBUTE = / (?:xml:|xmlns:)?[A-Za-z][\w-]*=(?:"[ !#-%'-;=-~]*"|'[ !-%(-;=-~]*')/y
/** Without `>`, which must not follow `]]` (XML 1.0 §2.4), and without the line ends that are to be changed (§2.11). */
const TEXT = /[\t\n !-%'-;=?-~]*/y

/** Goes behind what matches here, if anything does. Tested, not executed: the arrays would be most of the garbage. */
function passed(pattern: RegExp, place: Place): boolean {
  pattern.lastIndex = place.at
  if (!pattern.test(place.text)) return false
  place.at = pattern.lastIndex
  return true
}

function took(literal: string, place: Place): boolean {
  if (!place.text.startsWith(literal, place.at)) return false
  place.at += literal.length
  return true
}

interface Attribute {
  readonly name: string
  readonly value: string
}

/** The attributes of a tag; undefined when one of them comes twice or there are too many. */
function readAttributes(place: Place, most: number): readonly Attribute[] | undefined {
  const { text } = place
  const attributes: Attribute[] = []
  for (let from = place.at; passed(ATTRIBUTE, place); from = place.at) {
    const equals = text.indexOf('=', from)
    const name = text.slice(from + 1, equals)
    if (attributes.length === most || valueNamed(attributes, name) !== undefined) return undefined
    attributes.push({ name, value: text.slice(equals + 2, place.at - 1) })
  }
  return attributes
}

function valueNamed(attributes: readonly Attribute[], name: string): string | undefined {
  for (const attribute of attributes) if (attribute.name === name) return attribute.value
  return undefined
}

/**
 * The header of a client's stream, at the beginning of a text.
 * @returns undefined when the tokenizer has to read it
 */
export function readPlainHeader(text: string, limits: TreeLimits): PlainHeader | undefined {
  const place = { text, at: 0 }
  passed(DECLARATION, place)
  if (!took(ROOT, place)) return undefined
  const attributes = readAttributes(place, limits.attributes)
  if (attributes === undefined || !took('>', place)) return undefined
  // Nobody declares anything else; the namespaces of what is inside follow from these two.
  if (valueNamed(attributes, 'xmlns') !== NS.client || valueNamed(attributes, 'xmlns:stream') !== NS.stream)
    return undefined
  const attrs: Record<string, string> = {}
  for (const { name, value } of attributes) {
    if (name === 'xmlns' || name === 'xmlns:stream') continue
    if (name.includes(':') && name !== 'xml:lang') return undefined
    attrs[name] = value
  }
  return { root: { name: 'stream', namespace: NS.stream, contentNamespace: NS.client, attrs }, end: place.at }
}

/** The element whose start tag is here; undefined when it is not plain. */
function readOpening(place: Place, inherited: string, most: number): Element | undefined {
  const from = place.at
  if (!passed(OPEN, place)) return undefined
  const element = xml(place.text.slice(from + 1, place.at))
  const attributes = readAttributes(place, most)
  if (attributes === undefined) return undefined
  const namespace = valueNamed(attributes, 'xmlns') ?? inherited
  // White space round the name of a namespace, and the two that nobody may declare: the tokenizer knows.
  if (/^ | $|^$|www\.w3\.org/.test(namespace)) return undefined
  if (namespace !== inherited) element.attrs['xmlns'] = namespace
  for (const { name, value } of attributes) {
    if (name === 'xmlns') continue
    if (name.includes(':')) return undefined
    element.attrs[name] = value
  }
  return element
}

/** Reads one child of a stream, tag by tag. */
class ElementReader {
  readonly #place: Place
  readonly #limits: TreeLimits
  #current: Element | undefined
  /** Of what encloses the place: the stream, and every open element. */
  readonly #namespaces: string[] = [NS.client]

  constructor(place: Place, limits: TreeLimits) {
    this.#place = place
    this.#limits = limits
  }

  /** @returns undefined when something is not plain */
  read(): Element | undefined {
    for (;;) {
      const isClosing = this.#current !== undefined && this.#place.text.startsWith('</', this.#place.at)
      const tag = isClosing ? this.#close() : this.#open()
      if (tag !== 'inside') return tag
      const from = this.#place.at
      passed(TEXT, this.#place)
      if (this.#current !== undefined) appendChild(this.#current, this.#place.text.slice(from, this.#place.at))
    }
  }

  #close(): Element | undefined | 'inside' {
    const closed = this.#current
    if (closed === undefined || !took(`</${closed.name}>`, this.#place)) return undefined
    this.#namespaces.pop()
    this.#current = closed.parent ?? undefined
    return this.#current === undefined ? closed : 'inside'
  }

  #open(): Element | undefined | 'inside' {
    if (this.#namespaces.length > this.#limits.depth) return undefined
    const inherited = this.#namespaces.at(-1) ?? NS.client
    const element = readOpening(this.#place, inherited, this.#limits.attributes)
    if (element === undefined) return undefined
    if (this.#current !== undefined) appendChild(this.#current, element)
    if (took('>', this.#place)) {
      this.#current = element
      this.#namespaces.push(element.attrs['xmlns'] ?? inherited)
      return 'inside'
    }
    if (!took('/>', this.#place) && !took(' />', this.#place)) return undefined
    return this.#current === undefined ? element : 'inside'
  }
}

/**
 * A child of a stream whose header was plain.
 * @param at where its `<` is
 * @returns undefined when the tokenizer has to read it
 */
export function readPlainElement(text: string, at: number, limits: TreeLimits): PlainElement | undefined {
  const place = { text, at }
  const element = new ElementReader(place, limits).read()
  return element && { element, end: place.at }
}
