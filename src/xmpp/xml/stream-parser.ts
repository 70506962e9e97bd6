import type { Element } from './element.ts'
import { DECLARATION, findMarkup, type Markup } from './markup-guard.ts'
import { type FaultCondition, ParseFaultError } from './parse-fault.ts'
import { readPlainElement, readPlainHeader } from './plain-xml.ts'
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
  #limits: StreamLimits
  /** Made when it is first needed: many streams never have anything but plain elements. */
  #builder: TreeBuilder | undefined
  /** A header that was plain, for a tokenizer that comes later. */
  #plainHeader = ''
  /** Octets of the stanza or header that is being read. */
  #bytes = 0
  /** Nothing but white space has been read since the last stanza, header or declaration. */
  #idle = true
  /** The tokenizer has been given something. */
  #started = false
  /** A trailing `<`, `<![C`, `&am`, of which it cannot yet be said what it starts. */
  #held = ''
  /** The root element has ended. */
  #closed = false
  #state: 'reading' | 'stopped' | 'ended' = 'reading'

  constructor(events: StreamEvents, limits: StreamLimits) {
    this.#events = events
    this.#limits = limits
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
    const encoding = ascii ? 'latin1' : 'utf8'
    let at = ascii && this.#isPlain ? this.#readPlain(bytes) : 0
    while (at < length && this.#state === 'reading') {
      if (this.#idle) at = skipSpaces(bytes, at, length)
      if (at === length || !this.#begin(bytes[at])) break
      // No other character has the octet of '>' in it (RFC 3629 §3).
      const close = bytes.indexOf(GREATER_THAN, at)
      const end = close < 0 || close >= length ? length : close + 1
      this.#feed(bytes, at, end, encoding)
      at = end
    }
    return at
  }

  /** Whether what comes may be read without the tokenizer: at the start, or between stanzas after a plain header. */
  get #isPlain(): boolean {
    return this.#idle && this.#held === '' && (!this.#started || this.#plainHeader !== '')
  }

  /** Reads what needs no tokenizer, from the start of a header or between stanzas; returns the number of octets read. */
  #readPlain(bytes: Buffer): number {
    const text = bytes.toString('latin1')
    let at = this.#started ? 0 : this.#readPlainHeader(text)
    while (this.#started && this.#state === 'reading') {
      at = skipSpaces(bytes, at, bytes.length)
      const read = at < bytes.length ? readPlainElement(text, at, this.#limits) : undefined
      if (read === undefined || read.end - at > this.#limits.stanzaBytes) break
      at = read.end
      this.#events.element(read.element)
    }
    return at
  }

  #readPlainHeader(text: string): number {
    const header = readPlainHeader(text, this.#limits)
    if (header === undefined || header.end > this.#limits.stanzaBytes) return 0
    this.#plainHeader = text.slice(0, header.end)
    this.#started = true
    this.#events.open(header.root)
    return header.end
  }

  /** The tokenizer, which is told of a header that was read without it. */
  get #tree(): TreeBuilder {
    if (this.#builder !== undefined) return this.#builder
    const tree = new TreeBuilder(this.#limits)
    this.#builder = tree
    const root = this.#plainHeader.lastIndexOf('<')
    // No more than one `>` at a time.
    for (const part of [this.#plainHeader.slice(0, root), this.#plainHeader.slice(root)])
      if (part !== '') tree.write(part)
    tree.take()
    return tree
  }

  #unread({ bytes }: Validated, read: number): Uint8Array | undefined {
    if (this.#state !== 'stopped' || read === bytes.length) return undefined
    // The rest comes back whole, with the character that the validator has kept the start of.
    this.#validator.reset()
    return bytes.subarray(read)
  }

  /** Starts the count for what comes after white space; false if that cannot be an element. */
  #begin(octet: number | undefined): boolean {
    if (!this.#idle) return true
    if (octet === LESS_THAN) {
      this.#idle = false
      this.#bytes = 0
      return true
    }
    const { condition, message } = strayText(this.#tree.depth)
    this.#fault(condition, message)
    return false
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
    if (root !== undefined) this.#events.open(root)
    if (element !== undefined) this.#events.element(element)
    if (end) this.#closed = true
    this.#finish()
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
