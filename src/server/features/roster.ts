import { NS } from '../../xmpp/namespaces.ts'
import { xml } from '../../xmpp/xml/element.ts'
import type { Feature } from './feature.ts'

/** RFC 6121 §2.2: the roster, which holds nobody: a server without accounts keeps no contacts. */
export const roster: Feature = {
  name: 'roster',
  claims: [{ spec: 'RFC 6121', scope: '§2.2 (empty roster)' }],
  install(host) {
    host.onIq('get', 'self', { name: 'query', namespace: NS.roster }, () => ({
      type: 'result',
      payload: xml('query', { xmlns: NS.roster }),
    }))
  },
}
