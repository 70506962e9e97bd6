import { X509Certificate } from 'node:crypto'
import { Memo } from '../memo.ts'
import { type CertificateFacts, readCertificate } from '../pki/certificate.ts'
import type { CertificateId } from '../store/certificate-id.ts'
import type { LoginLedger } from '../store/ledger.ts'
import {
  type CertificationPath,
  checkClientCertificate,
  checkPathDates,
  isSelfSigned,
  type Refusal,
  type TrustAnchors,
} from '../trust/chain.ts'
import type { ListedCertificate } from '../trust/list-coverage.ts'
import type { RevocationGap } from '../trust/revocation-lists.ts'
import type { Jid } from '../xmpp/jid.ts'
import { decideExternal, type ExternalPolicy, externalMechanism } from '../xmpp/sasl/external.ts'
import type { SaslMechanism } from '../xmpp/sasl/mechanism.ts'
import type { ClientTrust, RevocationRules } from './client-trust.ts'
import type { EnrolledLogin } from './enrolled-login.ts'
import type { Log } from './log.ts'
import type { LoginProof, Objection } from './session-guard.ts'
import type { LoginConnection } from './session-host.ts'
import type { PresentedCertificate } from './transport.ts'

/** What certificates are judged by. */
export interface CertificateLoginOptions {
  /** What each listener accepts, by its name. */
  readonly trusts: ReadonlyMap<string, ClientTrust>
  /** Knows what has been revoked. */
  readonly ledger: Pick<LoginLedger, 'revokedAt'>
  readonly policy: ExternalPolicy
  /** Logins with what accounts have enrolled themselves (XEP-0257). */
  readonly enrolled?: EnrolledLogin
  readonly now: () => Date
  /** Told of every login: with which certificate and when (milliseconds). */
  readonly onLogin?: (certificate: CertificateId, at: number) => void
  readonly log: Log
}

/** What has been found out about the certificate of a connection that does not change. */
interface Reading {
  readonly presented: PresentedCertificate
  readonly facts: CertificateFacts
  /** Signatures are looked at once, for as long as the anchors are the same. */
  path?: { readonly anchors: TrustAnchors; readonly found: CertificationPath }
  selfSigned?: boolean
}

/** Warnings that are remembered so that they are not repeated at every login. */
const MAX_WARNED = 1_000

/** Certificates that are not read again when their clients come back; some 2 KB each. */
const MAX_KNOWN = 4_000

const NOT_ACCEPTED: Objection = { check: 'issuer', reason: 'certificates are not accepted any more' }

function revocation(what: string, at: number): Objection {
  return { check: 'revocation', reason: `${what} on ${new Date(at).toISOString()}` }
}

/**
 * The PKI authentication method: decides whether a connection may use EXTERNAL. The certificate is judged when the
 * mechanism is offered, again when it is used, and for as long as its session lasts; signatures when there are new anchors.
 */
export class CertificateLogin {
  #options: CertificateLoginOptions
  /** The rules as they are when they are used: an offer may be older than they are. */
  readonly #policy: ExternalPolicy
  /** The last seconds of all CAs that any listener accepts. */
  #anchorEnds: readonly Date[] = []
  /** By all of their octets: clients come back, after every loss of the network all at once. */
  readonly #known = new Memo<CertificateFacts>(MAX_KNOWN)
  readonly #warned = new Set<string>()

