import { Memo } from '../../memo.ts'
import { NS } from '../namespaces.ts'
import { channelBindingFeature } from '../sasl/channel-binding-feature.ts'
import { saslFeature } from '../sasl/sasl.ts'
import { sasl2Feature } from '../sasl/sasl2.ts'
import { isStanzaName } from '../stanza.ts'
import type { Element } from '../xml/element.ts'
import { appendChild, namespaceOf, serialize, xml } from '../xml/element.ts'
import { registrationFeature } from './account-registration.ts'
import { bindFeature } from './bind.ts'
import { legacySessionFeature } from './session-offer.ts'
import { startTlsFeature } from './starttls.ts'
import type { StreamCondition } from './stream.ts'
import type { NegotiationContext, NegotiationState, Offer, Step, StreamFeature } from './stream-feature.ts'

/** Every stream feature, in the order in which they are advertised. */
const STREAM_FEATURES: readonly StreamFeature[] = [
  startTlsFeature,
  channelBindingFeature,
  saslFeature,
  sasl2Feature,
  registrationFeature,
  bindFeature,
  legacySessionFeature,
]

function isOpen(feature: StreamFeature, { reached, exchange }: NegotiationState, context: NegotiationContext): boolean {
  // A login that has begun in one way cannot go on in another (XEP-0388 §2.4).
  if (exchange !== undefined && exchange.profile.name !== feature.name) return false
  if (feature.excludedBy.some((milestone) => reached.has(milestone))) return false
  // RFC 6120 §5.3.1: where TLS is mandatory nothing else may be negotiated before it.
  if (context.startTls === 'required' && !reached.has('secured') && feature !== startTlsFeature) return false
  return feature.needs.every((milestone) => reached.has(milestone))
}

function offerTo(state: NegotiationState, context: NegotiationContext): Offer {
  const asksForLogin = isOpen(saslFeature, state, context) || isOpen(sasl2Feature, state, context)
  return {
    startTls: context.startTls,
    secured: state.reached.has('secured'),
    mechanisms: asksForLogin ? context.mechanisms(state) : [],
    registers: isOpen(registrationFeature, state, context) && context.registrar() !== undefined,
  }
}

function featuresElement(offer: Offer, state: NegotiationState, context: NegotiationContext): Element {
  const features = xml('stream:features')
  for (const feature of STREAM_FEATURES) {
    const advertised = isOpen(feature, state, context) ? feature.advertise(offer) : undefined
    if (advertised !== undefined) appendChild(features, advertised)
  }
  return features
}

/** Whatever decides which features are open, and what they say. */
function keyOf({ startTls, mechanisms, registers }: Offer, { reached, exchange }: NegotiationState): string {
  let key = `${startTls} ${registers} ${exchange?.profile.name}`
  for (const milestone of reached) key += ` ${milestone}`
  for (const { name, bindings } of mechanisms) key += ` ${name}:${bindings ?? ''}`
  return key
}

/** A server has a handful of them, and says them at every login. */
const knownTexts = new Memo<string>(100)

/** `<stream:features/>` for a stream that has just been opened (RFC 6120 §4.3.2), as text. */
export function streamFeatures(state: NegotiationState, context: NegotiationContext): string {
  const offer = offerTo(state, context)
  const key = keyOf(offer, state)
  return knownTexts.get(key) ?? knownTexts.keep(key, serialize(featuresElement(offer, state, context)))
}

function refusal(element: Element): StreamCondition {
  const namespace = namespaceOf(element)
  // RFC 6120 §4.9.3.12: a stanza before authentication or binding is not authorized.
  if (namespace === NS.client && isStanzaName(element.name)) return 'not-authorized'
  return STREAM_FEATURES.some((feature) => feature.handles(element)) ? 'policy-violation' : 'unsupported-stanza-type'
}

/** XEP-0388 §2.6.1: the features come after the success and need no new stream. */
function withFeatures(step: Step, context: NegotiationContext): Step {
  if (step.kind !== 'reached' || step.next !== 'features') return step
  return { ...step, send: [...step.send, featuresElement(offerTo(step.state, context), step.state, context)] }
}

/** One first-level element of a client that is not bound yet: what follows from it. */
export function negotiate(
  element: Element,
  state: NegotiationState,
  context: NegotiationContext,
): Step | Promise<Step> {
  const feature = STREAM_FEATURES.find((candidate) => candidate.handles(element) && isOpen(candidate, state, context))
  if (feature === undefined) return { kind: 'close', send: [], error: { condition: refusal(element) } }
  const step = feature.negotiate(element, state, context)
  return step instanceof Promise ? step.then((settled) => withFeatures(settled, context)) : withFeatures(step, context)
}
