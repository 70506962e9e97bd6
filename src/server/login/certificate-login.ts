import { Memo } from '../../memo.ts'
import { DEFAULT_MIN_RSA_BITS } from '../../pki/keys/key-strength.ts'
import type { CertificateFacts } from '../../pki/x509/certificate.ts'
import type { CertificateId } from '../../store/certificate-id.ts'
import type { LoginLedger } from '../../store/ledger.ts'
import type { CaCertificate } from '../../trust/ca-certificate.ts'
import type { Accepted, Verdict } from '../../trust/judgement.ts'
import { isRefusal, type Refusal, type RefusalName } from '../../trust/refusal.ts'
import { idsOf, type PathIds, type RevocationBook } from '../../trust/revocation.ts'
import { SignedCertificate } from '../../trust/signed-certificate.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import { accountCandidates, decideExternal, type ExternalPolicy, externalMechanism } from '../../xmpp/sasl/external.ts'
import type { SaslMechanism } from '../../xmpp/sasl/mechanism.ts'
import type { Log } from '../log.ts'
import type { ClientTrust } from '../net/client-trust.ts'
import type { PresentedCertificate } from '../net/transport.ts'
import type { LoginConnection } from '../stream/stream-host.ts'
import type { CertificateCredential } from './credential.ts'
import type { EnrolledLogin } from './enrolled-login.ts'
import { isAsked, judgeFor, NOT_ACCEPTED } from './listener-judgement.ts'
import { noLedger } from './no-ledger.ts'
import { TrustWarnings } from './trust-warnings.ts'

/** What certificates are judged by. */
export interface CertificateLoginOptions {
  /** What each listener accepts, by its name. */
  readonly trusts: ReadonlyMap<string, ClientTrust>
  /** Knows what has been revoked. */
  readonly ledger: RevocationBook & Pick<LoginLedger, 'absence'>
  readonly policy: ExternalPolicy
  /** Fewer bits of an RSA key are not accepted; default 2048. */
  readonly minRsaBits?: number
  /** Logins with what accounts have enrolled themselves (XEP-0257). */
  readonly enrolled?: EnrolledLogin
  readonly now: () => Date
  /** Told of every login: with which certificate and when (milliseconds). */
  readonly onLogin?: (certificate: CertificateId, at: number) => void
  /** Told of the CAs above a certificate that has been accepted. */
  readonly onPath?: (path: readonly CaCertificate[]) => void
  readonly log: Log
}

/** A certificate, and the path that was found for it by certain anchors: what may change is judged anew each time. */
interface Known {
  readonly certificate: SignedCertificate
  found?: { readonly by: ClientTrust; readonly minRsaBits: number; readonly accepted: Accepted } | undefined
}

/** The certificate of a connection; the path is its own, because another listener may find another one. */
interface Reading extends Known {
  readonly presented: PresentedCertificate
}

/** Certificates that are not read again when their clients come back; some 3 KB each. */
const MAX_KNOWN = 4_000

/** What a certificate of nobody is refused for; whoever has enrolled it vouches for it. */
const STRANGE: ReadonlySet<RefusalName> = new Set(['unknown-ca', 'bad-signature', 'weak-signature', 'not-a-ca'])

/**
 * The PKI authentication method: decides whether a connection may use EXTERNAL.
 * Nothing is decided once and for all: the certificate is judged when the mechanism is offered, again when it is used, and
 * for as long as its session lasts.
 */
export class CertificateLogin {
  #options: CertificateLoginOptions
  /** The rules as they are when they are used: an offer may be older than they are. */
  readonly #policy: ExternalPolicy
  /** The last seconds of all CAs that any listener accepts. */
  #anchorEnds: readonly Date[] = []
  /** By all of their octets: clients come back, after every loss of the network all at once. */
  readonly #known = new Memo<Known>(MAX_KNOWN)
  readonly #warnings: TrustWarnings