  constructor(options: CertificateLoginOptions) {
    this.#options = options
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
  mechanisms(domain: string, { certificate, remote, listener, accept }: LoginConnection): readonly SaslMechanism[] {
    if (certificate === undefined) {
      this.#options.log.debug({ remote }, 'EXTERNAL not offered: the client presented no certificate')
      return []
    }
    const reading =
      'tooLarge' in certificate ? { check: 'too-large', reason: certificate.tooLarge } : this.#read(certificate)
    if ('check' in reading) {
      this.#report(remote, undefined, reading)
      return []
    }
    const { facts } = reading
    const against = this.#judge(reading, listener)
    // Only what no CA vouches for: the names that a CA has confirmed are worth more than whoever enrolled them.
    const id = this.#idsOf(reading).find(({ serial }) => serial === facts.serial)
    const context = { domain, id, accept, objection: () => this.#closed(listener) }
    const enrolled = certificate.distrust === undefined ? undefined : this.#options.enrolled?.judge(facts, context)
    if (enrolled !== undefined && 'mechanism' in enrolled) return [enrolled.mechanism]
    const objection = enrolled?.objection ?? against
    if (objection !== undefined) {
      this.#report(remote, facts, objection)
      return []
    }
    const refusal = () => {
      const against = this.#judge(reading, listener)
      return against && `${against.check}: ${against.reason}`
    }
    const accepted = (account: Jid) => {
      accept(this.#proof(reading, listener, account))
      if (id !== undefined) this.#options.onLogin?.(id, this.#options.now().getTime())
    }
    return [externalMechanism(facts, domain, this.#policy, refusal, accepted)]
  }

  /** Whether one of our CAs has issued this certificate (DER), so that it is accepted without being enrolled. */
  isIssued(der: Uint8Array): boolean {
    const now = this.#options.now()
    return this.#accepting().some(({ anchors }) => anchors.check(der, now) === undefined)
  }

  /** Takes up other CAs and rules; they hold for clients that are connected, too. */
  update(options: CertificateLoginOptions): void {
    this.#options = options
    this.#anchorEnds = this.#accepting().flatMap(({ anchors }) => anchors.ends)
    this.#announce()
  }

  #read(presented: PresentedCertificate): Reading | Objection {
    try {
      const octets = Buffer.from(presented.leaf).toString('latin1')
      return { presented, facts: this.#known.get(octets) ?? this.#known.keep(octets, readCertificate(presented.leaf)) }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      return { check: 'malformed', reason }
    }
  }

  /** What the session remembers of its login. */
  #proof(reading: Reading, listener: string, account: Jid): LoginProof {
    const { presented, facts } = reading
    const { serial, issuer, fingerprint, notAfter } = facts
    const above = presented
      .sent()
      .map((der) => new X509Certificate(der))
      .map(({ validTo }) => new Date(validTo))
    return {
      serial,
      ids: this.#idsOf(reading),
      issuer,
      fingerprint,
      ends: [notAfter, ...above, ...this.#anchorEnds],
      judge: () => this.#judge(reading, listener) ?? this.#misnomer(facts, account),
    }
  }

  /** Whether the names of the certificate stand for another account by now, or for none. */
  #misnomer(names: CertificateFacts, account: Jid): Objection | undefined {
    const { policy } = this.#options
    const decision = decideExternal({ names, domain: account.domain, authzid: account.toString(), policy })
    if (decision.kind === 'failure') return { check: 'name', reason: decision.reason }
    return decision.account.equals(account) ? undefined : { check: 'name', reason: 'it is for another account' }
  }

  /** All checks, as things are now: what the certificate says of itself, the ledger, and what the listener accepts. */
  #judge(reading: Reading, listener: string): Objection | undefined {
    return (
      checkClientCertificate(reading.facts, { now: this.#options.now() }) ??
      this.#revocation(reading) ??
      this.#distrust(reading, listener)
    )
  }

  #revocation(reading: Reading): Objection | undefined {
    // Not by the fingerprint: from an ECDSA signature anybody can make a second valid one, and with it a certificate of
    // another fingerprint. A path may lead through an issuing CA that was revoked while the root above it is trusted.
    for (const id of this.#idsOf(reading)) {
      const revokedAt = this.#options.ledger.revokedAt(id)
      const what = id.serial === reading.facts.serial ? 'revoked' : `its CA ${id.serial} was revoked`
      if (revokedAt !== undefined) return revocation(what, revokedAt)
    }
    return undefined
  }

  #idsOf({ presented }: Reading): CertificateId[] {
    return presentedIds(presented, ...this.#accepting().map(({ anchors }) => anchors.authorities))
  }

  /** What speaks against any certificate on this listener: it does not ask for them any more, or nobody does. */
  #closed(listener: string): Objection | undefined {
    const own = this.#options.trusts.get(listener)
    const isOpen = own === undefined ? this.#accepting().length > 0 : own.verifyMode !== 'none'
    return isOpen ? undefined : NOT_ACCEPTED
  }

  /** What every listener accepts that asks for certificates. */
  #accepting = (): ClientTrust[] => [...this.#options.trusts.values()].filter(({ verifyMode }) => verifyMode !== 'none')

  /** Whoever came by a listener that is gone since stays as long as one of the others would let it in. */
  #distrust(reading: Reading, listener: string): Objection | undefined {
    const own = this.#options.trusts.get(listener)
    let objection = NOT_ACCEPTED
    for (const trust of own === undefined ? this.#accepting() : [own]) {
      const against = this.#distrustBy(trust, reading, listener)
      if (against === undefined) return undefined
      objection = against
    }
    return objection
  }

  #distrustBy(trust: ClientTrust, reading: Reading, listener: string): Objection | undefined {
    if (trust.verifyMode === 'none') return NOT_ACCEPTED
    if (trust.verifyMode === 'selfsigned_peer') {
      reading.selfSigned ??= isSelfSigned(new X509Certificate(reading.presented.leaf))
      if (reading.selfSigned) return undefined
    }
    const path = this.#pathOf(reading, trust.anchors)
    if ('check' in path) return path
    return trust.revocation && this.#listed(trust.revocation, reading, path, listener)
  }

  #pathOf(reading: Reading, anchors: TrustAnchors): CertificationPath | Refusal {
    const now = this.#options.now()
    const known = reading.path?.anchors === anchors ? reading.path.found : undefined
    if (known !== undefined && checkPathDates(known, now) === undefined) return known
    const { leaf, sent } = reading.presented
    const found = anchors.pathOf(leaf, now, sent())
    if (!('check' in found)) reading.path = { anchors, found }
    return found
  }

