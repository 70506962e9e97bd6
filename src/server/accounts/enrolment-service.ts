import { setTimeout as pause } from 'node:timers/promises'
import { XmppkiError } from '../../errors.ts'
import type { AuditEvent, AuditKind } from '../../store/audit.ts'
import type { Enrolment, EnrolmentConflict } from '../../store/enrolments.ts'
import type { LedgerChanges, LoginLedger } from '../../store/ledger.ts'
import { judgeForEnrolment } from '../../trust/enrolled-certificate.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import type { StanzaError } from '../../xmpp/stanza.ts'
import type { Log } from '../log.ts'
import type { CertificateCredential } from '../login/credential.ts'

/** Certificates that an account may have at a time. */
const MAX_CERTIFICATES = 16

/** Changes of one account in an hour: each is an entry in the audit log, which only ever grows. */
const CHANGES_PER_HOUR = 60
const HOUR_MS = 3_600_000

/** How often a change is tried while another process writes, and how long between. */
const ATTEMPTS = 20
const PAUSE_MS = 100

/** What enrolments are written with. */
export interface EnrolmentOptions {
  readonly ledger: Pick<LoginLedger, 'tryTransaction' | 'enrolments' | 'find' | 'listBySerial' | 'absence'>
  /** Who the audit log says did it, on behalf of the account. */
  readonly actor: AuditEvent['actor']
  /** Nothing is enrolled, and nobody logs in with what was before: it only ends with its account. */
  readonly isClosed?: boolean
}

export interface EnrolmentServiceOptions {
  /** Undefined where no account ever could enrol certificates; asked at every use. */
  readonly means: () => EnrolmentOptions | undefined
  /**
   * Whether a certificate (DER) comes from a CA whose certificates are accepted as they are.
   * @param chain DER of what whoever asks has logged in with, and of the CAs above it
   */
  readonly isIssued: (der: Uint8Array, chain: readonly Uint8Array[]) => boolean
  readonly now: () => Date
  readonly log: Log
}

/** Whoever asks: a session that has logged in. */
export interface Applicant {
  /** Bare JID. */
  readonly account: Jid
  /** Undefined for a login with the password. */
  readonly proof: CertificateCredential | undefined
}

/** A certificate that is to be enrolled. */
export interface Application {
  readonly label: string
  readonly der: Uint8Array
  readonly mayManage: boolean
}

type Change = (changes: LedgerChanges, at: number) => StanzaError | undefined

const CONFLICTS: Readonly<Record<EnrolmentConflict, StanzaError>> = {
  label: { condition: 'conflict', text: 'the name is in use for another certificate' },
  certificate: { condition: 'conflict', text: 'the certificate is enrolled already' },
  revoked: { condition: 'not-acceptable', text: 'the certificate has been revoked' },
}

const FORBIDDEN: StanzaError = { condition: 'forbidden', text: 'this client may not manage certificates' }

/** Enrols certificates for accounts and ends enrolments: what may be, in one transaction with its audit entry. */
export class EnrolmentService {
  readonly #options: EnrolmentServiceOptions
  readonly #pauseMs: number
  /** What the accounts that were active in the current hour have changed in it. */
  #spent = new Map<string, number>()
  #hour = 0

  constructor(options: EnrolmentServiceOptions, pauseMs = PAUSE_MS) {
    this.#options = options
    this.#pauseMs = pauseMs
  }

