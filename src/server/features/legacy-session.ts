import { NS } from '../../xmpp/namespaces.ts'
import type { Feature } from './feature.ts'

/** RFC 3921 §3: session establishment, which does nothing but which older clients wait for. */
export const legacySession: Feature = {
  name: 'legacy-session',
  claims: [{ spec: 'RFC 3921', scope: '§3' }],
  install(host) {
    for (const to of ['self', 'server'] as const) {
      host.onIq('set', to, { name: 'session', namespace: NS.session }, () => ({ type: 'result' }))
    }
  },
}
