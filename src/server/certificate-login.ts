import type { CertificateFacts } from '../pki/certificate.ts'
import { readCertificate } from '../pki/certificate.ts'
import { checkClientCertificate, type TrustAnchors } from '../pki/chain.ts'
import type { Ledger } from '../store/ledger.ts'
import { type ExternalPolicy, externalMechanism } from '../xmpp/sasl/external.ts'
import type { SaslMechanism } from '../xmpp/sasl/mechanism.ts'
import type { Log } from './log.ts'
import type { LoginConnection } from './session.ts'
import type { PresentedCertificate } from './transport.ts'

/** What certificates are judged by. */
export interface CertificateLoginOptions {
  readonly anchors: TrustAnchors
  /** Knows what has been revoked. */
  readonly ledger: Pick<Ledger, 'findBySerial'>
  readonly policy: ExternalPolicy
  readonly now: () => Date
  /** Told of every login: with which certificate (serial number, as in the ledger) and when (milliseconds). */
  readonly onLogin?: (serial: string, at: number) => void
  readonly log: Log
}

/** A check that a certificate failed, in words for the operator. */
interface Objection {
  readonly check: string
  readonly reason: string
}

interface Reading {
  readonly facts: CertificateFacts | undefined
  readonly objection: Objection | undefined
}

function read(presented: PresentedCertificate): Reading {
  try {
    return { facts: readCertificate(presented.leaf.raw), objection: undefined }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { facts: undefined, objection: { check: 'malformed', reason } }
  }
}

/**
 * The PKI authentication method: decides whether a connection may use EXTERNAL.
 * Nothing is decided once and for all: the certificate is judged when the mechanism is offered, and
 * again, down to the signature of its issuer, when it is used.
 */
export class CertificateLogin {
  readonly #options: CertificateLoginOptions
  /** What was read and reported of a connection's certificate; gone with the connection. */
  readonly #readings = new WeakMap<PresentedCertificate, Reading>()

  constructor(options: CertificateLoginOptions) {
    this.#options = options
  }

  /** EXTERNAL, or nothing; the log says in one line why not. */
  mechanisms(domain: string, { certificate, remote }: LoginConnection): readonly SaslMechanism[] {
    if (certificate === undefined) {
      this.#options.log.debug({ remote }, 'EXTERNAL not offered: the client presented no certificate')
      return []
    }
    const first = !this.#readings.has(certificate)
    const { facts, objection } = this.#judge(certificate)
    if (facts === undefined || objection !== undefined) {
      if (first) this.#report(remote, facts, objection)
      return []
    }
    const refusal = () => this.#refusal(certificate)
    const accepted = () => this.#options.onLogin?.(facts.serial, this.#options.now().getTime())
    return [externalMechanism(facts, domain, this.#options.policy, refusal, accepted)]
  }

  /** Why the certificate may not be used now, in words for the log. */
  #refusal(certificate: PresentedCertificate): string | undefined {
    const objection =
      this.#judge(certificate).objection ??
      this.#options.anchors.check(certificate.leaf, this.#options.now(), certificate.intermediates)
    return objection && `${objection.check}: ${objection.reason}`
  }

  #judge(certificate: PresentedCertificate): Reading {
    const reading = this.#readings.get(certificate) ?? read(certificate)
    this.#readings.set(certificate, reading)
    const { facts } = reading
    if (facts === undefined) return reading
    return { facts, objection: this.#objection(certificate, facts) }
  }

  #objection(certificate: PresentedCertificate, facts: CertificateFacts): Objection | undefined {
    const refusal = checkClientCertificate(facts, { now: this.#options.now() })
    if (refusal !== undefined) return refusal
    if (certificate.distrust !== undefined) return { check: 'issuer', reason: certificate.distrust }
    // By the serial number alone: from an ECDSA signature anybody can make a second valid one, and with it a
    // certificate of another fingerprint. The random serial numbers of the ledger are not used by any other CA.
    const record = this.#options.ledger.findBySerial(facts.serial)
    if (record?.revokedAt === undefined) return undefined
    return { check: 'revocation', reason: `revoked on ${new Date(record.revokedAt).toISOString()}` }
  }

  #report(remote: string, facts: CertificateFacts | undefined, objection: Objection | undefined): void {
    const { subject, issuer, serial } = facts ?? {}
    this.#options.log.warn({ remote, ...objection, subject, issuer, serial }, 'EXTERNAL not offered')
  }
}
