import { NS } from '../namespaces.ts'
import type { Element } from './element.ts'
import { FastReader } from './fast-reader.ts'
import { DECLARATION, findMarkup, type Markup } from './markup-guard.ts'
import { type FaultCondition, ParseFaultError } from './parse-fault.ts'
import { type RootTag, TreeBuilder, type TreeLimits } from './tree-builder.ts'
import { Utf8Validator, type Validated, wholeCharacters } from './utf8-validator.ts'

/** The stream header (RFC 6120 §4.7) as it was sent; nothing of it has been judged. */
export type StreamHeader = RootTag

/** The stream error condition that a fault in the XML deserves (RFC 6120 §4.9.3). */
export type ParseFault = FaultCondition

/** What one peer may make us hold and compute; all inclusive. */
export interface StreamLimits extends TreeLimits {
  /** Octets of a stanza or of the stream header, from its `<` to its last `>` (RFC 6120 §13.12). */
  readonly stanzaBytes: number
  /** Nested elements; a stanza without children has depth 1. */
  readonly depth: number
  /** Attributes of one element, namespace declarations included. */
  readonly attributes: number
}

/** What a stream consists of, in order: `open`, `element`s, then `close` or `fault`, after which nothing follows. */
export interface StreamEvents {
  open(header: StreamHeader): void
  /** A child of the stream: a stanza, or an element of the negotiation. */
  element(element: Element): void
  close(): void
  fault(condition: ParseFault, text: string): void
}

const LESS_THAN = 0x3c
const GREATER_THAN = 0x3e

/**
 * The guard between the network and everything else: octets in, complete elements out, nothing but XML as RFC 6120
 * §11 restricts it, and never more than `stanzaBytes` of it in memory.
 *
 * How the octets are cut into chunks makes no difference. White space between stanzas (keep-alive, §4.6.1) is dropped
 * where it arrives and counts for nothing. Invalid UTF-8 is `unsupported-encoding` (§4.9.3.22). A byte order mark is a
 * character like any other (§11.6), hence text before the root.
 */
export class StreamParser {
  readonly #events: StreamEvents
  readonly #validator = new Utf8Validator()
  readonly #contentNamespace: string
  #limits: StreamLimits
  /** Made when it is first needed: many streams never have anything but plain elements. */
  #builder: TreeBuilder | undefined
  /** The default namespace that the header has declared, once it has been read. */
  #scope: string | undefined
  /** Octets of the stanza or header that is being read. */
  #bytes = 0
  /** Nothing but white space has been read since the last stanza, header or declaration. */
  #idle = true
  /** Something has been read, be it only the XML declaration; white space does not count. */
  #started = false
  /** A trailing `<`, `<![C`, `&am`, of which it cannot yet be said what it starts. */
  #held = ''
  /** The root element has ended. */
  #closed = false
  #state: 'reading' | 'stopped' | 'ended' = 'reading'

  /**
   * @param contentNamespace what stanzas are in (RFC 6120 §4.8.2) and do not carry in their trees. A header may declare
   *   another one: that is for `open` to judge, and what is in any other namespace keeps its `xmlns`.
   */
  constructor(events: StreamEvents, limits: StreamLimits, contentNamespace: string = NS.client) {
    this.#events = events
    this.#limits = limits
    this.#contentNamespace = contentNamespace
  }

  /** Takes effect at once, also for a stanza that is half read. */
  setLimits(limits: StreamLimits): void {
    this.#limits = limits
    this.#builder?.setLimits(limits)
  }

