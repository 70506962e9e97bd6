import { XmppkiError } from '../../errors.ts'
import type { AuditEvent } from '../../store/audit.ts'
import {
  type Enrolment,
  type EnrolmentChange,
  type EnrolmentRefusal,
  type EnrolmentStore,
  hasExpired,
} from '../../store/enrolments.ts'
import type { LoginLedger } from '../../store/ledger.ts'
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

/** What enrolments are read and written with. */
export interface EnrolmentOptions {
  readonly ledger: Pick<LoginLedger, 'enrolments' | 'find' | 'listBySerial' | 'absence'>
  readonly store: EnrolmentStore
  /** Who the audit log says did it, on behalf of the account. */
  readonly actor: AuditEvent['actor']
  /** Nothing is enrolled, and nobody logs in with what was before: it only ends with its account. */
  readonly isClosed?: boolean
}

export interface EnrolmentServiceOptions {
  /** Undefined where no account ever could enrol certificates; asked at every use. */
  readonly settings: () => EnrolmentOptions | undefined
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

const REFUSALS: Readonly<Record<EnrolmentRefusal, StanzaError>> = {
  label: { condition: 'conflict', text: 'the name is in use for another certificate' },
  certificate: { condition: 'conflict', text: 'the certificate is enrolled already' },
  revoked: { condition: 'not-acceptable', text: 'the certificate has been revoked' },
  full: { condition: 'not-allowed', text: `an account may have ${MAX_CERTIFICATES} certificates` },
  unknown: { condition: 'item-not-found' },
  forbidden: { condition: 'forbidden', text: 'this client may not manage certificates' },
}

/** Enrols certificates for accounts and ends enrolments: who may, and what. */
export class EnrolmentService {
  readonly #options: EnrolmentServiceOptions
  /** What the accounts that were active in the current hour have changed in it. */
  #spent = new Map<string, number>()
  #hour = 0

  constructor(options: EnrolmentServiceOptions) {
    this.#options = options
  }

  /** Whether accounts may enrol certificates now; if not, nothing else here may be used. */
  get isOpen(): boolean {
    return isOpen(this.#options.settings())
  }

  list(account: Jid): Enrolment[] {
    const now = this.#options.now().getTime()
    return this.#settings.ledger.enrolments.list(account.toString()).filter((enrolment) => !hasExpired(enrolment, now))
  }

  /** @returns why it was not enrolled */
  async append(applicant: Applicant, { label, der, mayManage }: Application): Promise<StanzaError | undefined> {
    const { isIssued, now } = this.#options
    const { ledger } = this.#settings
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
    const enrolment: Enrolment = {
      account: applicant.account.toString(),
      label,
      fingerprint: facts.fingerprint,
      certificate: Buffer.from(der).toString('base64'),
      mayManage,
      enrolledAt: now().getTime(),
      notAfter: facts.notAfter.getTime(),
      ...voucherOf(applicant.proof),
    }
    return this.#changeOften(applicant, { kind: 'enrol', enrolment, most: MAX_CERTIFICATES })
  }

  /** `revoke` is for good, and ends the sessions that have logged in with it. @returns why nothing was ended */
  end(applicant: Applicant, label: string, how: 'disable' | 'revoke'): Promise<StanzaError | undefined> {
    return this.#changeOften(applicant, { kind: how, account: applicant.account.toString(), label })
  }

  /** For an account that is about to be removed: whoever gets its name later must not find them. @returns why not */
  async endAll(account: Jid): Promise<StanzaError | undefined> {
    if (this.#options.settings() === undefined) return undefined
    return this.#change({ account, proof: undefined }, { kind: 'revoke-all', account: account.toString() })
  }

  get #settings(): EnrolmentOptions {
    const settings = this.#options.settings()
    if (settings === undefined) throw new Error('enrolment is turned off')
    return settings
  }

  /** Changes that an account makes as often as it may. */
  async #changeOften(applicant: Applicant, change: EnrolmentChange): Promise<StanzaError | undefined> {
    const { account } = applicant
    if (!this.#mayChange(account)) return { condition: 'resource-constraint', text: 'too many changes in this hour' }
    const error = await this.#change(applicant, change)
    if (error === undefined) this.#spend(account)
    return error
  }

  async #change({ account, proof }: Applicant, change: EnrolmentChange): Promise<StanzaError | undefined> {
    const { store, actor } = this.#settings
    // Asked late: the certificate that it is done with may have been revoked meanwhile.
    const isAllowed = () => proof?.enrolment?.mayManage !== false && proof?.judge() === undefined
    try {
      const outcome = await store.change(change, { at: this.#options.now().getTime(), actor, isAllowed })
      return 'refusal' in outcome ? REFUSALS[outcome.refusal] : undefined
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      const facts = { account: account.toString(), error: error.message, hint: error.hint }
      this.#options.log.warn(facts, 'the certificates of an account cannot be changed')
      return { condition: 'resource-constraint', text: 'certificates cannot be changed at the moment' }
    }
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
export function isOpen(settings: EnrolmentOptions | undefined): settings is EnrolmentOptions {
  return settings !== undefined && settings.isClosed !== true && settings.ledger.absence?.() === undefined
}
