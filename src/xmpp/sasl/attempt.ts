import { chain, type MaybePromise } from '../../maybe-promise.ts'
import { changed } from '../stream/negotiation-state.ts'
import type { NegotiationContext, NegotiationState, SaslProfile, Step } from '../stream/stream-feature.ts'
import type { SaslCondition, SaslFailure, SaslOutcome } from './mechanism.ts'

/** After this many failures the stream is closed; RFC 6120 §6.4.5 wants at least 2 and suggests at most 5. */
const MAX_FAILURES = 3

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** @returns undefined when the text is not base64 (RFC 4648 §4, no white space: RFC 6120 §13.9.1) */
export function decodeBase64(text: string): Uint8Array | undefined {
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined
}

/** A failure; the reason is for the log only. */
export function failed(condition: SaslCondition, reason: string): SaslFailure {
  return { kind: 'failure', condition, reason }
}

/** A failed attempt, whichever profile it was made with: all count towards the same limit. */
export function refuse(profile: SaslProfile, state: NegotiationState, failure: SaslFailure): Step {
  const send = [profile.failure(failure.condition)]
  const failures = state.failures + 1
  if (failures >= MAX_FAILURES) {
    return {
      kind: 'close',
      send,
      refused: failure,
      error: { condition: 'policy-violation', text: 'too many failures' },
    }
  }
  return { kind: 'continue', state: changed(state, { failures }), send, refused: failure }
}

/** Starts the mechanism of this name, if it was offered. */
export function startMechanism(
  name: unknown,
  initial: Uint8Array | undefined,
  state: NegotiationState,
  context: NegotiationContext,
): MaybePromise<SaslOutcome> {
  return chain(context.mechanisms(state), (offered) => {
    const mechanism = offered.find((one) => one.name === name)
    if (mechanism !== undefined) return mechanism.start(initial)
    return context.isEnabled(String(name))
      ? failed('not-authorized', `${String(name)} was not offered on this connection`)
      : failed('invalid-mechanism', 'an unknown mechanism')
  })
}

/** What follows from the outcome of a mechanism. */
export function toStep(
  profile: SaslProfile,
  outcome: MaybePromise<SaslOutcome>,
  state: NegotiationState,
  context: NegotiationContext,
): MaybePromise<Step> {
  return chain(outcome, (settled) => stepAfter(profile, settled, state, context))
}

function stepAfter(
  profile: SaslProfile,
  outcome: SaslOutcome,
  state: NegotiationState,
  context: NegotiationContext,
): MaybePromise<Step> {
  switch (outcome.kind) {
    case 'failure':
      return refuse(profile, state, outcome)
    case 'success':
      return chain(profile.succeed(state, outcome, context), (step) =>
        step.kind === 'failure' ? refuse(profile, state, step) : step,
      )
    case 'challenge':
      return {
        kind: 'continue',
        state: changed(state, { exchange: { profile, exchange: outcome.exchange } }),
        send: [profile.challenge(outcome.data)],
      }
  }
}
