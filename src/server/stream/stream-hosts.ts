import { TcpFraming } from '../../xmpp/framing/tcp-framing.ts'
import type { Negotiation } from '../../xmpp/stream/negotiation.ts'
import type { Registrar } from '../../xmpp/stream/stream-feature.ts'
import type { Log } from '../log.ts'
import type { Authentication } from '../login/authentication.ts'
import type { ListenerOptions } from '../net/listener.ts'
import type { Router } from '../routing/router.ts'
import type { SessionBinding } from '../session/session-binding.ts'
import type { SessionLifecycle } from '../session/session-lifecycle.ts'
import type { OpenStreams } from './open-streams.ts'
import type { StreamHost } from './stream-host.ts'

/** What streams of a listener need to know of it. */
export type StreamDoor = Pick<ListenerOptions, 'name' | 'startTls' | 'limits' | 'trust'>

export interface StreamHostsOptions {
  readonly authentication: Authentication
  readonly negotiation: Negotiation
  readonly binding: SessionBinding
  readonly lifecycle: SessionLifecycle
  readonly router: Router
  readonly streams: OpenStreams
  /** In their normal form, the default first; asked at every use. */
  readonly domains: () => ReadonlySet<string>
  /** Namespaces of what can be switched on along with Bind 2. */
  readonly bindInline: readonly string[]
  /** Makes accounts; undefined while strangers may not. @param remote address and port */
  readonly registrar: (remote: string) => Registrar | undefined
  readonly log: Log
}

/** What the streams of each listener need of the server; what changes with an update is looked up at every use. */
export class StreamHosts {
  readonly #options: StreamHostsOptions
  /** As long as the options of a listener hold. */
  readonly #hosts = new WeakMap<StreamDoor, StreamHost>()

  constructor(options: StreamHostsOptions) {
    this.#options = options
  }

  of(door: StreamDoor): StreamHost {
    const known = this.#hosts.get(door)
    if (known !== undefined) return known
    const host = this.#make(door)
    this.#hosts.set(door, host)
    return host
  }

  #make({ name, startTls, limits, trust }: StreamDoor): StreamHost {
    const { authentication, binding, lifecycle, router, streams, domains } = this.#options
    const { negotiation, bindInline, registrar, log } = this.#options
    return {
      listener: name,
      startTls,
      limits,
      negotiation,
      bindInline,
      router,
      log,
      get disconnectOnFailure() {
        return trust.disconnectOnFailure && authentication.isEnabled('EXTERNAL', name)
      },
      get defaultDomain() {
        const [first = ''] = domains()
        return first
      },
      framing: (events, most) => new TcpFraming(events, most),
      serves: (domain) => domains().has(domain),
      isEnabled: (mechanism) => authentication.isEnabled(mechanism, name),
      mechanisms: (domain, connection) => authentication.mechanisms(domain, connection),
      registrar: (remote) => (authentication.methodsOf(name).includes('password') ? registrar(remote) : undefined),
      loggedIn: (stream, login, isLate) => authentication.loggedIn(stream, login, isLate),
      bind: (login, request, stream) => binding.bind(login, request, stream, limits.outboundBytes),
      opened: (session) => {
        binding.release(session)
        lifecycle.opened(session)
      },
      abandoned: (session) => binding.release(session),
      left: (session, stream) => lifecycle.left(session, stream),
      closed: (stream) => {
        authentication.forget(stream)
        streams.closed(stream)
      },
    }
  }
}
