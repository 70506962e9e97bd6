import { describe, expect, it } from 'vitest'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { failed } from '../../../src/xmpp/sasl/attempt.ts'
import type { SaslMechanism } from '../../../src/xmpp/sasl/mechanism.ts'
import { openedState } from '../../../src/xmpp/stream/negotiation-state.ts'
import type { NegotiationContext, NegotiationState } from '../../../src/xmpp/stream/stream-feature.ts'
import { parseElement } from '../../support/streams/element.ts'
import { negotiate, streamFeatures } from '../../support/streams/negotiation.ts'

const clear = openedState({ domain: 'localhost', from: undefined }, false)
const secured = openedState({ domain: 'localhost', from: undefined }, true)
const authenticated: NegotiationState = {
  ...secured,
  reached: new Set(['secured', 'authenticated']),
  account: parseJid('alice@localhost'),
  credential: { mechanism: 'EXTERNAL' },
}

const mechanism = (name: string, bindings?: readonly string[]): SaslMechanism => ({
  name,
  ...(bindings === undefined ? {} : { bindings }),
  start: () => failed('not-authorized', 'nobody'),
})
const EXTERNAL = mechanism('EXTERNAL')
const TYPES = ['tls-exporter', 'tls-server-end-point']

const offering = (...mechanisms: readonly SaslMechanism[]): NegotiationContext => ({
  startTls: 'required',
  isEnabled: () => true,
  registrar: () => undefined,
  mechanisms: () => mechanisms,
  bindInline: [],
  bind: () => ({ condition: 'not-allowed' }),
})

describe('channel binding (XEP-0440)', () => {
  const world = offering(EXTERNAL, mechanism('SCRAM-SHA-256-PLUS', TYPES), mechanism('SCRAM-SHA-1-PLUS', TYPES))

  it('is announced once for all mechanisms that use it, after TLS and before the login', () => {
    const text = streamFeatures(secured, world)
    expect([...text.matchAll(/<channel-binding type="([^"]*)"/g)].map(([, type]) => type)).toEqual(TYPES)
    expect(text.match(/<sasl-channel-binding /g)).toHaveLength(1)
    for (const [state, given] of [
      [secured, offering(EXTERNAL)],
      [secured, offering()],
      [clear, { ...world, startTls: 'offered' }],
      [authenticated, world],
    ] as const) {
      expect(streamFeatures(state, given)).not.toContain('channel-binding')
    }
  })

  it('is nothing that a client asks for', () => {
    const step = negotiate(parseElement("<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'/>"), secured, world)
    expect(step).toMatchObject({ kind: 'close', send: [], error: { condition: 'unsupported-stanza-type' } })
  })
})
