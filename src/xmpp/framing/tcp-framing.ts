import { NS } from '../namespaces.ts'
import { type Element, escapeAttribute, serialize } from '../xml/element.ts'
import { type StreamEvents, type StreamLimits, StreamParser } from '../xml/stream-parser.ts'
import type { Framing, Opening } from './framing.ts'

const OPENING = `<?xml version="1.0"?><stream:stream xmlns="${NS.client}" xmlns:stream="${NS.stream}"`

/** One XML document in each direction, whose root stays open as long as the stream (RFC 6120 §4.2). */
export class TcpFraming implements Framing {
  readonly contentNamespace = NS.client
  readonly #events: StreamEvents
  #parser: StreamParser

  constructor(events: StreamEvents, limits: StreamLimits) {
    this.#events = events
    this.#parser = new StreamParser(events, limits)
  }

  read(octets: Uint8Array): Uint8Array | undefined {
    return this.#parser.write(octets)
  }

  stop(): void {
    this.#parser.stop()
  }

  restart(limits: StreamLimits): void {
    this.#parser = new StreamParser(this.#events, limits)
  }

  setLimits(limits: StreamLimits): void {
    this.#parser.setLimits(limits)
  }

  opening({ from, id, to }: Opening): string {
    const names = `from="${escapeAttribute(from)}" id="${escapeAttribute(id)}"`
    return to === undefined
      ? `${OPENING} ${names} version="1.0" xml:lang="en">`
      : `${OPENING} ${names} to="${escapeAttribute(to)}" version="1.0" xml:lang="en">`
  }

  stanza(text: string): string {
    return text
  }

  element(element: Element): string {
    return serialize(element)
  }

  closing(): string {
    return '</stream:stream>'
  }
}