  /** What the CRLs say about each certificate of the path; where they say nothing, the mode decides. */
  #listed(rules: RevocationRules, { presented, facts }: Reading, path: CertificationPath, listener: string) {
    const gaps: RevocationGap[] = []
    let issued: ListedCertificate = { facts, certificate: presented.leaf }
    for (const issuer of path) {
      const answer = rules.lists.statusOf(issued, issuer, this.#options.now())
      if (answer.kind === 'revoked') {
        const { serial } = issued.facts
        return revocation(issuer === path[0] ? 'revoked' : `its CA ${serial} was revoked`, answer.revokedAt.getTime())
      }
      if (answer.kind === 'unknown') gaps.push({ issuer: issuer.facts.subject, reason: answer.reason })
      issued = issuer
    }
    const [gap] = gaps
    for (const one of gaps) this.#warnOfGap(one, rules, listener)
    if (rules.mode === 'soft' || gap === undefined) return undefined
    return { check: 'revocation', reason: `of its CA ${gap.issuer} it is not known what is revoked: ${gap.reason}` }
  }

  #warnOfGap({ issuer, reason }: RevocationGap, { mode }: RevocationRules, listener: string): void {
    const effect = mode === 'hard' ? 'nobody logs in with its certificates' : 'revoked certificates log in'
    this.#warnOnce({ listener, issuer, reason, mode, effect }, 'it is not known what a CA has revoked')
  }

  #warnOnce(facts: object, message: string): void {
    const key = JSON.stringify([facts, message])
    if (this.#warned.has(key)) return
    if (this.#warned.size >= MAX_WARNED) this.#warned.clear()
    this.#warned.add(key)
    this.#options.log.warn(facts, message)
  }

  /** One line of warning for everything in the rules that lets in more than it seems. */
  #announce(): void {
    const { policy, trusts, now } = this.#options
    if (policy.sources.includes('auth_id')) {
      this.#warnOnce({}, 'sasl_external has auth_id: who has any accepted certificate can log in as every user')
    }
    for (const [listener, { verifyMode, anchors, revocation: rules }] of trusts) {
      if (verifyMode === 'none') continue
      const open = 'verify_mode is selfsigned_peer: everybody can log in as every user'
      if (verifyMode === 'selfsigned_peer') this.#warnOnce({ listener }, open)
      for (const anchor of rules === undefined ? [] : anchors.authorities) {
        const gap = rules?.lists.gapOf(anchor, now())
        if (gap !== undefined && rules !== undefined) this.#warnOfGap(gap, rules, listener)
      }
    }
  }

  #report(remote: string, facts: CertificateFacts | undefined, objection: Objection | undefined): void {
    const { subject, issuer, serial } = facts ?? {}
    this.#options.log.warn({ remote, ...objection, subject, issuer, serial }, 'EXTERNAL not offered')
  }
}
