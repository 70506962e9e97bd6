import type { Jid } from '../../xmpp/address/jid.ts'
import type { Element } from '../../xmpp/xml/element.ts'
import { namespaceOf } from '../../xmpp/xml/element.ts'
import type { Log } from '../log.ts'
import type { Router } from '../routing/router.ts'
import type { LeavingHandler, Session } from '../session/session.ts'
import type { SessionEventEmitter } from '../session/session-events.ts'
import type { Availability, SessionRegistry } from '../session/session-registry.ts'
import type { BindHandler, Feature, FeatureHost, SharedSlot, Slot } from './feature.ts'

export interface InstallationOptions {
  readonly router: Router
  readonly events: SessionEventEmitter
  readonly sessions: SessionRegistry
  readonly now: () => Date
  readonly log: Log
}

/** The features of a server in their places, and what they want to be asked outside of routing. */
export class InstalledFeatures {
  readonly leaving: LeavingHandler[] = []
  readonly #bind = new Map<string, BindHandler>()
  readonly #removed: ((account: Jid) => Promise<void>)[] = []
  readonly #options: InstallationOptions
  #slots = 0

  constructor(features: readonly Feature[], options: InstallationOptions) {
    this.#options = options
    const host = this.#host(options, features)
    for (const feature of features) feature.install(host)
  }

  /** Namespaces of what can be switched on along with Bind 2. */
  get bindInline(): readonly string[] {
    return [...this.#bind.keys()]
  }

  /** Switches on what a client has asked for along with its resource. @returns the children of `<bound/>` */
  async bind(requests: readonly Element[], session: Session): Promise<readonly Element[]> {
    const results: Element[] = []
    for (const request of requests) {
      const result = await this.#bind.get(namespaceOf(request))?.(request, session)
      if (result !== undefined) results.push(result)
    }
    return results
  }

  /** Before the name of an account is free for somebody else. */
  async accountRemoved(account: Jid): Promise<void> {
    for (const handle of this.#removed) await handle(account)
  }

  #host({ router, events, sessions, now, log }: InstallationOptions, features: readonly Feature[]): FeatureHost {
    return {
      log,
      now,
      slot: (initial) => this.#slot(initial),
      sharedSlot: (initial) => this.#sharedSlot(initial),
      onIq: (type, to, payload, handle) => router.iq.on(type, to, payload, handle),
      onStanza: (stage, name, handle) => router.stages.on(stage, name, handle),
      onLeaving: (handle) => this.leaving.push(handle),
      onNonza: (element, handle) => router.onNonza(element, handle),
      onBind: (namespace, handle) => this.#bind.set(namespace, handle),
      on: (event, handle) => events.on(event, handle),
      onAccountRemoved: (handle) => this.#removed.push(handle),
      route: (stanza, to) => router.route(stanza, to),
      request: (type, to, payload) => router.request(type, to, payload),
      resources: (account) => sessions.resources(account),
      announce: (session, presence) => this.#announce(session, presence),
      discovery: (of) => features.flatMap(({ disco }) => disco?.[of] ?? []),
      serve: (entity) => router.addEntity(entity),
    }
  }

  #slot<T>(initial: T): Slot<T> {
    const index = this.#slots++
    return {
      get: ({ slots }) => (index in slots ? (slots[index] as T) : initial),
      set: ({ slots }, value) => {
        slots[index] = value
      },
    }
  }

  #sharedSlot<T>(initial: T): SharedSlot<T> {
    const index = this.#slots++
    return {
      get: ({ shared }) => (index in shared ? (shared[index] as T) : initial),
      set: (session, value) => session.share(index, value),
    }
  }

  #announce(session: Session, presence: Availability | undefined): void {
    const wasAvailable = session.resource.presence !== undefined
    session.announce(presence)
    const { events } = this.#options
    if (presence !== undefined) events.tellAvailable(session, presence.stanza)
    else if (wasAvailable) events.tell('unavailable', session)
  }
}
