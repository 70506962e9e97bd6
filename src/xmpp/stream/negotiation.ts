import { chain, type MaybePromise } from '../../maybe-promise.ts'
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

/** In the order in which they are advertised; what others have added comes last. */
function allFeatures(added: readonly StreamFeature[]): readonly StreamFeature[] {
  const inline = added.flatMap((feature) => feature.inline ?? [])
  return [
    startTlsFeature,
    channelBindingFeature,
    saslFeature,
    sasl2Feature(inline),
    registrationFeature,
    bindFeature,
    legacySessionFeature,
    ...added,
  ]
}

function isOpen(feature: StreamFeature, { reached, exchange }: NegotiationState, context: NegotiationContext): boolean {
  // A login that has begun in one way cannot go on in another (XEP-0388 §2.4).
  if (exchange !== undefined && exchange.profile.name !== feature.name) return false
  if (feature.excludedBy.some((milestone) => reached.has(milestone))) return false
  // RFC 6120 §5.3.1: where TLS is mandatory nothing else may be negotiated before it.
  if (context.startTls === 'required' && !reached.has('secured') && feature !== startTlsFeature) return false
  return feature.needs.every((milestone) => reached.has(milestone))
}

/** Whatever decides which features are open, and what they say. */
function keyOf(
  { startTls, mechanisms, registers, bindInline }: Offer,
  { reached, exchange }: NegotiationState,
): string {
  let key = `${startTls} ${registers} ${exchange?.profile.name} ${bindInline}`
  for (const milestone of reached) key += ` ${milestone}`
  for (const { name, bindings } of mechanisms) key += ` ${name}:${bindings ?? ''}`
  return key
}

/** What clients have to agree on before stanzas flow (RFC 6120 §4.3): the stream features of a server. */
export class Negotiation {
  readonly #features: readonly StreamFeature[]
  /** A server has a handful of them, and says them at every login. */
  readonly #knownTexts = new Memo<string>(100)

  /** @param added beside those that every server has */
  constructor(added: readonly StreamFeature[] = []) {
    this.#features = allFeatures(added)
  }

  /** `<stream:features/>` for a stream that has just been opened (RFC 6120 §4.3.2), as text. */
  streamFeatures(state: NegotiationState, context: NegotiationContext): MaybePromise<string> {
    return chain(this.#offerTo(state, context), (offer) => {
      const key = keyOf(offer, state)
      const known = this.#knownTexts.get(key)
      return known ?? this.#knownTexts.keep(key, serialize(this.#featuresElement(offer, state, context)))
    })
  }

  /** One first-level element of a client that is not bound yet: what follows from it. */
  negotiate(element: Element, state: NegotiationState, context: NegotiationContext): MaybePromise<Step> {
    const feature = this.#features.find((candidate) => candidate.handles(element) && isOpen(candidate, state, context))
    if (feature === undefined) return { kind: 'close', send: [], error: { condition: this.#refusal(element) } }
    return chain(feature.negotiate(element, state, context), (step) => this.#withFeatures(step, context))
  }

  #offerTo(state: NegotiationState, context: NegotiationContext): MaybePromise<Offer> {
    const isOpenNow = (name: string) =>
      this.#features.some((feature) => feature.name === name && isOpen(feature, state, context))
    const asksForLogin = isOpenNow('sasl') || isOpenNow('sasl2')
    return chain(asksForLogin ? context.mechanisms(state) : [], (mechanisms) => ({
      startTls: context.startTls,
      secured: state.reached.has('secured'),
      mechanisms,
      registers: isOpen(registrationFeature, state, context) && context.registrar() !== undefined,
      bindInline: context.bindInline,
    }))
  }

  #featuresElement(offer: Offer, state: NegotiationState, context: NegotiationContext): Element {
    const features = xml('stream:features')
    for (const feature of this.#features) {
      const advertised = isOpen(feature, state, context) ? feature.advertise(offer) : undefined
      if (advertised !== undefined) appendChild(features, advertised)
    }
    return features
  }

  #refusal(element: Element): StreamCondition {
    const namespace = namespaceOf(element)
    // RFC 6120 §4.9.3.12: a stanza before authentication or binding is not authorized.
    if (namespace === NS.client && isStanzaName(element.name)) return 'not-authorized'
    return this.#features.some((feature) => feature.handles(element)) ? 'policy-violation' : 'unsupported-stanza-type'
  }

  /** XEP-0388 §2.6.1: the features come after the success and need no new stream. */
  #withFeatures(step: Step, context: NegotiationContext): MaybePromise<Step> {
    if (step.kind !== 'reached' || step.next !== 'features') return step
    return chain(this.#offerTo(step.state, context), (offer) => ({
      ...step,
      send: [...step.send, this.#featuresElement(offer, step.state, context)],
    }))
  }
}
