import { chain, type MaybePromise } from '../../maybe-promise.ts'
import type { Jid } from '../address/jid.ts'
import { NS } from '../namespaces.ts'
import type { StanzaError } from '../stanza.ts'
import { bind2Offer, bindInline, bound2 } from '../stream/bind2.ts'
import { changed, further } from '../stream/negotiation-state.ts'
import type {
  Bound,
  InlineFeature,
  Login,
  NegotiationContext,
  NegotiationState,
  Reached,
  SaslProfile,
  Step,
  StreamFeature,
} from '../stream/stream-feature.ts'
import type { Element } from '../xml/element.ts'
import { childElements, childNamed, localNameOf, namespaceOf, textOf, xml } from '../xml/element.ts'
import { decodeBase64, failed, refuse, startMechanism, toStep } from './attempt.ts'
import type { SaslFailure, SaslOutcome, SaslSuccess } from './mechanism.ts'

/** The pattern of the schema (XEP-0388 §8); the version of a UUID makes no difference here. */
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** What a client asks for along with its login; done after it, and only then (XEP-0388 §2.6.1). */
interface InlineRequests {
  readonly bind: Element | undefined
  /** Which installation of a client this is; names nobody, so it proves nothing. */
  readonly agent: string | undefined
  /** Of other features, each with the one that does it. */
  readonly others: readonly InlineRequest[]
}

interface InlineRequest {
  readonly feature: InlineFeature
  readonly element: Element
}

/** What came of them. */
interface InlineResults {
  readonly replies: readonly Element[]
  readonly bound: Bound | undefined
}

const NOTHING_INLINE: InlineRequests = { bind: undefined, agent: undefined, others: [] }
const NOTHING_DONE: InlineResults = { replies: [], bound: undefined }

/** The schema declares xs:base64Binary, which may be broken into lines; the lone `=` of RFC 6120 has no meaning here. */
function decodeData(element: Element): Uint8Array | undefined {
  return decodeBase64(textOf(element).replaceAll(/[ \t\r\n]+/g, ''))
}

function reached(
  state: NegotiationState,
  { account, credential }: Login,
  bound: Jid | undefined,
): Omit<Reached, 'send'> {
  if (bound === undefined) {
    const next = changed(state, { account, credential, reached: further(state, 'authenticated') })
    return { kind: 'reached', milestones: ['authenticated'], state: next, next: 'features' }
  }
  const next = changed(state, { account, credential, bound, reached: further(state, 'authenticated', 'bound') })
  return { kind: 'reached', milestones: ['authenticated', 'bound'], state: next, next: 'features' }
}

/** One after the other; a resource that one of them has brought back is bound already (XEP-0386 §3.2). */
async function performAll(
  requests: readonly InlineRequest[],
  login: Login,
  context: NegotiationContext,
): Promise<InlineResults> {
  let results = NOTHING_DONE
  for (const { feature, element } of requests) {
    const { reply, bound } = await feature.perform(element, login, context)
    results = {
      replies: [...results.replies, reply],
      bound: bound === undefined ? results.bound : { jid: bound, results: [] },
    }
  }
  return results
}

function performInline(
  { bind, agent, others }: InlineRequests,
  login: Login,
  context: NegotiationContext,
): MaybePromise<InlineResults | StanzaError> {
  const done = others.length === 0 ? NOTHING_DONE : performAll(others, login, context)
  return chain(done, (results) => {
    if (bind === undefined || results.bound !== undefined) return results
    return chain(bindInline(bind, login, agent, context), (bound) =>
      'condition' in bound ? bound : { replies: [...results.replies, bound2(bound)], bound },
    )
  })
}

function successOf(jid: Jid, data: Uint8Array | undefined, replies: readonly Element[]): Element {
  const additional = data === undefined ? [] : [xml('additional-data', {}, Buffer.from(data).toString('base64'))]
  const identifier = xml('authorization-identifier', {}, jid.toString())
  return xml('success', { xmlns: NS.sasl2 }, ...additional, identifier, ...replies)
}

function succeed(
  state: NegotiationState,
  { account, data, credential }: SaslSuccess,
  inline: InlineRequests,
  context: NegotiationContext,
): MaybePromise<Step | SaslFailure> {
  // XEP-0388 §2.3: no new stream follows whose header could be compared, so the one that was sent has to fit. It is a
  // failure, where RFC 6120 has a stream error; the client may go on as the one that it claims to be.
  if (state.from !== undefined && !state.from.bare().equals(account.bare())) {
    return failed('invalid-authzid', `the stream is from ${state.from}, and the account is ${account.bare()}`)
  }
  const login = { account, credential }
  return chain(performInline(inline, login, context), (results) => {
    if ('condition' in results) {
      return failed('temporary-auth-failure', `no resource can be bound: ${results.condition}`)
    }
    const jid = results.bound?.jid
    return { ...reached(state, login, jid), send: [successOf(jid ?? account.bare(), data, results.replies)] }
  })
}

