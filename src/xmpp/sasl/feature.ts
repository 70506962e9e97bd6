import type { Element } from '../element.ts'
import { namespaceOf, textOf, xml } from '../element.ts'
import { NS } from '../namespaces.ts'
import type { NegotiationContext, NegotiationState, Step, StreamFeature } from '../stream-feature.ts'
import type { SaslCondition, SaslFailure, SaslOutcome, SaslSuccess } from './mechanism.ts'

/** After this many failures the stream is closed; RFC 6120 §6.4.5 wants at least 2 and suggests at most 5. */
const MAX_FAILURES = 3

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** @returns undefined when the text is not base64 (RFC 4648 §4, no white space: RFC 6120 §13.9.1) */
function decodeBase64(text: string): Uint8Array | undefined {
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined
}

/** RFC 6120 §6.4.2: a lone `=` is data of zero length, as opposed to none. */
function encodeData(data: Uint8Array | undefined): string[] {
  if (data === undefined) return []
  return [data.length === 0 ? '=' : Buffer.from(data).toString('base64')]
}

function failed(condition: SaslCondition, reason: string): SaslFailure {
  return { kind: 'failure', condition, reason }
}

function withoutExchange(state: NegotiationState): NegotiationState {
  const { exchange: _, ...rest } = state
  return rest
}

function refuse(state: NegotiationState, failure: SaslFailure): Step {
  const send = [xml('failure', { xmlns: NS.sasl }, xml(failure.condition))]
  const failures = state.failures + 1
  if (failures >= MAX_FAILURES) {
    return {
      kind: 'close',
      send,
      refused: failure,
      error: { condition: 'policy-violation', text: 'too many failures' },
    }
  }
  return { kind: 'continue', state: { ...withoutExchange(state), failures }, send, refused: failure }
}

function succeed(state: NegotiationState, success: SaslSuccess): Step {
  const send = [xml('success', { xmlns: NS.sasl }, ...encodeData(success.data))]
  // RFC 6120 §4.7.1: a stream that claims to come from somebody else must not go on.
  if (state.from !== undefined && !state.from.bare().equals(success.account.bare())) {
    return { kind: 'close', send: [], error: { condition: 'invalid-from' } }
  }
  return {
    kind: 'reached',
    milestone: 'authenticated',
    state: {
      ...withoutExchange(state),
      account: success.account,
      reached: new Set([...state.reached, 'authenticated']),
    },
    send,
    restart: true,
  }
}

function toStep(state: NegotiationState, outcome: SaslOutcome): Step {
  switch (outcome.kind) {
    case 'failure':
      return refuse(state, outcome)
    case 'success':
      return succeed(state, outcome)
    case 'challenge':
      return {
        kind: 'continue',
        state: { ...state, exchange: outcome.exchange },
        // RFC 6120 §6.4.3: an empty challenge is an empty element, "=" is for initial responses and success.
        send: [xml('challenge', { xmlns: NS.sasl }, Buffer.from(outcome.data).toString('base64'))],
      }
  }
}

function start(
  element: Element,
  state: NegotiationState,
  context: NegotiationContext,
): SaslOutcome | Promise<SaslOutcome> {
  if (state.exchange !== undefined) return failed('malformed-request', '<auth/> while an exchange is under way')
  const name: unknown = element.attrs.mechanism
  const mechanism = context.mechanisms(state).find((offered) => offered.name === name)
  if (mechanism === undefined) {
    return context.enabledMechanisms.has(String(name))
      ? failed('not-authorized', `${String(name)} was not offered on this connection`)
      : failed('invalid-mechanism', 'an unknown mechanism')
  }
  const text = textOf(element)
  if (text === '') return mechanism.start(undefined)
  const initial = text === '=' ? new Uint8Array() : decodeBase64(text)
  return initial === undefined ? failed('incorrect-encoding', 'not base64') : mechanism.start(initial)
}

function respond(element: Element, state: NegotiationState): SaslOutcome | Promise<SaslOutcome> {
  if (state.exchange === undefined) return failed('malformed-request', '<response/> without a challenge')
  const text = textOf(element)
  const data = text === '=' ? new Uint8Array() : decodeBase64(text)
  return data === undefined ? failed('incorrect-encoding', 'not base64') : state.exchange.respond(data)
}

function negotiate(element: Element, state: NegotiationState, context: NegotiationContext): Step | Promise<Step> {
  switch (element.name) {
    case 'auth':
    case 'response': {
      const outcome = element.name === 'auth' ? start(element, state, context) : respond(element, state)
      return outcome instanceof Promise ? outcome.then((settled) => toStep(state, settled)) : toStep(state, outcome)
    }
    case 'abort':
      return refuse(state, failed('aborted', 'the client gave up'))
    default:
      return { kind: 'close', send: [], error: { condition: 'unsupported-stanza-type' } }
  }
}

/** SASL as RFC 6120 §6 frames it. */
export const saslFeature: StreamFeature = {
  name: 'sasl',
  needs: [],
  excludedBy: ['authenticated'],
  advertise(state, context) {
    const offered = context.mechanisms(state).map(({ name }) => xml('mechanism', {}, name))
    // Without TLS an empty list would make clients give up that could still upgrade.
    if (offered.length === 0 && !state.reached.has('secured')) return undefined
    return xml('mechanisms', { xmlns: NS.sasl }, ...offered)
  },
  handles: (element) => namespaceOf(element) === NS.sasl,
  negotiate,
}
