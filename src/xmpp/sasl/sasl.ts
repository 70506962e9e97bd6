import type { MaybePromise } from '../../maybe-promise.ts'
import { NS } from '../namespaces.ts'
import { changed, further } from '../stream/negotiation-state.ts'
import type {
  NegotiationContext,
  NegotiationState,
  SaslProfile,
  Step,
  StreamFeature,
} from '../stream/stream-feature.ts'
import type { Element } from '../xml/element.ts'
import { namespaceOf, textOf, xml } from '../xml/element.ts'
import { decodeBase64, failed, refuse, startMechanism, toStep } from './attempt.ts'
import type { SaslOutcome } from './mechanism.ts'

/** RFC 6120 §6.4.2: a lone `=` is data of zero length, as opposed to none. */
function encodeData(data: Uint8Array | undefined): string[] {
  if (data === undefined) return []
  return [data.length === 0 ? '=' : Buffer.from(data).toString('base64')]
}

function decodeData(text: string): Uint8Array | undefined {
  return text === '=' ? new Uint8Array() : decodeBase64(text)
}

const PROFILE: SaslProfile = {
  name: 'sasl',
  // RFC 6120 §6.4.3: an empty challenge is an empty element, "=" is for initial responses and success.
  challenge: (data) => xml('challenge', { xmlns: NS.sasl }, Buffer.from(data).toString('base64')),
  failure: (condition) => xml('failure', { xmlns: NS.sasl }, xml(condition)),
  succeed(state, { account, data, credential }) {
    return {
      kind: 'reached',
      milestones: ['authenticated'],
      state: changed(state, { account, credential, reached: further(state, 'authenticated') }),
      send: [xml('success', { xmlns: NS.sasl }, ...encodeData(data))],
      next: 'new-stream',
    }
  },
}

function start(element: Element, state: NegotiationState, context: NegotiationContext): MaybePromise<SaslOutcome> {
  if (state.exchange !== undefined) return failed('malformed-request', '<auth/> while an exchange is under way')
  const text = textOf(element)
  const initial = text === '' ? undefined : decodeData(text)
  if (text !== '' && initial === undefined) return failed('incorrect-encoding', 'not base64')
  return startMechanism(element.attrs.mechanism, initial, state, context)
}

function respond(element: Element, state: NegotiationState): MaybePromise<SaslOutcome> {
  if (state.exchange === undefined) return failed('malformed-request', '<response/> without a challenge')
  const data = decodeData(textOf(element))
  return data === undefined ? failed('incorrect-encoding', 'not base64') : state.exchange.exchange.respond(data)
}

function negotiate(element: Element, state: NegotiationState, context: NegotiationContext): MaybePromise<Step> {
  switch (element.name) {
    case 'auth':
      return toStep(PROFILE, start(element, state, context), state, context)
    case 'response':
      return toStep(PROFILE, respond(element, state), state, context)
    case 'abort':
      return refuse(PROFILE, state, failed('aborted', 'the client gave up'))
    default:
      return { kind: 'close', send: [], error: { condition: 'unsupported-stanza-type' } }
  }
}

/** SASL as RFC 6120 §6 frames it. */
export const saslFeature: StreamFeature = {
  name: 'sasl',
  needs: [],
  excludedBy: ['authenticated'],
  advertise({ mechanisms, secured }) {
    const offered = mechanisms.map(({ name }) => xml('mechanism', {}, name))
    // Without TLS an empty list would make clients give up that could still upgrade.
    if (offered.length === 0 && !secured) return undefined
    return xml('mechanisms', { xmlns: NS.sasl }, ...offered)
  },
  handles: (element) => namespaceOf(element) === NS.sasl,
  negotiate,
}