  constructor(options: CertificateLoginOptions) {
    this.#options = options
    this.#warnings = new TrustWarnings(options.log)
    const rules = () => this.#options.policy
    this.#policy = {
      get sources() {
        return rules().sources
      },
      get commonName() {
        return rules().commonName
      },
      get hosts() {
        return rules().hosts ?? []
      },
    }
    this.update(options)
  }

  /** EXTERNAL, or nothing; the log says in one line why not. */
  mechanisms(domain: string, connection: LoginConnection): readonly SaslMechanism[] {
    const { certificate: presented, remote } = connection
    if (presented === undefined) {
      this.#options.log.debug({ remote }, 'EXTERNAL not offered: the client presented no certificate')
      return []
    }
    if ('tooLarge' in presented) {
      this.#report(remote, { check: 'too-large', reason: presented.tooLarge })
      return []
    }
    const known = this.#known.get(octetsOf(presented.leaf))
    const certificate = known?.certificate ?? SignedCertificate.open(presented.leaf)
    if (isRefusal(certificate)) {
      this.#report(remote, certificate)
      return []
    }
    return this.#offer(domain, connection, { certificate, presented, found: known?.found })
  }

  /** Somebody has logged in with a certificate. */
  loggedIn(certificate: CertificateCredential): void {
    const [id] = certificate.ids()
    if (id !== undefined) this.#options.onLogin?.(id, this.#options.now().getTime())
  }

  /** Takes up other CAs and rules; they hold for clients that are connected, too. */
  update(options: CertificateLoginOptions): void {
    this.#options = options
    const { trusts } = options
    this.#anchorEnds = [...trusts.values()].filter(isAsked).flatMap(({ anchors }) => anchors.ends)
    this.#warn()
  }

  get #minRsaBits(): number {
    return this.#options.minRsaBits ?? DEFAULT_MIN_RSA_BITS
  }

  #warn(): void {
    const { policy, trusts, now } = this.#options
    this.#warnings.announce(policy, trusts, now())
  }

  #offer(domain: string, { remote, listener }: LoginConnection, reading: Reading): readonly SaslMechanism[] {
    const { certificate } = reading
    const verdict = this.#judge(reading, listener, domain)
    // Only what no CA vouches for: the names that a CA has confirmed are worth more than whoever enrolled them.
    const isStrange = isRefusal(verdict) && STRANGE.has(verdict.check)
    const context = { domain, objection: () => this.#closed(listener) }
    const enrolled = isStrange ? this.#options.enrolled?.judge(certificate, context) : undefined
    if (enrolled !== undefined && 'mechanism' in enrolled) return [enrolled.mechanism]
    const refusal = enrolled?.objection ?? (isRefusal(verdict) ? verdict : undefined)
    if (refusal !== undefined) {
      this.#report(remote, refusal, certificate)
      return []
    }
    const against = (account: Jid | undefined) => {
      const now = this.#judge(reading, listener, domain, account)
      return isRefusal(now) ? `${now.check}: ${now.reason}` : undefined
    }
    const credentialOf = (account: Jid) => this.#credential(reading, listener, account)
    return [externalMechanism(certificate.facts, domain, this.#policy, against, credentialOf)]
  }

  /** What the session remembers of its login. */
  #credential(reading: Reading, listener: string, account: Jid): CertificateCredential {
    const { certificate } = reading
    const { serial, issuer, fingerprint, notAfter } = certificate.facts
    const pathOf = () => reading.found?.accepted.path ?? []
    return {
      mechanism: 'EXTERNAL',
      serial,
      ids: () => revocable(reading),
      chain: () => [certificate.der, ...pathOf().map((authority) => authority.certificate.der)],
      issuer,
      fingerprint,
      ends: () => [notAfter, ...pathOf().map(({ facts }) => facts.notAfter), ...this.#anchorEnds],
      judge: () => {
        const verdict = this.#judge(reading, listener, account.domain, account)
        return isRefusal(verdict) ? verdict : this.#misnomer(certificate.facts, account)
      },
    }
  }

  /** Whether the names of the certificate stand for another account by now, or for none. */
  #misnomer(names: CertificateFacts, account: Jid): Refusal | undefined {
    const { policy } = this.#options
    const decision = decideExternal({ names, domain: account.domain, authzid: account.toString(), policy })
    if (decision.kind === 'failure') return { check: 'wrong-name', reason: decision.reason }
    return decision.account.equals(account) ? undefined : { check: 'wrong-name', reason: 'it is for another account' }
  }

  /** All checks, as things are now. Whoever came by a listener that is gone since stays as long as another lets it in. */
  #judge(reading: Reading, listener: string, domain: string, account?: Jid): Verdict {
    const { trusts, ledger } = this.#options
    const absent = noLedger(ledger)
    if (absent !== undefined) return absent
    const own = trusts.get(listener)
    let refusal = NOT_ACCEPTED
    for (const [name, trust] of own === undefined ? trusts : [[listener, own] as const]) {
      const verdict = this.#judgeBy(trust, reading, domain, account)
      if (!isRefusal(verdict)) {
        this.#accepted(reading, trust, verdict, name)
        return verdict
      }
      if (isAsked(trust)) refusal = verdict
    }
    // A list that has gone stale since keeps everybody of its CA out.
    if (refusal.check === 'crl-unknown') this.#warn()
    return refusal
  }

  #judgeBy(trust: ClientTrust, { certificate, presented, found }: Reading, domain: string, account?: Jid): Verdict {
    const { ledger, policy, now } = this.#options
    const minRsaBits = this.#minRsaBits
    return judgeFor(trust, certificate, {
      rules: { book: ledger, minRsaBits },
      occasion: {
        now: now(),
        sent: presented.sent,
        // With auth_id it may be one that the names do not tell of.
        accounts: (names) => [...(account ? [account] : []), ...accountCandidates(names, domain, policy)],
        known: found?.by === trust && found.minRsaBits === minRsaBits ? found.accepted : undefined,
      },
    })
  }

  #accepted(reading: Reading, trust: ClientTrust, accepted: Accepted, listener: string): void {
    const { certificate } = reading
    const isNew = reading.found?.accepted.path !== accepted.path
    reading.found = { by: trust, minRsaBits: this.#minRsaBits, accepted }
    if (isNew) {
      // A path over what this client has sent along is not there for one that sends nothing.
      const isLasting = accepted.path.every((authority) => trust.anchors.has(authority))
      // Strangers do not get theirs remembered.
      this.#known.keep(octetsOf(certificate.der), { certificate, found: isLasting ? reading.found : undefined })
      this.#options.onPath?.(accepted.path)
    }
    if (trust.revocation === undefined) return
    for (const gap of accepted.gaps) this.#warnings.ofGap(gap, trust.revocation, listener)
  }

  /** What speaks against any certificate on this listener: it does not ask for them any more, or nobody does. */
  #closed(listener: string): Refusal | undefined {
    const { trusts, ledger } = this.#options
    const own = trusts.get(listener)
    return (own === undefined ? [...trusts.values()] : [own]).some(isAsked) ? noLedger(ledger) : NOT_ACCEPTED
  }

  #report(remote: string, refusal: Refusal, certificate?: SignedCertificate): void {
    this.#options.log.warn({ remote, ...refusal, ...certificate?.label }, 'EXTERNAL not offered')
  }
}

function revocable({ certificate, found }: Reading): PathIds {
  return found?.accepted.ids ?? idsOf(certificate, [])
}

function octetsOf(der: Uint8Array): string {
  return Buffer.from(der.buffer, der.byteOffset, der.length).toString('latin1')
}