function profileWith(inline: InlineRequests): SaslProfile {
  return {
    name: 'sasl2',
    challenge: (data) => xml('challenge', { xmlns: NS.sasl2 }, Buffer.from(data).toString('base64')),
    failure: (condition) => xml('failure', { xmlns: NS.sasl2 }, xml(condition, { xmlns: NS.sasl })),
    succeed: (state, success, context) => succeed(state, success, inline, context),
  }
}

function readAgent(authenticate: Element): string | undefined {
  const id = childNamed(authenticate, 'user-agent', NS.sasl2)?.attrs.id
  // What is not a UUID is left unused: a client does not lose its login over it, only the end of its lost sessions.
  return id !== undefined && UUID.test(id) ? id.toLowerCase() : undefined
}

/** Nothing that decides about a login may be there twice, for somebody else to read it differently. */
function isAmbiguous(authenticate: Element): boolean {
  const names = childElements(authenticate).map((child) => `{${namespaceOf(child)}}${localNameOf(child)}`)
  const single = [`{${NS.sasl2}}initial-response`, `{${NS.sasl2}}user-agent`, `{${NS.bind2}}bind`]
  return single.some((name) => names.indexOf(name) !== names.lastIndexOf(name))
}

function start(authenticate: Element, state: NegotiationState, context: NegotiationContext): MaybePromise<SaslOutcome> {
  if (isAmbiguous(authenticate)) return failed('malformed-request', 'an element of <authenticate/> is there twice')
  const response = childNamed(authenticate, 'initial-response', NS.sasl2)
  const initial = response && decodeData(response)
  if (response !== undefined && initial === undefined) return failed('incorrect-encoding', 'not base64')
  return startMechanism(authenticate.attrs.mechanism, initial, state, context)
}

function inlineRequests(authenticate: Element, features: readonly InlineFeature[]): InlineRequests {
  const others = childElements(authenticate).flatMap((element) =>
    features.filter((feature) => feature.handles(element)).map((feature) => ({ feature, element })),
  )
  return { bind: childNamed(authenticate, 'bind', NS.bind2), agent: readAgent(authenticate), others }
}

function respond(element: Element, state: NegotiationState, context: NegotiationContext): MaybePromise<Step> {
  if (state.exchange === undefined) {
    return refuse(profileWith(NOTHING_INLINE), state, failed('malformed-request', '<response/> without a challenge'))
  }
  const { profile, exchange } = state.exchange
  const data = decodeData(element)
  const outcome = data === undefined ? failed('incorrect-encoding', 'not base64') : exchange.respond(data)
  return toStep(profile, outcome, state, context)
}

/**
 * SASL2 (XEP-0388 1.0.4) beside the profile of RFC 6120: one round trip less because no new stream is opened, and with
 * Bind 2 another one less. There are no tasks, hence no `<continue/>`.
 * @param inline what else can be done within the login
 */
export function sasl2Feature(inline: readonly InlineFeature[]): StreamFeature {
  const authenticate = (element: Element, state: NegotiationState, context: NegotiationContext): MaybePromise<Step> => {
    // XEP-0388 §2.4: during an exchange nothing but <response/> and <abort/> is tolerated.
    if (state.exchange !== undefined) return { kind: 'close', send: [], error: { condition: 'policy-violation' } }
    const profile = profileWith(inlineRequests(element, inline))
    return toStep(profile, start(element, state, context), state, context)
  }
  return {
    name: 'sasl2',
    // XEP-0388 §3: only after TLS, also where TLS is optional.
    needs: ['secured'],
    excludedBy: ['authenticated'],
    advertise({ mechanisms, bindInline }) {
      const offered = mechanisms.map(({ name }) => xml('mechanism', {}, name))
      // XEP-0388 §2.1: it cannot be used without a mechanism, and so is not there without one.
      if (offered.length === 0) return undefined
      const offers = xml('inline', {}, bind2Offer(bindInline), ...inline.map((feature) => feature.offer()))
      return xml('authentication', { xmlns: NS.sasl2 }, ...offered, offers)
    },
    handles: (element) => namespaceOf(element) === NS.sasl2,
    negotiate(element, state, context) {
      switch (element.name) {
        case 'authenticate':
          return authenticate(element, state, context)
        case 'response':
          return respond(element, state, context)
        case 'abort':
          return refuse(profileWith(NOTHING_INLINE), state, failed('aborted', 'the client gave up'))
        default:
          return { kind: 'close', send: [], error: { condition: 'unsupported-stanza-type' } }
      }
    },
  }
}
