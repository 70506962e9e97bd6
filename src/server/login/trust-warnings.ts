import type { RevocationRules } from '../../trust/revocation.ts'
import type { RevocationGap } from '../../trust/revocation-lists.ts'
import type { ExternalPolicy } from '../../xmpp/sasl/external.ts'
import type { Log } from '../log.ts'
import type { ClientTrust } from '../net/client-trust.ts'

/** Warnings that are remembered so that they are not repeated at every login. */
const MAX_WARNED = 1_000

/** What operators are told of rules that let in more than it seems, once each. */
export class TrustWarnings {
  readonly #log: Pick<Log, 'warn'>
  readonly #warned = new Set<string>()

  constructor(log: Pick<Log, 'warn'>) {
    this.#log = log
  }

  /** A CA of which it is not known what it has revoked. */
  ofGap({ issuer, reason }: RevocationGap, { mode }: RevocationRules, listener: string): void {
    const effect = mode === 'hard' ? 'nobody logs in with its certificates' : 'revoked certificates log in'
    this.#once({ listener, issuer, reason, mode, effect }, 'it is not known what a CA has revoked')
  }

  /** All that can be known before anybody logs in. @param trusts by listener */
  announce(policy: ExternalPolicy, trusts: ReadonlyMap<string, ClientTrust>, now: Date): void {
    if (policy.sources.includes('auth_id')) {
      this.#once({}, 'sasl_external has auth_id: who has any accepted certificate can log in as every user')
    }
    for (const [listener, trust] of trusts) this.#announceTrust(listener, trust, now)
  }

  #announceTrust(listener: string, { verifyMode, anchors, revocation }: ClientTrust, now: Date): void {
    if (verifyMode === 'none') return
    if (verifyMode === 'selfsigned_peer') {
      this.#once({ listener }, 'verify_mode is selfsigned_peer: everybody can log in as every user')
    }
    if (revocation === undefined) return
    for (const anchor of anchors.authorities) {
      const gap = revocation.lists.gapOf(anchor, now)
      if (gap !== undefined) this.ofGap(gap, revocation, listener)
    }
  }

  #once(facts: object, message: string): void {
    const key = JSON.stringify([facts, message])
    if (this.#warned.has(key)) return
    if (this.#warned.size >= MAX_WARNED) this.#warned.clear()
    this.#warned.add(key)
    this.#log.warn(facts, message)
  }
}
