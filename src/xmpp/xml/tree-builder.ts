import { type SaxesAttributeNSIncomplete, SaxesParser, type SaxesTagNS } from 'saxes'
import { NS } from '../namespaces.ts'
import { appendChild, type Element, escapeAttribute, setAttribute, xml } from './element.ts'
import { ParseFaultError } from './parse-fault.ts'

/** The start tag of the root element. */
export interface RootTag {
  /** Local name. */
  readonly name: string
  readonly namespace: string
  /** The default namespace declared on it, `''` if there is none (RFC 6120 §4.8.2). */
  readonly contentNamespace: string
  /** Attributes in no namespace by their name, and those of `xml:`; declarations are not among them. */
  readonly attrs: Readonly<Record<string, string>>
}

export interface TreeLimits {
  readonly depth: number
  readonly attributes: number
}

/** What the text written last has completed, in this order. */
interface Completed {
  readonly declaration: boolean
  readonly root: RootTag | undefined
  readonly element: Element | undefined
  readonly end: boolean
}

/** NCName of Namespaces in XML §3 starts so; the tokenizer checks the start of the whole name, not that of `p:1`. */
const NC_NAME_START =
  /^[A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\u{10000}-\u{effff}]/u

const saxesOptions = {
  xmlns: true,
  position: false,
  forceXMLVersion: true,
  defaultXMLVersion: '1.0',
} as const

/**
 * Makes trees in the normal form of {@link Element} from the text of a stream. Feed it no more than one `>` at a time
 * and at the end: then each call completes at most one tag, and a fault in that tag is known before anything of it is
 * handed on (the tokenizer reports a closing tag first and its mismatch later).
 */
export class TreeBuilder {
  readonly #saxes = new SaxesParser(saxesOptions)
  readonly #contentNamespace: string
  #limits: TreeLimits
  /** Open elements, the root included. */
  #depth = 0
  /** Of the tag that is being read, in order: a list of our own is cheaper to go through than the object of the tag. */
  #attributes: SaxesAttributeNSIncomplete[] = []
  #current: Element | undefined
  /** Namespaces of the open elements below the root. */
  readonly #namespaces: string[] = []
  #inCdata = false
  #declaration = false
  #root: RootTag | undefined
  #element: Element | undefined
  #end = false

