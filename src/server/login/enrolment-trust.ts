import { Memo } from '../../memo.ts'
import type { CaCertificate } from '../../trust/ca-certificate.ts'
import { isRefusal } from '../../trust/refusal.ts'
import { SignedCertificate } from '../../trust/signed-certificate.ts'
import { judgeVoucher, type RevokedVoucher } from '../../trust/voucher.ts'
import type { ClientTrust } from '../net/client-trust.ts'
import { isAsked } from './listener-judgement.ts'

/** Intermediates that are remembered: clients send them along, and not always. */
const MAX_SEEN = 1_000

/** What the CAs that certificates are accepted from have to do with those that accounts enrol themselves. */
export class EnrolmentTrust {
  readonly #now: () => Date
  #trusts: readonly ClientTrust[] = []
  /** Names of CAs that certificates which were accepted have led through. */
  #seen = new Memo<true>(MAX_SEEN)

  constructor(now: () => Date) {
    this.#now = now
  }

  /** Takes up what listeners accept now. */
  update(trusts: readonly ClientTrust[]): void {
    this.#trusts = trusts.filter(isAsked)
    this.#seen = new Memo(MAX_SEEN)
  }

  /** Of a certificate that has been accepted. */
  note(path: readonly CaCertificate[]): void {
    for (const { name } of path) this.#seen.keep(name, true)
  }

  /**
   * Whether a certificate names such a CA as its issuer, also when what would connect the two is missing. Names alone
   * count: it is for that CA to say what is wrong with it, and not for an account.
   * @param der of the certificate
   * @param chain DER of what somebody has logged in with by such a CA, and of the CAs above it
   */
  isIssued(der: Uint8Array, chain: readonly Uint8Array[]): boolean {
    const certificate = SignedCertificate.open(der)
    if (isRefusal(certificate)) return false
    const { issuerName } = certificate
    const [own, ...above] = chain
    if (own !== undefined && Buffer.compare(own, der) === 0) return true
    const isNamed = (other: Uint8Array) => {
      const authority = SignedCertificate.open(other)
      return !isRefusal(authority) && authority.subjectName === issuerName
    }
    if (this.#seen.get(issuerName) === true || above.some(isNamed)) return true
    return this.#trusts.some(({ anchors }) => anchors.named(issuerName).length > 0)
  }

  /** What the CRLs that count say against a certificate that others have been enrolled with, see {@link judgeVoucher}. */
  revokedVoucher(chain: readonly Uint8Array[]): RevokedVoucher | undefined {
    const now = this.#now()
    for (const { anchors, revocation } of this.#trusts) {
      const revoked = revocation && judgeVoucher(chain, { anchors, lists: revocation.lists, now })
      if (revoked !== undefined) return revoked
    }
    return undefined
  }
}
