import { describe, expect, it } from 'vitest'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { failed } from '../../../src/xmpp/sasl/attempt.ts'
import { changed, further, openedState } from '../../../src/xmpp/stream/negotiation-state.ts'
import type { NegotiationState, SaslProfile } from '../../../src/xmpp/stream/stream-feature.ts'
import { xml } from '../../../src/xmpp/xml/element.ts'

const account = parseJid('alice@localhost')
const from = parseJid('alice@localhost/a')
const refusal = failed('not-authorized', 'nobody')
const profile: SaslProfile = {
  name: 'sasl',
  challenge: () => xml('challenge'),
  failure: () => xml('failure'),
  succeed: () => refusal,
}

/** All that there is to remember, each with a value of its own. */
const full: NegotiationState = {
  reached: new Set(['secured', 'authenticated', 'bound']),
  domain: 'localhost',
  from,
  account,
  credential: { mechanism: 'EXTERNAL' },
  bound: from,
  failures: 2,
  registered: true,
  exchange: { profile, exchange: { respond: () => refusal } },
}

describe('a stream that has just been opened', () => {
  it.each([true, false])('knows of TLS and of its header, and of nothing else: secured %s', (secured) => {
    const state = openedState({ domain: 'localhost', from }, secured)
    expect([...state.reached]).toEqual(secured ? ['secured'] : [])
    expect(state).toMatchObject({ domain: 'localhost', from, failures: 0 })
    expect([state.account, state.credential, state.bound, state.registered, state.exchange]).toEqual(
      Array(5).fill(undefined),
    )
  })

  it('keeps all but the header of the one before it on the connection', () => {
    const state = openedState({ domain: 'elsewhere.example', from: undefined }, false, full)
    expect(state).toEqual({ ...full, domain: 'elsewhere.example', from: undefined })
  })
})

describe('a change', () => {
  it.each<Partial<NegotiationState>>([
    { reached: new Set(['secured']) },
    { domain: 'elsewhere.example' },
    { from: account },
    { account: parseJid('bob@localhost') },
    { credential: { mechanism: 'PLAIN' } },
    { bound: account },
    { failures: 0 },
    {},
  ])('leaves the rest as it was, but for an exchange: %o', (change) => {
    const before = { ...full }
    expect(changed(full, change)).toEqual({ ...full, exchange: undefined, ...change })
    expect(full).toEqual(before)
  })

  it('may begin an exchange', () => {
    const { exchange } = full
    expect(changed({ ...full, exchange: undefined }, { exchange })).toEqual(full)
  })
})

describe('milestones', () => {
  it('are added to those of before, which stay what they were', () => {
    const state = openedState({ domain: 'localhost', from: undefined }, true)
    expect([...further(state, 'authenticated', 'bound')]).toEqual(['secured', 'authenticated', 'bound'])
    expect([...state.reached]).toEqual(['secured'])
  })
})
