import { describe, expect, it } from 'vitest'
import { legacySessionFeature } from '../../../src/xmpp/stream/session-offer.ts'
import { serialize } from '../../../src/xmpp/xml/element.ts'
import { parseElement } from '../../support/streams/element.ts'

const NAMESPACE = 'urn:ietf:params:xml:ns:xmpp-session'

describe('the session of RFC 3921 §3', () => {
  it('is said to be optional, which saves a round trip', () => {
    const offer = { startTls: 'required', secured: true, mechanisms: [], registers: false, bindInline: [] } as const
    const advertised = legacySessionFeature.advertise(offer)
    expect(advertised && serialize(advertised)).toBe(`<session xmlns="${NAMESPACE}"><optional/></session>`)
  })

  it('is not negotiated: it is an IQ like any other, behind the binding', () => {
    const request = parseElement(`<iq type='set' id='s'><session xmlns='${NAMESPACE}'/></iq>`)
    expect(legacySessionFeature.handles(request)).toBe(false)
  })
})
