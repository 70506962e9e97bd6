import type { Element } from '../xml/element.ts'
import type { StreamLimits } from '../xml/stream-parser.ts'

/** What the response header of a stream says (RFC 6120 §4.7). */
export interface Opening {
  /** The domain that answers. */
  readonly from: string
  /** Unpredictable, and never the same twice (RFC 6120 §4.7.3). */
  readonly id: string
  readonly to: string | undefined
}

/**
 * How a stream is written on one kind of connection: octets in, elements out, and the other way round. The stream of
 * RFC 6120 on TCP is one of them, that of RFC 7395 on a WebSocket another.
 */
export interface Framing {
  /** The namespace of stanzas (RFC 6120 §4.8.2). */
  readonly contentNamespace: string
  /** @returns the octets behind an element at which {@link stop} was called, to be read later; undefined if there are none */
  read(octets: Uint8Array): Uint8Array | undefined
  /** Inside an event: what follows it is not read yet. */
  stop(): void
  /** Another stream follows on the same connection (RFC 6120 §4.3.3). */
  restart(limits: StreamLimits): void
  /** Takes effect at once. */
  setLimits(limits: StreamLimits): void
  opening(opening: Opening): string
  /** @param text a stanza as it is written in its content namespace */
  stanza(text: string): string
  element(element: Element): string
  closing(): string
}
