import { type ClientTrust, plainTrust } from './client-trust.ts'
import { DEFAULT_TLS, type ListenerOptions, type LoginMethod } from './listener.ts'

/** Of a listener that does not say which. */
export const ALL_METHODS: readonly LoginMethod[] = ['certificate', 'password']

/** Where to listen, and what there differs from the rest of the server. */
export type Endpoint = Pick<ListenerOptions, 'host' | 'port' | 'mode'> & Partial<Omit<ListenerOptions, 'name'>>

/** What holds for every endpoint that says nothing else. */
interface Common extends Pick<ListenerOptions, 'credentials' | 'startTls' | 'limits'> {
  readonly endpoints: readonly Endpoint[]
  readonly login: Pick<ClientTrust, 'anchors'>
}

export function listenerOptions({ endpoints, credentials, startTls, limits, login }: Common): ListenerOptions[] {
  const common = { credentials, trust: plainTrust(login.anchors), startTls, tls: DEFAULT_TLS, limits }
  const names = new Map<string, number>()
  return endpoints.map((endpoint) => {
    const place = `${endpoint.host}:${endpoint.port}`
    const count = (names.get(place) ?? 0) + 1
    names.set(place, count)
    // Of several with port 0 the first stays the first.
    return { ...common, name: count === 1 ? place : `${place} no. ${count}`, ...endpoint }
  })
}

/** What each listener takes, by its name. */
export function methodsByListener(options: Common): ReadonlyMap<string, readonly LoginMethod[]> {
  return new Map(listenerOptions(options).map(({ name, methods = ALL_METHODS }) => [name, methods]))
}
