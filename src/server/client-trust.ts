import type { TrustAnchors } from '../trust/chain.ts'
import type { RevocationLists } from '../trust/revocation-lists.ts'

/** Which client certificates a listener accepts, and what it does about the others. */
export interface ClientTrust {
  readonly anchors: TrustAnchors
  /**
   * `peer`: issued by one of the anchors. `selfsigned_peer`: self-signed ones as well, whoever made them. `none`: no
   * certificate is asked for.
   */
  readonly verifyMode: 'peer' | 'selfsigned_peer' | 'none'
  /** Whether a client with a certificate that is not accepted is disconnected, before it can log in in another way. */
  readonly disconnectOnFailure: boolean
  /** CRLs beside the ledger; undefined when none are looked at. */
  readonly revocation: RevocationRules | undefined
}

export interface RevocationRules {
  readonly lists: RevocationLists
  /** What a missing or stale list does: a warning in the log (`soft`), or no login (`hard`; RFC 5280 §6.3.3). */
  readonly mode: 'soft' | 'hard'
}

/** Chain to an anchor, and nothing else. */
export function plainTrust(anchors: TrustAnchors): ClientTrust {
  return { anchors, verifyMode: 'peer', disconnectOnFailure: false, revocation: undefined }
}
