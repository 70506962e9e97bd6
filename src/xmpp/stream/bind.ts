import { chain, type MaybePromise } from '../../maybe-promise.ts'
import type { Jid } from '../address/jid.ts'
import { NS } from '../namespaces.ts'
import { errorReply, resultReply, type StanzaError } from '../stanza.ts'
import type { Element } from '../xml/element.ts'
import { childNamed, namespaceOf, textOf, xml } from '../xml/element.ts'
import { changed, further } from './negotiation-state.ts'
import type { Bound, Login, NegotiationContext, NegotiationState, Step, StreamFeature } from './stream-feature.ts'

/**
 * The resource a client asks for, `undefined` for one made by the server (RFC 6120 §7.6),
 * or the error that its request deserves.
 */
function requestedResource(bind: Element, account: Jid): string | undefined | StanzaError {
  const wish = childNamed(bind, 'resource', NS.bind)
  const resource = wish === undefined ? '' : textOf(wish)
  if (account.resource === undefined) return resource === '' ? undefined : resource
  // XEP-0257 §4: credentials for one resource bind that one and no other.
  if (resource === '' || resource === account.resource) return account.resource
  return { condition: 'not-allowed', text: `this certificate may only bind the resource it names` }
}

function claim(
  iq: Element,
  bind: Element,
  login: Login,
  context: NegotiationContext,
): MaybePromise<Bound | StanzaError> {
  if (iq.attrs.type !== 'set' || iq.attrs.id === undefined) return { condition: 'bad-request' }
  const resource = requestedResource(bind, login.account)
  if (typeof resource === 'object') return resource
  return context.bind(login, { resource })
}

function stepAfter(claimed: Bound | StanzaError, iq: Element, state: NegotiationState): Step {
  if ('condition' in claimed) return { kind: 'continue', state, send: [errorReply(iq, claimed)] }
  const payload = xml('bind', { xmlns: NS.bind }, xml('jid', {}, claimed.jid.toString()))
  return {
    kind: 'reached',
    milestones: ['bound'],
    state: changed(state, { bound: claimed.jid, reached: further(state, 'bound') }),
    send: [resultReply(iq, payload)],
    next: 'stanzas',
  }
}

/** RFC 6120 §8.3.1: a result or an error is never answered, hence no request. */
function isRequest({ attrs: { type } }: Element): boolean {
  return type !== 'result' && type !== 'error'
}

/** Resource binding (RFC 6120 §7). */
export const bindFeature: StreamFeature = {
  name: 'bind',
  needs: ['authenticated'],
  excludedBy: ['bound'],
  advertise: () => xml('bind', { xmlns: NS.bind }),
  handles: (element) =>
    element.name === 'iq' &&
    namespaceOf(element) === NS.client &&
    isRequest(element) &&
    childNamed(element, 'bind', NS.bind) !== undefined,
  negotiate(iq: Element, state: NegotiationState, context: NegotiationContext): MaybePromise<Step> {
    const bind = childNamed(iq, 'bind', NS.bind)
    const { account, credential } = state
    if (bind === undefined || account === undefined || credential === undefined) {
      return { kind: 'close', send: [], error: { condition: 'not-authorized' } }
    }
    return chain(claim(iq, bind, { account, credential }, context), (claimed) => stepAfter(claimed, iq, state))
  },
}
