import type { MaybePromise } from '../../maybe-promise.ts'
import { NS } from '../namespaces.ts'
import type { StanzaError } from '../stanza.ts'
import type { Element } from '../xml/element.ts'
import { childElements, childNamed, namespaceOf, textOf, xml } from '../xml/element.ts'
import type { Bound, Login, NegotiationContext } from './stream-feature.ts'

/** Bind 2 (XEP-0386 1.1.0) as SASL2 announces it, with what can be switched on along with the binding (§3.1). */
export function bind2Offer(namespaces: readonly string[]): Element {
  const features = namespaces.map((namespace) => xml('feature', { var: namespace }))
  return xml('bind', { xmlns: NS.bind2 }, ...(features.length === 0 ? [] : [xml('inline', {}, ...features)]))
}

/**
 * Binds the resource that an `<authenticate/>` asks for (XEP-0386 §3.2). What it asks for besides and was not announced is
 * not answered.
 * @param login of a full JID when the credential allows no other resource; the tag then has no say (XEP-0257 §4)
 * @param agent the `id` of the client's `<user-agent/>`, in lower case
 */
export function bindInline(
  bind: Element,
  login: Login,
  agent: string | undefined,
  context: NegotiationContext,
): MaybePromise<Bound | StanzaError> {
  const tag = childNamed(bind, 'tag', NS.bind2)
  const inline = childElements(bind).filter((child) => context.bindInline.includes(namespaceOf(child)))
  return context.bind(login, {
    resource: login.account.resource,
    tag: tag === undefined ? undefined : textOf(tag),
    agent,
    ...(inline.length === 0 ? {} : { inline }),
  })
}

/** The child of `<success/>` that says that a resource was bound; which one is in the authorization identifier. */
export function bound2({ results }: Pick<Bound, 'results'>): Element {
  return xml('bound', { xmlns: NS.bind2 }, ...results)
}
