import type { TrustAnchors } from '../../trust/anchors.ts'
import type { RevocationRules } from '../../trust/revocation.ts'

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

/** Chain to an anchor, and nothing else. */
export function plainTrust(anchors: TrustAnchors): ClientTrust {
  return { anchors, verifyMode: 'peer', disconnectOnFailure: false, revocation: undefined }
}
