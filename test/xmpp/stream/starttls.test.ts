import { describe, expect, it } from 'vitest'
import { openedState } from '../../../src/xmpp/stream/negotiation-state.ts'
import { isBlank, startTlsFeature } from '../../../src/xmpp/stream/starttls.ts'
import type { NegotiationContext, Step } from '../../../src/xmpp/stream/stream-feature.ts'
import { serialize } from '../../../src/xmpp/xml/element.ts'
import { parseElement } from '../../support/streams/element.ts'

const NAMESPACE = 'urn:ietf:params:xml:ns:xmpp-tls'

describe('STARTTLS (RFC 6120 §5)', () => {
  it.each([
    { startTls: 'required', text: `<starttls xmlns="${NAMESPACE}"><required/></starttls>` },
    { startTls: 'offered', text: `<starttls xmlns="${NAMESPACE}"/>` },
  ] as const)('is advertised as $startTls', ({ startTls, text }) => {
    const offer = { startTls, secured: false, mechanisms: [], registers: false, bindInline: [] }
    const advertised = startTlsFeature.advertise(offer)
    expect(advertised && serialize(advertised)).toBe(text)
  })

  it.each([
    [`<starttls xmlns='${NAMESPACE}'/>`, true],
    [`<t:starttls xmlns:t='${NAMESPACE}'/>`, true],
    [`<proceed xmlns='${NAMESPACE}'/>`, false],
    ["<starttls xmlns='urn:x'/>", false],
    ['<starttls/>', false],
  ])('is asked for by %s: %s', (text, isAskedFor) => {
    expect(startTlsFeature.handles(parseElement(text))).toBe(isAskedFor)
  })

  it('goes ahead, once: what follows is a new stream', () => {
    const context: NegotiationContext = {
      startTls: 'required',
      isEnabled: () => false,
      mechanisms: () => [],
      bindInline: [],
      registrar: () => undefined,
      bind: () => ({ condition: 'not-allowed' }),
    }
    const state = openedState({ domain: 'localhost', from: undefined }, false)
    const step = startTlsFeature.negotiate(parseElement(`<starttls xmlns='${NAMESPACE}'/>`), state, context) as Step
    expect(step.send.map(serialize)).toEqual([`<proceed xmlns="${NAMESPACE}"/>`])
    expect(step).toMatchObject({ kind: 'reached', milestones: ['secured'], next: 'new-stream' })
    expect(step.kind === 'reached' && [...step.state.reached]).toEqual(['secured'])
    expect(startTlsFeature.excludedBy).toContain('secured')
  })
})

describe('what may come before the handshake', () => {
  it.each([
    ['', true],
    [' \t\r\n', true],
    [' <', false],
    ['x', false],
    ['\0', false],
    ['\u00a0', false],
  ])('%j is blank: %s', (text, blank) => {
    expect(isBlank(Buffer.from(text))).toBe(blank)
  })
})
