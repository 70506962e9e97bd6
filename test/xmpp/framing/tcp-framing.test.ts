import { describe, expect, it } from 'vitest'
import { TcpFraming } from '../../../src/xmpp/framing/tcp-framing.ts'
import { serialize, xml } from '../../../src/xmpp/xml/element.ts'

const LIMITS = { stanzaBytes: 10_000, depth: 16, attributes: 32 }
const HEADER =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"

function reading(onElement: (framing: TcpFraming, name: string) => void = () => undefined) {
  const events: string[] = []
  const framing: TcpFraming = new TcpFraming(
    {
      open: ({ attrs }) => void events.push(`open ${attrs['to']}`),
      element: (element) => {
        events.push(serialize(element))
        onElement(framing, element.name)
      },
      close: () => void events.push('close'),
      fault: (condition) => void events.push(condition),
    },
    LIMITS,
  )
  const read = (text: string) => Buffer.from(framing.read(Buffer.from(text)) ?? []).toString()
  return { framing, events, read }
}

describe('a stream on TCP (RFC 6120 §4.2)', () => {
  it('is one document from its header to its end', () => {
    const { events, read } = reading()
    read(`${HEADER}<presence/><message><body>ä</body></message></stream:stream>`)
    expect(events).toEqual(['open localhost', '<presence/>', '<message><body>ä</body></message>', 'close'])
  })

  it('leaves unread what is behind an element at which it is stopped, and begins anew with another stream (§4.3.3)', () => {
    const { framing, events, read } = reading((it, name) => name === 'auth' && it.stop())
    const rest = read(`${HEADER}<auth xmlns='urn:x'/>${HEADER}<presence/>`)
    expect([events, rest]).toEqual([['open localhost', '<auth xmlns="urn:x"/>'], `${HEADER}<presence/>`])
    framing.restart(LIMITS)
    read(rest)
    expect(events.slice(2)).toEqual(['open localhost', '<presence/>'])
  })

  it('takes up other limits at once', () => {
    const { framing, events, read } = reading()
    read(HEADER)
    framing.setLimits({ ...LIMITS, stanzaBytes: 20 })
    read('<presence><show>away</show></presence>')
    expect(events).toEqual(['open localhost', 'policy-violation'])
  })

  it('writes a header (§4.7), stanzas as they are, and its end', () => {
    const { framing } = reading()
    expect(framing.opening({ from: 'a&b', id: '1"2', to: undefined })).toBe(
      '<?xml version="1.0"?><stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" from="a&amp;b" id="1&quot;2" version="1.0" xml:lang="en">',
    )
    expect(framing.opening({ from: 'a', id: '1', to: 'x@a' })).toContain(' id="1" to="x@a" version="1.0"')
    expect([framing.stanza('<presence/>'), framing.element(xml('r', { xmlns: 'urn:x' })), framing.closing()]).toEqual([
      '<presence/>',
      '<r xmlns="urn:x"/>',
      '</stream:stream>',
    ])
    expect(framing.contentNamespace).toBe('jabber:client')
  })
})
