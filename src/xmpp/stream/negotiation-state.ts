import type { StreamRequest } from './stream.ts'
import type { Milestone, NegotiationState } from './stream-feature.ts'

/**
 * The state of a stream that has just been opened.
 * @param before the state of the stream that it takes the place of, on the same connection
 */
export function openedState(
  { domain, from }: StreamRequest,
  secured: boolean,
  before?: NegotiationState,
): NegotiationState {
  return {
    reached: before?.reached ?? new Set(secured ? ['secured'] : []),
    domain,
    from,
    account: before?.account,
    credential: before?.credential,
    bound: before?.bound,
    failures: before?.failures ?? 0,
    registered: before?.registered,
    exchange: before?.exchange,
  }
}

/**
 * The state with what has changed in it. An exchange that is not named has come to its end.
 * Written out, because V8 makes objects of one shape much faster than copies with other values in some places.
 */
export function changed(state: NegotiationState, change: Partial<NegotiationState>): NegotiationState {
  return {
    reached: change.reached ?? state.reached,
    domain: change.domain ?? state.domain,
    from: change.from ?? state.from,
    account: change.account ?? state.account,
    credential: change.credential ?? state.credential,
    bound: change.bound ?? state.bound,
    failures: change.failures ?? state.failures,
    registered: change.registered ?? state.registered,
    exchange: change.exchange,
  }
}

/** The milestones of a client that has come further. */
export function further({ reached }: NegotiationState, ...milestones: readonly Milestone[]): ReadonlySet<Milestone> {
  const all = new Set(reached)
  for (const milestone of milestones) all.add(milestone)
  return all
}
