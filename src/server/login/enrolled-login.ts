import type { CertificateFacts } from '../../pki/x509/certificate.ts'
import type { Enrolment } from '../../store/enrolments.ts'
import type { LoginLedger } from '../../store/ledger.ts'
import { judgeAlone } from '../../trust/judgement.ts'
import type { Refusal } from '../../trust/refusal.ts'
import type { SignedCertificate } from '../../trust/signed-certificate.ts'
import type { RevokedVoucher } from '../../trust/voucher.ts'
import { tryParseJid } from '../../xmpp/address/jid.ts'
import { externalMechanism } from '../../xmpp/sasl/external.ts'
import type { SaslMechanism } from '../../xmpp/sasl/mechanism.ts'
import type { CertificateCredential } from './credential.ts'

/**
 * The one reason (RFC 5280 §5.3.1) that says nothing against its holder: there is a newer certificate. Even
 * `cessationOfOperation` does, which is what people who have left are revoked for.
 */
const HARMLESS = 'superseded'

export interface EnrolledLoginOptions {
  /** Undefined while enrolled certificates are not accepted; asked at every use. */
  readonly ledger: () => Pick<LoginLedger, 'find' | 'listBySerial' | 'enrolments'> | undefined
  /** Whether a CA's list names what an enrolment goes back to: DER of the certificate and of the CAs above it. */
  readonly revokedVoucher: (chain: readonly Uint8Array[]) => RevokedVoucher | undefined
  /** Bits that an RSA key must have. */
  readonly minRsaBits: () => number
  readonly now: () => Date
}

/** The part of an enrolment that decides. */
type Standing = Pick<Enrolment, 'account' | 'vouchedBy' | 'voucher'>

/** Where the login takes place. */
export interface EnrolledLoginContext {
  /** The domain of the stream. */
  readonly domain: string
  /** What speaks against any certificate here by now. */
  readonly objection: () => Refusal | undefined
}

/** What an enrolled certificate may do on a connection, or why nothing. */
export type EnrolledVerdict = { readonly mechanism: SaslMechanism } | { readonly objection: Refusal }

/** The account alone, or with the resources that the certificate ties it to (XEP-0257 §4). */
function addressesFor({ account }: Enrolment, { xmppAddrs }: CertificateFacts): string[] {
  const bare = tryParseJid(account)
  const own = xmppAddrs.filter((address) => bare !== undefined && tryParseJid(address)?.bare().equals(bare))
  return own.length === 0 ? [account] : own
}

function credentialOf(
  { serial, issuer, fingerprint, notAfter }: CertificateFacts,
  { account, mayManage, vouchedBy, voucher }: Enrolment,
  against: (standing: Standing) => Refusal | undefined,
): CertificateCredential {
  const enrolment = {
    account,
    mayManage,
    ...(vouchedBy === undefined ? {} : { vouchedBy }),
    ...(voucher === undefined ? {} : { voucher }),
  }
  // One that has been disabled since logs nobody in any more, but whoever is logged in stays (XEP-0257 §2.3, §2.4).
  const [ids, ends] = [() => [], () => [notAfter]]
  return {
    mechanism: 'EXTERNAL',
    serial,
    ids,
    issuer,
    fingerprint,
    ends,
    enrolment,
    judge: () => against(enrolment),
  }
}

/**
 * Logins with certificates that accounts have enrolled (XEP-0257 §4). No CA vouches for them: it has to be exactly the
 * one that was enrolled, so the SHA-256 of all of it is compared, and it opens only the account that enrolled it.
 */
export class EnrolledLogin {
  readonly #options: EnrolledLoginOptions

  constructor(options: EnrolledLoginOptions) {
    this.#options = options
  }

  /** The verdict on a certificate that no CA vouches for; undefined when nobody has enrolled it. */
  judge(certificate: SignedCertificate, context: EnrolledLoginContext): EnrolledVerdict | undefined {
    const enrolment = this.#find(certificate)
    if (enrolment === undefined) return undefined
    const against = (standing: Standing) => context.objection() ?? this.#objection(certificate, standing)
    const objection = against(enrolment)
    if (objection !== undefined) return { objection }
    const refusal = () => {
      const found = this.#find(certificate)
      if (found?.account !== enrolment.account) return 'not-enrolled: the certificate is not enrolled any more'
      const reason = against(found)
      return reason && `${reason.check}: ${reason.reason}`
    }
    const { facts } = certificate
    const credential = () => credentialOf(facts, this.#find(certificate) ?? enrolment, against)
    const names = { ...facts, xmppAddrs: addressesFor(enrolment, facts), commonNames: [] }
    const policy = { sources: ['xmpp_addr' as const], commonName: { prefix: '', suffix: '' } }
    return { mechanism: externalMechanism(names, context.domain, policy, refusal, credential) }
  }

  #find({ fingerprint }: SignedCertificate): Enrolment | undefined {
    return this.#options.ledger()?.enrolments.find(fingerprint)
  }

  #objection(certificate: SignedCertificate, standing: Standing): Refusal | undefined {
    const { account } = standing
    const { now, minRsaBits } = this.#options
    const ledger = this.#options.ledger()
    if (ledger === undefined)
      return { check: 'not-accepted', reason: 'enrolled certificates are not accepted any more' }
    const refusal = judgeAlone(certificate, { purpose: 'clientAuth', minRsaBits: minRsaBits() }, now())
    if (refusal !== undefined) return refusal
    if (ledger.enrolments.isRevoked(account, certificate.fingerprint)) {
      return { check: 'revoked', reason: `revoked by ${account}` }
    }
    // It is exactly this certificate, whoever has issued it.
    const issued = ledger.listBySerial(certificate.serial)
    if (
      issued.some(({ fingerprint, revokedAt }) => revokedAt !== undefined && fingerprint === certificate.fingerprint)
    ) {
      return { check: 'revoked', reason: 'revoked in the ledger' }
    }
    return this.#voucherRefusal(ledger, standing)
  }

  /** Whoever had stolen a certificate could have enrolled another one with it, to stay when it is revoked. */
  #voucherRefusal(ledger: Pick<LoginLedger, 'find'>, { vouchedBy, voucher = [] }: Standing): Refusal | undefined {
    const booked = vouchedBy && ledger.find(vouchedBy)
    const isBooked = booked?.revokedAt !== undefined && booked.revocationReason !== HARMLESS
    const listed = this.#options.revokedVoucher(voucher.map((der) => Buffer.from(der, 'base64')))
    const isListed = listed !== undefined && !(listed.isLeaf && listed.reason === HARMLESS)
    if (!isBooked && !isListed) return undefined
    return {
      check: 'revoked',
      reason: `enrolled with the certificate ${vouchedBy?.serial}, which has been revoked since`,
    }
  }
}
