import { NS } from '../../xmpp/namespaces.ts'
import type { Feature } from './feature.ts'

/** XEP-0199: XMPP ping, to the server and to one's own account. */
export const ping: Feature = {
  name: 'ping',
  claims: [{ spec: 'XEP-0199', scope: '2.0.1' }],
  disco: { server: [NS.ping], account: [NS.ping] },
  install(host) {
    for (const to of ['self', 'server'] as const) {
      host.onIq('get', to, { name: 'ping', namespace: NS.ping }, () => ({ type: 'result' }))
    }
  },
}
