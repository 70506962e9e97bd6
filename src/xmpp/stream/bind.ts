import { Jid } from '../address/jid.ts'
import { NS } from '../namespaces.ts'
import { errorReply, resultReply, type StanzaError } from '../stanza.ts'
import type { Element } from '../xml/element.ts'
import { childNamed, namespaceOf, textOf, xml } from '../xml/element.ts'
import { changed, further } from './negotiation-state.ts'
import type { NegotiationContext, NegotiationState, Step, StreamFeature } from './stream-feature.ts'

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

function answer(iq: Element, bind: Element, account: Jid, context: NegotiationContext): Jid | StanzaError {
  if (iq.attrs.type !== 'set' || iq.attrs.id === undefined) return { condition: 'bad-request' }
  const resource = requestedResource(bind, account)
  if (typeof resource === 'object') return resource
  return context.bind(account, { resource })
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
  negotiate(iq: Element, state: NegotiationState, context: NegotiationContext): Step {
    const bind = childNamed(iq, 'bind', NS.bind)
    if (bind === undefined || state.account === undefined) {
      return { kind: 'close', send: [], error: { condition: 'not-authorized' } }
    }
    const bound = answer(iq, bind, state.account, context)
    if (!(bound instanceof Jid)) return { kind: 'continue', state, send: [errorReply(iq, bound)] }
    const payload = xml('bind', { xmlns: NS.bind }, xml('jid', {}, bound.toString()))
    return {
      kind: 'reached',
      milestones: ['bound'],
      state: changed(state, { bound, reached: further(state, 'bound') }),
      send: [resultReply(iq, payload)],
      next: 'stanzas',
    }
  },
}
