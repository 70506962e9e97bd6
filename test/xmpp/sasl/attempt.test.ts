import { describe, expect, it } from 'vitest'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { decodeBase64, failed, refuse, startMechanism, toStep } from '../../../src/xmpp/sasl/attempt.ts'
import type { SaslOutcome } from '../../../src/xmpp/sasl/mechanism.ts'
import { changed, openedState } from '../../../src/xmpp/stream/negotiation-state.ts'
import type { NegotiationContext, SaslProfile, Step } from '../../../src/xmpp/stream/stream-feature.ts'
import { serialize, xml } from '../../../src/xmpp/xml/element.ts'

const state = openedState({ domain: 'localhost', from: undefined }, true)
const credential = { mechanism: 'X-TEST' }
const success: SaslOutcome = { kind: 'success', account: parseJid('alice@localhost'), credential }
const exchange = { respond: () => success }
const challenge: SaslOutcome = { kind: 'challenge', data: Buffer.from('who?'), exchange }

/** Says what it is asked to say. @param end what follows a login */
function profileOf(end: ReturnType<SaslProfile['succeed']>): SaslProfile {
  return {
    name: 'sasl',
    challenge: (data) => xml('challenge', {}, Buffer.from(data).toString()),
    failure: (condition) => xml('failure', {}, condition),
    succeed: () => end,
  }
}

const done: Step = { kind: 'reached', milestones: ['authenticated'], state, send: [], next: 'new-stream' }
const profile = profileOf(done)

/** Offers one mechanism, and has another one that is not offered. */
const context = (mechanisms: ReturnType<NegotiationContext['mechanisms']>): NegotiationContext => ({
  startTls: 'required',
  isEnabled: (name) => name === 'X-TEST' || name === 'X-OTHER',
  mechanisms: () => mechanisms,
  bindInline: [],
  registrar: () => undefined,
  bind: () => ({ condition: 'not-allowed' }),
})

const said = ({ send }: Step) => send.map(serialize)

describe('base64 (RFC 4648 §4)', () => {
  it.each([
    ['', ''],
    ['YQ==', 'a'],
    ['YWI=', 'ab'],
    ['YWJj', 'abc'],
    ['+/+/', '\xfb\xff\xbf'],
  ])('%j is read', (text, octets) => {
    expect(decodeBase64(text)).toEqual(Buffer.from(octets, 'latin1'))
  })

  it.each(['=', 'Y', 'YQ', 'YQ=', 'YQ===', 'YQ==YQ==', ' YQ==', 'YW\nJj', '-_-_', 'YÄ=='])('%j is none', (text) => {
    expect(decodeBase64(text)).toBeUndefined()
  })
})

describe('a mechanism', () => {
  const nothing = Buffer.from('nothing')
  const start = (name: unknown, mechanisms: ReturnType<NegotiationContext['mechanisms']>, initial?: Uint8Array) =>
    startMechanism(name, initial, state, context(mechanisms))
  const echo = {
    name: 'X-TEST',
    start: (data?: Uint8Array): SaslOutcome => ({ ...challenge, data: data ?? nothing }),
  }

  it('is started with the data that came, or without', () => {
    expect(start('X-TEST', [echo], Buffer.from('initial'))).toMatchObject({ data: Buffer.from('initial') })
    expect(start('X-TEST', [echo], undefined)).toMatchObject({ data: nothing })
  })

  it('is started when it is known what is offered', async () => {
    expect(await start('X-TEST', Promise.resolve([echo]))).toMatchObject({ kind: 'challenge' })
  })

  it.each([
    { name: 'X-OTHER', condition: 'not-authorized' },
    { name: 'X-NONE', condition: 'invalid-mechanism' },
    { name: 'x-test', condition: 'invalid-mechanism' },
    { name: undefined, condition: 'invalid-mechanism' },
  ])('that is not offered is $condition: $name', ({ name, condition }) => {
    expect(start(name, [echo])).toMatchObject({ kind: 'failure', condition })
  })
})

describe('what follows', () => {
  it('from a challenge is an exchange that waits in this profile', () => {
    const step = toStep(profile, challenge, state, context([])) as Step
    expect(said(step)).toEqual(['<challenge>who?</challenge>'])
    expect(step).toMatchObject({ kind: 'continue', state: { exchange: { profile, exchange } } })
  })

  it('from a success is what the profile makes of it, at once or later', async () => {
    expect(toStep(profile, success, state, context([]))).toBe(done)
    expect(await toStep(profileOf(Promise.resolve(done)), Promise.resolve(success), state, context([]))).toBe(done)
  })

  it('from a success that comes to nothing is a failure like any other', () => {
    const failure = failed('temporary-auth-failure', 'no resource can be bound')
    const step = toStep(profileOf(failure), success, state, context([])) as Step
    expect(said(step)).toEqual(['<failure>temporary-auth-failure</failure>'])
    expect(step).toMatchObject({ kind: 'continue', refused: failure, state: { failures: 1 } })
  })

  it('from a failure ends the exchange, tells the condition alone, and ends the stream at the third time', () => {
    const failure = failed('not-authorized', 'secret')
    let current = changed(state, { exchange: { profile, exchange } })
    for (const failures of [1, 2]) {
      const step = refuse(profile, current, failure)
      expect(said(step)).toEqual(['<failure>not-authorized</failure>'])
      expect(step).toMatchObject({ kind: 'continue', refused: failure, state: { failures, exchange: undefined } })
      if (step.kind === 'continue') current = step.state
    }
    const last = refuse(profile, current, failure)
    expect(said(last)).toEqual(['<failure>not-authorized</failure>'])
    expect(last).toMatchObject({ kind: 'close', refused: failure, error: { condition: 'policy-violation' } })
    expect(JSON.stringify(last.kind === 'close' && last.error)).not.toContain('secret')
  })
})
