import { NS } from '../namespaces.ts'
import { appendChild, type Element, xml } from './element.ts'
import { resolveReferences } from './references.ts'
import type { RootTag, TreeLimits } from './tree-builder.ts'

interface AttributePatterns {
  /** In ASCII and without references: to be taken as it is. */
  readonly plain: RegExp
  readonly any: RegExp
}

const DECLARATION = /<\?xml version=(?:'1\.0'|"1\.0")(?: encoding=(?:'(?:utf|UTF)-8'|"(?:utf|UTF)-8"))? ?\?>/y
const ROOT = '<stream:stream'
const OPEN = /<[A-Za-z][\w-]*/y

// Whatever the tokenizer would change is in none of these: white space but spaces in attributes (XML 1.0 §3.3.3), line ends
// (§2.11). Neither are the characters that it would refuse (§2.2). From \x80 on they are parts of characters.
const ATTRIBUTE = attributePatterns('xml:')
const HEADER_ATTRIBUTE = attributePatterns('xml:|xmlns:')
const PLAIN_TEXT = /[\t\n !-%'-;=?-\x7f]*/y
const TEXT = /[\t\n !-;=-\xff]*/y

/** That of `xml:`, and that of `xmlns:` (Namespaces in XML §3): nobody may declare them. */
const RESERVED: ReadonlySet<string> = new Set([NS.xml, 'http://www.w3.org/2000/xmlns/'])
const NOT_ASCII = /[\x80-\xff]/
/** U+FFFE and U+FFFF in UTF-8. */
const NO_CHARACTER = /\xef\xbf[\xbe\xbf]/

const LESS_THAN = 0x3c
const SLASH = 0x2f

interface Attribute {
  readonly name: string
  readonly value: string
}

/**
 * Reads what most of a stream consists of: elements without prefixes and CDATA, written as programs write them. It decides
 * nothing: what is not as plain as that, is cut short or breaks a rule is left to the tokenizer, and of the rest both make
 * the same. A message costs a tenth of what the tokenizer takes for it.
 */
export class FastReader {
  readonly #octets: Buffer
  /** A character for each octet, so that a place in one is a place in the other; what is not ASCII is decoded alone. */
  readonly #text: string
  readonly #contentNamespace: string
  #at = 0

  /**
   * @param length of the octets that may be read; they are UTF-8
   * @param contentNamespace that of stanzas which carry no `xmlns` in their tree
   */
  constructor(octets: Buffer, length: number, contentNamespace: string) {
    this.#octets = octets
    this.#text = octets.toString('latin1', 0, length)
    this.#contentNamespace = contentNamespace
  }

  /** Behind the last octet of what has been read; says nothing where it was left to the tokenizer. */
  get end(): number {
    return this.#at
  }

  /**
   * The header of a stream that declares the content namespace and the prefix `stream`, and nothing else.
   * @param at where its `<` is, or that of the XML declaration before it
   * @returns undefined when the tokenizer has to read it
   */
  readHeader(at: number, limits: TreeLimits): RootTag | undefined {
    this.#at = at
    this.#passed(DECLARATION)
    if (!this.#took(ROOT)) return undefined
    const attributes = this.#readAttributes(HEADER_ATTRIBUTE, limits.attributes)
    if (attributes === undefined || !this.#took('>')) return undefined
    const contentNamespace = valueNamed(attributes, 'xmlns')
    if (contentNamespace !== this.#contentNamespace || valueNamed(attributes, 'xmlns:stream') !== NS.stream) {
      return undefined
    }
    const attrs: Record<string, string> = {}
    for (const { name, value } of attributes) {
      if (name === 'xmlns' || name === 'xmlns:stream') continue
      if (name.startsWith('xmlns:')) return undefined
      attrs[name] = value
    }
    return { name: 'stream', namespace: NS.stream, contentNamespace, attrs }
  }

  /**
   * A child of a stream.
   * @param at where its `<` is
   * @param scope the default namespace that the header of the stream declares
   * @returns undefined when the tokenizer has to read it
   */
  readElement(at: number, scope: string, limits: TreeLimits): Element | undefined {
    this.#at = at
    return this.#readElement(scope, this.#contentNamespace, limits, 1)
  }

  /**
   * @param scope the namespace of an element that declares none
   * @param implied the namespace of an element that carries no `xmlns` in its tree: the same but for children of the stream
   */
  #readElement(scope: string, implied: string, limits: TreeLimits, depth: number): Element | undefined {
    const from = this.#at
    if (depth > limits.depth || !this.#passed(OPEN)) return undefined
    const element = xml(this.#text.slice(from + 1, this.#at))
    const attributes = this.#readAttributes(ATTRIBUTE, limits.attributes)
    if (attributes === undefined) return undefined
    const namespace = valueNamed(attributes, 'xmlns') ?? scope
    if (namespace !== scope && !isPlainNamespace(namespace)) return undefined
    if (namespace !== implied) element.attrs['xmlns'] = namespace
    for (const { name, value } of attributes) if (name !== 'xmlns') element.attrs[name] = value
    if (this.#took('>')) return this.#readContent(element, namespace, limits, depth) ? element : undefined
    return this.#took('/>') || this.#took(' />') ? element : undefined
  }

  /** What is inside an element, and its end tag. */
  #readContent(element: Element, namespace: string, limits: TreeLimits, depth: number): boolean {
    for (;;) {
      if (!this.#readText(element)) return false
      if (this.#text.charCodeAt(this.#at + 1) === SLASH) return this.#tookEndTag(element.name)
      const child = this.#readElement(namespace, namespace, limits, depth + 1)
      if (child === undefined) return false
      appendChild(element, child)
    }
  }

  /** Appends the text up to the next tag; false when there is none, or something that the tokenizer has to read. */
  #readText(element: Element): boolean {
    const from = this.#at
    this.#passed(PLAIN_TEXT)
    if (this.#text.charCodeAt(this.#at) === LESS_THAN) {
      appendChild(element, this.#text.slice(from, this.#at))
      return true
    }
    this.#passed(TEXT)
    if (this.#text.charCodeAt(this.#at) !== LESS_THAN) return false
    const text = this.#text.slice(from, this.#at).includes(']]>') ? undefined : this.#decode(from, this.#at)
    if (text === undefined) return false
    appendChild(element, text)
    return true
  }

  /** The attributes of a tag; undefined when one of them comes twice, or more than `most` of them. */
  #readAttributes({ plain, any }: AttributePatterns, most: number): readonly Attribute[] | undefined {
    const attributes: Attribute[] = []
    for (let from = this.#at; ; from = this.#at) {
      const isPlain = this.#passed(plain)
      if (!isPlain && !this.#passed(any)) return attributes
      const equals = this.#text.indexOf('=', from)
      const name = this.#text.slice(from + 1, equals)
      if (attributes.length === most || valueNamed(attributes, name) !== undefined) return undefined
      const [begin, end] = [equals + 2, this.#at - 1]
      const value = isPlain ? this.#text.slice(begin, end) : this.#decode(begin, end)
      if (value === undefined) return undefined
      attributes.push({ name, value })
    }
  }

  /** The characters that octets stand for; undefined when one is not allowed, or a reference means something else. */
  #decode(from: number, to: number): string | undefined {
    const octets = this.#text.slice(from, to)
    if (!NOT_ASCII.test(octets)) return resolveReferences(octets)
    return NO_CHARACTER.test(octets) ? undefined : resolveReferences(this.#octets.toString('utf8', from, to))
  }

  #tookEndTag(name: string): boolean {
    this.#at += 2
    return this.#took(name) && this.#took('>')
  }

  #took(literal: string): boolean {
    if (!this.#text.startsWith(literal, this.#at)) return false
    this.#at += literal.length
    return true
  }

  /** Goes behind what matches here, if anything does. Tested, not executed: the arrays would be most of the garbage. */
  #passed(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    if (!pattern.test(this.#text)) return false
    this.#at = pattern.lastIndex
    return true
  }
}

function valueNamed(attributes: readonly Attribute[], name: string): string | undefined {
  for (const attribute of attributes) if (attribute.name === name) return attribute.value
  return undefined
}

/** White space round the name, no name at all, or one that must not be declared: the tokenizer knows what becomes of them. */
function isPlainNamespace(name: string): boolean {
  return name !== '' && name === name.trim() && !RESERVED.has(name)
}

function attributePatterns(prefixes: string): AttributePatterns {
  const name = `(?:${prefixes})?[A-Za-z][\\w-]*`
  return {
    plain: new RegExp(` ${name}=(?:"[ !#-%'-;=-\\x7f]*"|'[ !-%(-;=-\\x7f]*')`, 'y'),
    any: new RegExp(` ${name}=(?:"[ !#-;=-\\xff]*"|'[ !-&(-;=-\\xff]*')`, 'y'),
  }
}
