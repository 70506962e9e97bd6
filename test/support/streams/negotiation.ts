import { Negotiation } from '../../../src/xmpp/stream/negotiation.ts'
import type { NegotiationContext, NegotiationState } from '../../../src/xmpp/stream/stream-feature.ts'

const plain = new Negotiation()

/** Negotiation with nothing added, of which it is known that everything is there at once. */
export const negotiate: Negotiation['negotiate'] = (element, state, context) => plain.negotiate(element, state, context)

export function streamFeatures(state: NegotiationState, context: NegotiationContext): string {
  const text = plain.streamFeatures(state, context)
  if (typeof text === 'string') return text
  throw new Error('the features come late')
}
