import { describe, expect, it } from 'vitest'
import { parseJid } from '../../src/xmpp/address/jid.ts'
import { Stanza, type StanzaName } from '../../src/xmpp/stanza.ts'
import { namespaceOf, serialize, xml } from '../../src/xmpp/xml/element.ts'
import { parseElement } from '../support/streams/element.ts'

const alice = parseJid('alice@localhost/a')
const delay = () => xml('delay', { xmlns: 'urn:xmpp:delay', stamp: '2026-01-01T00:00:00Z' })

function stanzaOf(text: string): Stanza {
  const element = parseElement(text)
  return new Stanza(element, element.name as StanzaName, alice, undefined)
}

describe('a stanza', () => {
  it('is written out once', () => {
    const stanza = stanzaOf("<message type='chat' id='1'><body>x</body></message>")
    const { text } = stanza
    stanza.element.attrs['id'] = 'changed'
    expect(stanza.text).toBe(text)
    expect([stanza.name, stanza.type]).toEqual(['message', 'chat'])
  })

  it.each([
    '<message/>',
    "<message id='1'/>",
    '<message><body>x</body></message>',
    '<message><message>nested</message></message>',
    "<presence from='a&amp;b'><show>away</show></presence>",
    '<iq/>',
  ])('with one more child: %s', (text) => {
    for (const isWritten of [false, true]) {
      const stanza = stanzaOf(text)
      const before = serialize(stanza.element)
      if (isWritten) expect(stanza.text).toBe(before)
      const extended = stanza.with(delay())
      expect(extended.text).toBe(serialize(extended.element))
      expect(parseElement(extended.text).children).toHaveLength(parseElement(before).children.length + 1)
      // The one that it was made from is as it was.
      expect(serialize(stanza.element)).toBe(before)
      expect(stanza.text).toBe(before)
      for (const child of stanza.element.children) {
        if (typeof child !== 'string')
          expect([child.parent, namespaceOf(child)]).toEqual([stanza.element, 'jabber:client'])
      }
    }
  })
})
