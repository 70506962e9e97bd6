import type { Element } from '../../../src/xmpp/xml/element.ts'
import { StreamParser } from '../../../src/xmpp/xml/stream-parser.ts'

/** An element as the stream parser makes it of text inside a `jabber:client` stream. */
export function parseElement(text: string): Element {
  const found: Element[] = []
  const fault = (condition: string) => {
    throw new Error(`${condition}: ${text}`)
  }
  const parser = new StreamParser(
    { open: () => undefined, element: (parsed) => found.push(parsed), close: () => undefined, fault },
    { stanzaBytes: 10_000, depth: 16, attributes: 32 },
  )
  parser.write(Buffer.from(`<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:client'>${text}`))
  const [element] = found
  if (element === undefined || found.length > 1) throw new Error(`not one element: ${text}`)
  return element
}