  /** @param contentNamespace that of stanzas which carry no `xmlns` in their tree */
  constructor(limits: TreeLimits, contentNamespace: string) {
    this.#limits = limits
    this.#contentNamespace = contentNamespace
    const saxes = this.#saxes
    saxes.on('error', (error) => fail(error))
    saxes.on('xmldecl', ({ version, encoding }) => this.#onDeclaration(version, encoding))
    saxes.on('opentagstart', () => {
      this.#attributes = []
    })
    saxes.on('attribute', (attribute) => this.#onAttribute(attribute))
    saxes.on('opentag', (tag) => this.#onOpen(tag))
    saxes.on('closetag', () => this.#onClose())
    saxes.on('text', (text) => this.#onText(text))
    saxes.on('cdata', (text) => {
      this.#inCdata = false
      this.#onText(text)
    })
  }

  /** Open elements, the root included. */
  get depth(): number {
    return this.#depth
  }

  get inCdata(): boolean {
    return this.#inCdata
  }

  setLimits(limits: TreeLimits): void {
    this.#limits = limits
  }

  /** Stands in for the header of a stream that has been read elsewhere and declares the content namespace and `stream` alone. */
  enterStream(): void {
    this.write(`<stream:stream xmlns="${escapeAttribute(this.#contentNamespace)}" xmlns:stream="${NS.stream}">`)
    this.take()
  }

  /** Says that the text to come starts a CDATA section, in which nothing is markup. */
  enterCdata(): void {
    this.#inCdata = true
  }

  /** Tokenizes; throws {@link ParseFaultError}. */
  write(text: string): void {
    this.#saxes.write(text)
  }

  /** What has been completed since the last call. */
  take(): Completed | undefined {
    if (!this.#declaration && this.#root === undefined && this.#element === undefined && !this.#end) return undefined
    const completed = {
      declaration: this.#declaration,
      root: this.#root,
      element: this.#element,
      end: this.#end,
    }
    this.#declaration = false
    this.#root = undefined
    this.#element = undefined
    this.#end = false
    return completed
  }

  #onDeclaration(version: string | undefined, encoding: string | undefined): void {
    if (version !== '1.0') throw new ParseFaultError('not-well-formed', 'the XML version must be 1.0')
    if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') {
      throw new ParseFaultError('unsupported-encoding', 'the encoding must be UTF-8')
    }
    this.#declaration = true
  }

  #onAttribute(attribute: SaxesAttributeNSIncomplete): void {
    const { attributes } = this.#limits
    this.#attributes.push(attribute)
    if (this.#attributes.length > attributes) {
      throw new ParseFaultError('policy-violation', `an element may have at most ${attributes} attributes`)
    }
  }

  #onOpen(tag: SaxesTagNS): void {
    checkName(tag.prefix, tag.local)
    if (this.#depth === 0) {
      this.#root = rootTag(tag, this.#attributes)
    } else {
      this.#openElement(tag)
    }
    this.#depth++
  }

  #openElement(tag: SaxesTagNS): void {
    const { depth } = this.#limits
    if (this.#depth > depth) {
      throw new ParseFaultError('policy-violation', `elements may be nested at most ${depth} deep`)
    }
    const element = xml(tag.local)
    const inherited = this.#namespaces.at(-1) ?? this.#contentNamespace
    if (tag.uri !== inherited) element.attrs['xmlns'] = tag.uri
    for (const attribute of this.#attributes) copyAttribute(element, attribute, tag)
    if (this.#current !== undefined) appendChild(this.#current, element)
    this.#current = element
    this.#namespaces.push(tag.uri)
  }

  #onClose(): void {
    this.#depth--
    if (this.#depth === 0) {
      this.#end = true
      return
    }
    this.#namespaces.pop()
    if (this.#depth === 1) this.#element = this.#current
    this.#current = this.#current?.parent ?? undefined
  }

  #onText(text: string): void {
    if (this.#current !== undefined) appendChild(this.#current, text)
    else if (/[^ \t\r\n]/.test(text)) throw new ParseFaultError('bad-format', 'text between stanzas')
  }
}

/**
 * Elements lose their prefix, attributes keep it with a declaration of its own beside it: a subtree then means the
 * same wherever it is written. Prefixes in values (`xsi:type="xs:string"`) are text like any other.
 */
function copyAttribute(element: Element, attribute: SaxesAttributeNSIncomplete, tag: SaxesTagNS): void {
  const { name, prefix, local, value } = attribute
  if (name === 'xmlns' || prefix === 'xmlns') {
    checkName(prefix, local)
    return
  }
  if (prefix === '') {
    setAttribute(element, name, value)
    return
  }
  checkName(prefix, local)
  const uri = namespaceIn(tag, name)
  if (uri !== NS.xml) element.attrs[`xmlns:${prefix}`] = uri
  element.attrs[name] = value
}

/** The namespace of a prefixed attribute; the prefix has been resolved when its tag is complete. */
function namespaceIn({ attributes }: SaxesTagNS, name: string): string {
  return attributes[name]?.uri ?? ''
}

function rootTag(tag: SaxesTagNS, attributes: readonly SaxesAttributeNSIncomplete[]): RootTag {
  const attrs: Record<string, string> = Object.create(null)
  for (const { name, prefix, local, value } of attributes) {
    checkName(prefix, local)
    const isOurs = prefix === '' ? name !== 'xmlns' : namespaceIn(tag, name) === NS.xml
    if (isOurs) attrs[name] = value
  }
  return {
    name: tag.local,
    namespace: tag.uri,
    contentNamespace: tag.ns[''] ?? '',
    attrs,
  }
}

function checkName(prefix: string, local: string): void {
  if (prefix !== '' && !NC_NAME_START.test(local)) throw new ParseFaultError('not-well-formed', 'malformed name')
}

/** The texts of the tokenizer are matched here and pinned by tests; what they quote from the input is cut off. */
function fail(error: Error): never {
  const text = error.message.replace(/[:.].*$/s, '')
  throw new ParseFaultError(text === 'undefined entity' ? 'restricted-xml' : 'not-well-formed', text)
}
