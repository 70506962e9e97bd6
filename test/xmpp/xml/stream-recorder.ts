import { serialize } from '../../../src/xmpp/xml/element.ts'
import { type StreamHeader, type StreamLimits, StreamParser } from '../../../src/xmpp/xml/stream-parser.ts'

export const LIMITS: StreamLimits = {
  stanzaBytes: 10_000,
  depth: 20,
  attributes: 20,
}

export const OPEN =
  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"

export interface Recording {
  /** `open`, the XML of each element, `close`, or `fault <condition>`. */
  readonly events: string[]
  readonly headers: StreamHeader[]
  /** The text of the fault. */
  readonly texts: string[]
  readonly rest: string
}

/** Parses chunks; `stopAt` names the event (as in `events`) in which the parser is told to stop; the rest is then collected. */
export function record(
  chunks: Iterable<Uint8Array | string>,
  limits = LIMITS,
  stopAt?: string,
  contentNamespace?: string,
): Recording {
  const events: string[] = []
  const headers: StreamHeader[] = []
  const texts: string[] = []
  let stopped = false
  const note = (event: string) => {
    events.push(event)
    if (event !== stopAt) return
    stopped = true
    parser.stop()
  }
  const parser = new StreamParser(
    {
      open: (header) => {
        headers.push(header)
        note('open')
      },
      element: (element) => note(serialize(element)),
      close: () => note('close'),
      fault: (condition, text) => {
        texts.push(text)
        note(`fault ${condition}`)
      },
    },
    limits,
    contentNamespace,
  )
  const rest: Uint8Array[] = []
  for (const chunk of chunks) {
    const octets = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    const unread = stopped ? octets : parser.write(octets)
    if (unread !== undefined) rest.push(Buffer.from(unread))
  }
  return { events, headers, texts, rest: Buffer.concat(rest).toString() }
}

/** One chunk per octet, each in the same memory, as a socket may reuse its buffer. */
export function* octets(text: string | Uint8Array): Generator<Uint8Array> {
  const chunk = Buffer.alloc(1)
  for (const octet of Buffer.from(text as Uint8Array)) {
    chunk[0] = octet
    yield chunk
  }
}
