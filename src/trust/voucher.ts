import type { RevocationReason } from '../pki/revocation/revocation-reason.ts'
import type { TrustAnchors } from './anchors.ts'
import { findPath } from './path-search.ts'
import { isRefusal } from './refusal.ts'
import type { RevocationLists } from './revocation-lists.ts'
import { SignedCertificate } from './signed-certificate.ts'

/** A certificate of the path on which a voucher was good. */
export interface RevokedVoucher {
  /** Whether it is the voucher itself, and not a CA above it. */
  readonly isLeaf: boolean
  readonly reason: RevocationReason | undefined
}

/** What a certificate that has vouched for another one is judged by. */
export interface VoucherGround {
  readonly anchors: TrustAnchors
  readonly lists: RevocationLists
  readonly now: Date
}

/**
 * Whether the lists name a certificate that has been used to enrol another one, or a CA above it, on every path to an
 * anchor. Only that counts: that it has expired, or that its CA is accepted no more, says nothing against what it was used
 * for.
 * @param chain DER of the certificate and, after it, of the CAs that it was accepted for
 */
export function judgeVoucher(
  chain: readonly Uint8Array[],
  { anchors, lists, now }: VoucherGround,
): RevokedVoucher | undefined {
  const [first, ...above] = chain
  const leaf = first && SignedCertificate.open(first)
  if (leaf === undefined || isRefusal(leaf)) return undefined
  let revoked: RevokedVoucher | undefined
  const path = findPath({
    leaf,
    sent: () => above,
    anchors,
    judge: (candidate) => {
      let link = leaf
      for (const issuer of candidate) {
        const answer = lists.statusOf(link, issuer, now)
        if (answer.kind === 'revoked') {
          revoked = { isLeaf: link === leaf, reason: answer.reason }
          return { check: 'revoked', reason: 'the voucher was revoked' }
        }
        link = issuer.certificate
      }
      return candidate
    },
  })
  return isRefusal(path) ? revoked : undefined
}
