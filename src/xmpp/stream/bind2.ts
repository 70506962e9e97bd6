import type { Jid } from '../address/jid.ts'
import { NS } from '../namespaces.ts'
import type { StanzaError } from '../stanza.ts'
import type { Element } from '../xml/element.ts'
import { childNamed, textOf, xml } from '../xml/element.ts'
import type { NegotiationContext } from './stream-feature.ts'

/**
 * Bind 2 (XEP-0386 1.1.0) as SASL2 announces it. It lists no features of the session: there are none yet that could be
 * switched on along with the binding, and what a client asks for unannounced is not answered.
 */
export function bind2Offer(): Element {
  return xml('bind', { xmlns: NS.bind2 })
}

/**
 * Binds the resource that an `<authenticate/>` asks for (XEP-0386 §3.2).
 * @param account a full JID when the credentials allow no other resource; the tag then has no say (XEP-0257 §4)
 * @param agent the `id` of the client's `<user-agent/>`, in lower case
 */
export function bindInline(
  bind: Element,
  account: Jid,
  agent: string | undefined,
  context: NegotiationContext,
): Jid | StanzaError {
  const tag = childNamed(bind, 'tag', NS.bind2)
  return context.bind(account, {
    resource: account.resource,
    tag: tag === undefined ? undefined : textOf(tag),
    agent,
  })
}

/** The child of `<success/>` that says that a resource was bound; which one is in the authorization identifier. */
export function bound2(): Element {
  return xml('bound', { xmlns: NS.bind2 })
}
