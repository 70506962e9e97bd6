import { NS } from '../../xmpp/namespaces.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { xml } from '../../xmpp/xml/element.ts'
import type { IqHandler } from '../routing/iq.ts'
import type { Feature, Identity } from './feature.ts'

const SERVER: Identity = { category: 'server', type: 'im', name: 'xmppki' }
const ACCOUNT: Identity = { category: 'account', type: 'registered' }

/** Nodes are questions about details that nothing here has (XEP-0030 §7). */
function withoutNode(answer: () => Element): IqHandler {
  return ({ payload }) =>
    payload.attrs.node === undefined
      ? { type: 'result', payload: answer() }
      : { type: 'error', error: { condition: 'item-not-found' } }
}

function info(identity: Identity, namespaces: () => readonly string[]): IqHandler {
  return withoutNode(() =>
    xml(
      'query',
      { xmlns: NS.discoInfo },
      xml('identity', { ...identity }),
      ...namespaces().map((namespace) => xml('feature', { var: namespace })),
    ),
  )
}

const noItems: IqHandler = withoutNode(() => xml('query', { xmlns: NS.discoItems }))

/** XEP-0030: what the server and one's own account are and can do. */
export const disco: Feature = {
  name: 'disco',
  claims: [{ spec: 'XEP-0030', scope: '2.5rc3, without nodes' }],
  disco: { server: [NS.discoInfo, NS.discoItems], account: [NS.discoInfo, NS.discoItems] },
  install(host) {
    const query = { name: 'query', namespace: NS.discoInfo }
    host.onIq(
      'get',
      'server',
      query,
      info(SERVER, () => host.discovery('server')),
    )
    host.onIq(
      'get',
      'self',
      query,
      info(ACCOUNT, () => host.discovery('account')),
    )
    for (const to of ['self', 'server'] as const) {
      host.onIq('get', to, { name: 'query', namespace: NS.discoItems }, noItems)
    }
  },
}