  /** Whether accounts may enrol certificates now; if not, nothing else here may be used. */
  get isOpen(): boolean {
    return isOpen(this.#options.means())
  }

  list(account: Jid): Enrolment[] {
    const now = this.#options.now().getTime()
    return this.#means.ledger.enrolments.list(account.toString()).filter((enrolment) => !hasExpired(enrolment, now))
  }

  /** @returns why it was not enrolled */
  async append(applicant: Applicant, { label, der, mayManage }: Application): Promise<StanzaError | undefined> {
    const { isIssued, now } = this.#options
    const { ledger } = this.#means
    const verdict = judgeForEnrolment(der, applicant.account, now())
    if ('reason' in verdict) return { condition: 'not-acceptable', text: `the certificate ${verdict.reason}` }
    const { facts } = verdict
    // Those are revoked by whoever runs the CA, and not by the account.
    const issued = ledger.listBySerial(facts.serial).some(({ fingerprint }) => fingerprint === facts.fingerprint)
    if (issued || isIssued(der, applicant.proof?.chain?.() ?? [])) {
      return {
        condition: 'not-acceptable',
        text: 'the certificate comes from a CA of this server and is accepted anyway',
      }
    }
    const voucher = voucherOf(applicant.proof)
    const account = applicant.account.toString()
    return this.#change(applicant, (changes, at) => {
      this.#forgetExpired(account, changes, at)
      if (ledger.enrolments.list(account).length >= MAX_CERTIFICATES) {
        return { condition: 'not-allowed', text: `an account may have ${MAX_CERTIFICATES} certificates` }
      }
      const enrolment: Enrolment = {
        account,
        label,
        fingerprint: facts.fingerprint,
        certificate: Buffer.from(der).toString('base64'),
        mayManage,
        enrolledAt: at,
        notAfter: facts.notAfter.getTime(),
        ...voucher,
      }
      const conflict = changes.enrol(enrolment)
      if (conflict !== undefined) return CONFLICTS[conflict]
      this.#audit(changes, at, 'enrolled', enrolment)
      return undefined
    })
  }

  /** `revoke` is for good, and ends the sessions that have logged in with it. @returns why nothing was ended */
  async end(applicant: Applicant, label: string, how: 'disable' | 'revoke'): Promise<StanzaError | undefined> {
    const account = applicant.account.toString()
    return this.#change(applicant, (changes, at) => {
      const ended =
        how === 'disable' ? changes.disableEnrolment(account, label) : changes.revokeEnrolment(account, label, at)
      if (ended === undefined) return { condition: 'item-not-found' }
      this.#audit(changes, at, how === 'disable' ? 'enrolment-disabled' : 'enrolment-revoked', ended)
      return undefined
    })
  }

  /** For an account that is about to be removed: whoever gets its name later must not find them. @returns why not */
  async endAll(account: Jid): Promise<StanzaError | undefined> {
    if (this.#options.means() === undefined || this.#means.ledger.enrolments.list(account.toString()).length === 0)
      return undefined
    return this.#change({ account, proof: undefined }, (changes, at) => {
      for (const { label } of this.#means.ledger.enrolments.list(account.toString())) {
        const ended = changes.revokeEnrolment(account.toString(), label, at)
        if (ended !== undefined) this.#audit(changes, at, 'enrolment-revoked', ended)
      }
      return undefined
    })
  }

  get #means(): EnrolmentOptions {
    const means = this.#options.means()
    if (means === undefined) throw new Error('enrolment is turned off')
    return means
  }

  #forgetExpired(account: string, changes: LedgerChanges, at: number): void {
    for (const enrolment of this.#means.ledger.enrolments.list(account)) {
      if (!hasExpired(enrolment, at)) continue
      changes.disableEnrolment(account, enrolment.label)
      this.#audit(changes, at, 'enrolment-disabled', enrolment)
    }
  }

  #audit(changes: LedgerChanges, at: number, event: AuditKind, { account, label, fingerprint }: Enrolment): void {
    const { actor } = this.#means
    changes.audit({ at, event, ...(actor && { actor }), name: account, details: { label, fingerprint } })
  }

  async #change({ account, proof }: Applicant, work: Change): Promise<StanzaError | undefined> {
    if (!this.#mayChange(account)) return { condition: 'resource-constraint', text: 'too many changes in this hour' }
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if (attempt > 1) await pause(this.#pauseMs)
      const outcome = this.#attempt(account, proof, work)
      if (outcome !== 'busy') return outcome
    }
    this.#options.log.warn({ account: account.toString() }, 'an enrolment was not written: the ledger is in use')
    return { condition: 'resource-constraint', text: 'the server is busy' }
  }

  #attempt(account: Jid, proof: Applicant['proof'], work: Change): StanzaError | undefined | 'busy' {
    // Anew at every attempt: the certificate that it is done with may have been revoked meanwhile.
    if (proof?.enrolment?.mayManage === false || proof?.judge() !== undefined) return FORBIDDEN
    const at = this.#options.now().getTime()
    try {
      this.#means.ledger.tryTransaction((_insert, changes) => {
        const error = work(changes, at)
        if (error !== undefined) throw new Refused(error)
      })
    } catch (error) {
      if (error instanceof Refused) return error.stanzaError
      if (error instanceof XmppkiError && error.code === 'IO') return 'busy'
      throw error
    }
    this.#spend(account)
    return undefined
  }

  #mayChange(account: Jid): boolean {
    const hour = Math.floor(this.#options.now().getTime() / HOUR_MS)
    if (hour !== this.#hour) this.#spent = new Map()
    this.#hour = hour
    return (this.#spent.get(account.toString()) ?? 0) < CHANGES_PER_HOUR
  }

  #spend(account: Jid): void {
    const name = account.toString()
    this.#spent.set(name, (this.#spent.get(name) ?? 0) + 1)
  }
}

/** The certificate of a CA that a session goes back to, maybe over others that were enrolled. */
function voucherOf(proof: CertificateCredential | undefined): Pick<Enrolment, 'vouchedBy' | 'voucher'> {
  const { vouchedBy, voucher } = proof?.enrolment ?? {
    vouchedBy: proof?.ids()[0],
    voucher: proof?.chain?.().map((der) => Buffer.from(der).toString('base64')),
  }
  return { ...(vouchedBy === undefined ? {} : { vouchedBy }), ...(voucher === undefined ? {} : { voucher }) }
}

/** Whether accounts may enrol certificates and log in with them. */
export function isOpen(means: EnrolmentOptions | undefined): means is EnrolmentOptions {
  return means !== undefined && means.isClosed !== true && means.ledger.absence?.() === undefined
}

/** Takes a refusal out of a transaction, which it undoes. */
class Refused extends Error {
  readonly stanzaError: StanzaError

  constructor(error: StanzaError) {
    super(error.condition)
    this.stanzaError = error
  }
}

/** RFC 5280 §4.1.2.5: notAfter is inclusive, and a second lasts until the next one begins. */
function hasExpired({ notAfter }: Enrolment, now: number): boolean {
  return now >= notAfter + 1_000
}
