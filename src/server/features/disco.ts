import { NS } from '../../xmpp/namespaces.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { xml } from '../../xmpp/xml/element.ts'
import type { Feature, FeatureHost, IqHandler } from './feature.ts'

interface Identity {
  readonly category: string
  readonly type: string
  readonly name?: string
}

/** Nodes are questions about details that nothing here has (XEP-0030 §7). */
function withoutNode(answer: () => Element): IqHandler {
  return ({ payload }) =>
    payload.attrs.node === undefined
      ? { type: 'result', payload: answer() }
      : { type: 'error', error: { condition: 'item-not-found' } }
}

function info(identity: Identity, host: Pick<FeatureHost, 'advertised'>): IqHandler {
  return withoutNode(() =>
    xml(
      'query',
      { xmlns: NS.discoInfo },
      xml('identity', { ...identity }),
      ...host.advertised.map((feature) => xml('feature', { var: feature })),
    ),
  )
}

const noItems: IqHandler = withoutNode(() => xml('query', { xmlns: NS.discoItems }))

/** XEP-0030: what the server and one's own account are and can do. */
export const disco: Feature = {
  name: 'disco',
  claims: [{ spec: 'XEP-0030', scope: '2.5rc3, without nodes' }],
  advertises: [NS.discoInfo, NS.discoItems],
  install(host) {
    const query = { name: 'query', namespace: NS.discoInfo }
    const server = { category: 'server', type: 'im', name: 'xmppki' }
    host.onIq('get', 'domain', query, info(server, host))
    host.onIq('get', 'account', query, info({ category: 'account', type: 'registered' }, host))
    for (const at of ['account', 'domain'] as const) {
      host.onIq('get', at, { name: 'query', namespace: NS.discoItems }, noItems)
    }
  },
}
