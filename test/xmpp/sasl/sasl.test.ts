import { describe, expect, it } from 'vitest'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import type { SaslMechanism, SaslOutcome } from '../../../src/xmpp/sasl/mechanism.ts'
import { saslFeature } from '../../../src/xmpp/sasl/sasl.ts'
import { openedState } from '../../../src/xmpp/stream/negotiation-state.ts'
import type { NegotiationContext, NegotiationState, Step } from '../../../src/xmpp/stream/stream-feature.ts'
import { serialize } from '../../../src/xmpp/xml/element.ts'
import { parseElement } from '../../support/streams/element.ts'

const credential = { mechanism: 'X-TEST' }
const succeed = (data?: string): SaslOutcome => ({
  kind: 'success',
  account: parseJid('alice@localhost'),
  credential,
  ...(data === undefined ? {} : { data: Buffer.from(data) }),
})

/** A mechanism that asks this first, if anything, and then comes to its outcome; with what it has been sent. */
function world(outcome: SaslOutcome = succeed(), question?: string) {
  const heard: (string | undefined)[] = []
  const answer = (data: Uint8Array | undefined): SaslOutcome => {
    heard.push(data && Buffer.from(data).toString())
    return outcome
  }
  const ask = (text: string): SaslOutcome => ({
    kind: 'challenge',
    data: Buffer.from(text),
    exchange: { respond: answer },
  })
  const start = question === undefined ? answer : () => ask(question)
  const mechanism: SaslMechanism = { name: 'X-TEST', start }
  const context: NegotiationContext = {
    startTls: 'required',
    isEnabled: () => true,
    mechanisms: () => [mechanism],
    bindInline: [],
    registrar: () => undefined,
    bind: () => ({ condition: 'not-allowed' }),
  }
  return { heard, context }
}

const SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
const secured = openedState({ domain: 'localhost', from: undefined }, true)

function negotiate(text: string, context: NegotiationContext, state: NegotiationState = secured) {
  const step = saslFeature.negotiate(parseElement(text), state, context) as Step
  return { step, said: step.send.map((element) => serialize(element).replace(/ xmlns="[^"]*"/, '')).join('') }
}

describe('how SASL is framed (RFC 6120 §6)', () => {
  it.each([
    { sent: '', heard: undefined },
    { sent: '=', heard: '' },
    { sent: 'YWxpY2U=', heard: 'alice' },
  ])('<auth/> with "$sent" brings $heard: none is not the same as nothing (§6.4.2)', ({ sent, heard }) => {
    const given = world()
    negotiate(`<auth ${SASL} mechanism='X-TEST'>${sent}</auth>`, given.context)
    expect(given.heard).toEqual([heard])
  })

  it.each([
    { data: undefined, said: '<success/>' },
    { data: '', said: '<success>=</success>' },
    { data: 'v=x', said: '<success>dj14</success>' },
  ])('<success/> brings $data (§6.3.10), and ends the stream', ({ data, said }) => {
    const { context } = world(succeed(data))
    const result = negotiate(`<auth ${SASL} mechanism='X-TEST'>=</auth>`, context)
    expect(result.said).toBe(said)
    expect(result.step).toMatchObject({ kind: 'reached', milestones: ['authenticated'], next: 'new-stream' })
    expect(result.step.kind === 'reached' && result.step.state).toMatchObject({
      account: parseJid('alice@localhost'),
      credential,
      reached: new Set(['secured', 'authenticated']),
    })
  })

  it.each([
    { challenge: '', said: '<challenge/>', response: '', heard: '' },
    { challenge: '', said: '<challenge/>', response: '=', heard: '' },
    { challenge: 'who?', said: '<challenge>d2hvPw==</challenge>', response: 'bWU=', heard: 'me' },
  ])('an exchange goes on with $response after $said (§6.4.3)', ({ challenge, said, response, heard }) => {
    const given = world(succeed(), challenge)
    const asked = negotiate(`<auth ${SASL} mechanism='X-TEST'/>`, given.context)
    expect(asked.said).toBe(said)
    if (asked.step.kind !== 'continue') throw new Error(asked.step.kind)
    const answered = negotiate(`<response ${SASL}>${response}</response>`, given.context, asked.step.state)
    expect([given.heard, answered.said]).toEqual([[heard], '<success/>'])
  })

  it.each([
    { offered: [], secured: false, text: undefined },
    { offered: [], secured: true, text: '<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>' },
    {
      offered: ['A', 'B'],
      secured: false,
      text: '<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>A</mechanism><mechanism>B</mechanism></mechanisms>',
    },
  ])('$offered are advertised, secured $secured', ({ offered, secured, text }) => {
    const mechanisms = offered.map((name) => ({ name }))
    const offer = { startTls: 'offered', secured, mechanisms, registers: false, bindInline: [] } as const
    const advertised = saslFeature.advertise(offer)
    expect(advertised && serialize(advertised)).toBe(text)
  })
})