  /**
   * Ends the current {@link write}; to be called inside an event. The octets after the element of that event are not
   * looked at: `write` returns them, for this parser to go on with or for another one.
   */
  stop(): void {
    if (this.#state === 'reading') this.#state = 'stopped'
  }

  /**
   * Reads a chunk and emits what it completes.
   * @returns the octets that {@link stop} left unread, `undefined` if there are none. The returned array may share
   *   the memory of `chunk`.
   */
  write(chunk: Uint8Array): Uint8Array | undefined {
    if (this.#state === 'ended') return undefined
    this.#state = 'reading'
    this.#finish()
    const validated = this.#validator.validate(chunk)
    const read = this.#read(validated)
    if (validated.invalid && this.#state === 'reading') this.#fault('unsupported-encoding', 'the octets are not UTF-8')
    return this.#unread(validated, read)
  }

  /** Reads as long as it may and returns the number of octets read. */
  #read({ bytes, length, ascii }: Validated): number {
    const reader = new FastReader(bytes, length, this.#contentNamespace)
    const encoding = ascii ? 'latin1' : 'utf8'
    let at = 0
    while (at < length && this.#state === 'reading') {
      if (this.#idle) {
        at = skipSpaces(bytes, at, length)
        if (at < length) at = this.#readFast(reader, at) ?? this.#begin(bytes, at)
      } else {
        // No other character has the octet of '>' in it (RFC 3629 §3).
        const close = bytes.indexOf(GREATER_THAN, at)
        const end = close < 0 || close >= length ? length : close + 1
        this.#feed(bytes, at, end, encoding)
        at = end
      }
    }
    return at
  }

  /**
   * Reads a header or a child of the stream without the tokenizer. Tried once for each, where it begins: however many
   * chunks it comes in, nothing of it is gone through again and again.
   * @returns where it ends; undefined when the tokenizer has to read it
   */
  #readFast(reader: FastReader, at: number): number | undefined {
    const { stanzaBytes } = this.#limits
    if (this.#scope !== undefined) {
      const element = reader.readElement(at, this.#scope, this.#limits)
      const { end } = reader
      if (element === undefined || end - at > stanzaBytes) return undefined
      this.#events.element(element)
      return end
    }
    // A declaration that the tokenizer has read belongs to a header that it has to read as well.
    const root = this.#started ? undefined : reader.readHeader(at, this.#limits)
    const { end } = reader
    if (root === undefined || end - at > stanzaBytes) return undefined
    this.#started = true
    this.#open(root)
    return end
  }

  /** The tokenizer, which is told of a header that was read without it. */
  get #tree(): TreeBuilder {
    if (this.#builder !== undefined) return this.#builder
    const tree = new TreeBuilder(this.#limits, this.#contentNamespace)
    this.#builder = tree
    if (this.#scope !== undefined) tree.enterStream()
    return tree
  }

  #unread({ bytes }: Validated, read: number): Uint8Array | undefined {
    if (this.#state !== 'stopped' || read === bytes.length) return undefined
    // The rest comes back whole, with the character that the validator has kept the start of.
    this.#validator.reset()
    return bytes.subarray(read)
  }

  /** Starts the count for what comes after white space, or says that it cannot be an element; reads nothing. */
  #begin(bytes: Buffer, at: number): number {
    if (bytes[at] === LESS_THAN) {
      this.#idle = false
      this.#bytes = 0
    } else {
      const { condition, message } = strayText(this.#tree.depth)
      this.#fault(condition, message)
    }
    return at
  }

  /** Counts and tokenizes octets with at most one `>`, at their end; beyond the limit nothing is kept. */
  #feed(bytes: Buffer, at: number, end: number, encoding: 'latin1' | 'utf8'): void {
    const room = Math.max(0, this.#limits.stanzaBytes - this.#bytes)
    this.#bytes += end - at
    try {
      if (end - at > room) {
        // What still fits is read, so that of two faults the first is reported, however the chunks are cut.
        this.#tokenize(bytes.toString(encoding, at, wholeCharacters(bytes, at + room)))
        throw new ParseFaultError('policy-violation', `a stanza may have at most ${this.#limits.stanzaBytes} octets`)
      }
      this.#tokenize(bytes.toString(encoding, at, end))
    } catch (error) {
      if (!(error instanceof ParseFaultError)) throw error
      this.#fault(error.condition, error.message)
      return
    }
    this.#emit()
  }

  #tokenize(piece: string): void {
    const text = this.#held === '' ? piece : this.#held + piece
    this.#held = ''
    const found = this.#tree.inCdata ? undefined : findMarkup(text)
    if (found === undefined) {
      this.#pass(text)
      return
    }
    const { index, markup } = found
    if (markup === 'cdata' && this.#tree.depth > 1) {
      this.#tree.enterCdata()
      this.#pass(text)
    } else if (markup === 'declaration' && index === 0 && !this.#started) {
      this.#pass(DECLARATION)
      this.#tokenize(text.slice(DECLARATION.length))
    } else {
      this.#pass(text.slice(0, index))
      if (markup !== 'incomplete') throw markup === 'cdata' ? strayText(this.#tree.depth) : refusal(markup)
      this.#held = text.slice(index)
    }
  }

  #pass(text: string): void {
    if (text === '') return
    this.#started = true
    this.#tree.write(text)
  }

  #emit(): void {
    const completed = this.#tree.take()
    if (completed === undefined) return
    this.#idle = true
    const { root, element, end } = completed
    if (root !== undefined) this.#open(root)
    if (element !== undefined) this.#events.element(element)
    if (end) this.#closed = true
    this.#finish()
  }

  #open(root: RootTag): void {
    this.#scope = root.contentNamespace
    this.#events.open(root)
  }

  /** Reports the end of the stream, which may have come with its header: then a stop in `open` lies between. */
  #finish(): void {
    if (!this.#closed || this.#state !== 'reading') return
    this.#state = 'ended'
    this.#events.close()
  }

  #fault(condition: ParseFault, text: string): void {
    this.#state = 'ended'
    this.#events.fault(condition, text)
  }
}

/** Text outside the root breaks XML itself (§2.1), text between stanzas only what RFC 6120 §4.2 makes of it. */
function strayText(depth: number): ParseFaultError {
  return depth === 0
    ? new ParseFaultError('not-well-formed', 'text before the stream header')
    : new ParseFaultError('bad-format', 'text between stanzas')
}

function refusal(markup: Markup): ParseFaultError {
  switch (markup) {
    case 'malformed':
      return new ParseFaultError('not-well-formed', 'malformed reference')
    case 'long-reference':
      return new ParseFaultError('policy-violation', 'a reference is too long')
    default:
      return new ParseFaultError('restricted-xml', 'no comments, processing instructions, DTDs or entities')
  }
}

function skipSpaces(bytes: Uint8Array, from: number, end: number): number {
  let at = from
  for (; at < end; at++) {
    const octet = bytes[at]
    if (octet !== 0x20 && octet !== 0x0a && octet !== 0x0d && octet !== 0x09) break
  }
  return at
}
