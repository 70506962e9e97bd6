import { setImmediate as nextTurn } from 'node:timers/promises'
import { type CertificateId, certificateKey } from '../../store/certificate-id.ts'
import type { LoginLedger } from '../../store/ledger.ts'
import type { LedgerWatch } from '../../store/ledger-watch.ts'
import type { Refusal } from '../../trust/refusal.ts'
import type { StreamError } from '../../xmpp/stream/stream.ts'
import type { Log } from '../log.ts'
import type { CertificateCredential } from './credential.ts'

/** Certificates in one query and sessions judged in one turn of the event loop: others must not wait for it. */
const ASKED_AT_ONCE = 2_000
const JUDGED_AT_ONCE = 20

/** What can be ended. */
interface Guarded {
  close(error: StreamError): void
}

interface Watched {
  readonly certificate: CertificateCredential
  /** When something that the session may rest on has ended next, in milliseconds. */
  due: number
}

/** Sessions by everything with which they are revoked. */
type Index = Map<string, { readonly id: CertificateId; readonly sessions: Guarded[] }>

export interface CertificateWatchOptions {
  readonly ledger: Pick<LoginLedger, 'revokedAmong' | 'absence'>
  readonly watch: LedgerWatch
  readonly now: () => Date
  readonly log: Log
}

/**
 * Ends sessions whose certificate is not accepted any more (RFC 6120 §13.7.2.3): revoked by whatever process, expired,
 * or no longer trusted. While nobody is logged in it does nothing, and while nothing changes it compares two numbers.
 */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions
  readonly #watched = new Map<Guarded, Watched>()
  /** The least of them; never too late, but maybe that of a session that is gone. */
  #nextEnd = Number.POSITIVE_INFINITY
  /** The state of the ledger in which all sessions were found good; undefined when it has to be asked. */
  #seen: number | undefined
  /** While there is somebody to watch over. */
  #stopLooking: (() => void) | undefined
  #asking = false
  #failing = false
  #failures = 0

  constructor(options: CertificateWatchOptions) {
    this.#options = options
  }

  /**
   * From its login on; a session has one certificate.
   * @param isLate time has passed since the certificate was judged, in which nobody watched over it
   */
  watch(session: Guarded, certificate: CertificateCredential, isLate = false): void {
    const watched = { certificate, due: Number.POSITIVE_INFINITY }
    this.#watched.set(session, watched)
    this.#expect(watched)
    this.#stopLooking ??= this.#options.watch.watch((changes) => this.#look(changes))
    if (isLate) this.#judge(session, certificate)
  }

  forget(session: Guarded): void {
    if (this.#watched.delete(session) && this.#watched.size === 0) this.stop()
  }

  /** Judges sessions anew, all or those that are meant, after what they are judged by has changed; a few at a time. */
  judgeAll(isMeant?: (certificate: CertificateCredential) => boolean): Promise<void> {
    return this.#judgeSome([...this.#watched.keys()], isMeant)
  }

  async #judgeSome(
    sessions: readonly Guarded[],
    isMeant: (certificate: CertificateCredential) => boolean = () => true,
  ): Promise<void> {
    let judged = 0
    for (const session of sessions) {
      const certificate = this.#watched.get(session)?.certificate
      if (this.#stopLooking === undefined) return
      if (certificate === undefined || !isMeant(certificate)) continue
      this.#judge(session, certificate)
      judged += 1
      if (judged % JUDGED_AT_ONCE === 0) await nextTurn()
    }
  }

  stop(): void {
    this.#stopLooking?.()
    this.#stopLooking = undefined
    this.#seen = undefined
    this.#nextEnd = Number.POSITIVE_INFINITY
  }

  #look(changes: () => number): void {
    // Compared at every turn instead of set as a timer: timers end after 24 days and do not follow the clock.
    if (this.#options.now().getTime() >= this.#nextEnd) this.#judgeDue()
    if (this.#asking) return
    this.#asking = true
    this.#ask(changes)
      .catch((error: unknown) => {
        this.#failed(error)
      })
      .finally(() => {
        this.#asking = false
      })
  }

  async #ask(read: () => number): Promise<void> {
    const { ledger } = this.#options
    const changes = read()
    if (changes === this.#seen) return
    if (ledger.absence?.() !== undefined) {
      // Of nobody it is known any more that he is not revoked.
      await this.judgeAll()
      this.#seen = changes
      return
    }
    const failures = this.#failures
    // Whoever logs in from here on is judged by this state of the ledger or a later one.
    const index = this.#index()
    const ids = [...index.values()].map(({ id }) => id)
    for (let from = 0; from < ids.length && this.#stopLooking !== undefined; from += ASKED_AT_ONCE) {
      if (from > 0) await nextTurn()
      for (const id of ledger.revokedAmong(ids.slice(from, from + ASKED_AT_ONCE))) {
        // Judged, not simply ended: what lies below a CA that is revoked may be good by another path.
        await this.#judgeSome(index.get(certificateKey(id))?.sessions ?? [])
      }
    }
    // Of what accounts have enrolled themselves the revoked ones are not among those of the ledger.
    await this.judgeAll(({ enrolment }) => enrolment !== undefined)
    if (this.#failures > failures) return
    this.#seen = changes
    this.#failing = false
  }

  /** What could not be found out is asked again, and said once. */
  #failed(error: unknown): void {
    this.#seen = undefined
    this.#failures += 1
    if (!this.#failing) this.#options.log.error({ error: String(error) }, 'revocations cannot be read from the ledger')
    this.#failing = true
  }

  #index(): Index {
    const index: Index = new Map()
    for (const [session, { certificate }] of this.#watched) {
      for (const id of certificate.ids()) {
        const found = index.get(certificateKey(id))
        if (found === undefined) index.set(certificateKey(id), { id, sessions: [session] })
        else found.sessions.push(session)
      }
    }
    return index
  }

  /** @returns whether it could be judged; whoever could not stays, and is asked about again */
  #judge(session: Guarded, certificate: CertificateCredential): boolean {
    try {
      const refusal = certificate.judge()
      // What cannot be read at the moment may be there in the next one.
      const isUnknown = refusal?.check === 'no-ledger' && this.#options.ledger.absence?.() === undefined
      if (isUnknown) this.#failed(refusal.reason)
      else if (refusal !== undefined) this.#end(session, certificate, refusal)
      return !isUnknown
    } catch (error) {
      this.#failed(error)
      return false
    }
  }

  #expect(watched: Watched): void {
    const now = this.#options.now().getTime()
    // RFC 5280 §4.1.2.5: notAfter is inclusive, and a second lasts until the next one begins.
    const left = watched.certificate
      .ends()
      .map((end) => end.getTime() + 1_000)
      .filter((end) => end > now)
    watched.due = Math.min(...left)
    this.#nextEnd = Math.min(this.#nextEnd, watched.due)
  }

  /** Judged, not simply ended: a client may send along what has ended without needing it. */
  #judgeDue(): void {
    const now = this.#options.now().getTime()
    this.#nextEnd = Number.POSITIVE_INFINITY
    for (const [session, watched] of [...this.#watched]) {
      if (this.#watched.get(session) !== watched) continue
      const isJudged = watched.due > now || this.#judge(session, watched.certificate)
      if (!isJudged) this.#nextEnd = now
      else if (this.#watched.get(session) === watched) this.#expect(watched)
    }
  }

  #end(session: Guarded, { serial, issuer, fingerprint }: CertificateCredential, refusal: Refusal): void {
    this.forget(session)
    const facts = { serial, issuer, fingerprint, ...refusal }
    this.#options.log.warn(facts, 'the certificate of a session is not accepted any more')
    // A revocation is the account's or the operator's will; in all other cases the client may come back with another
    // certificate (RFC 6120 §4.9.3.12 and §4.9.3.16).
    if (refusal.check === 'revoked') session.close({ condition: 'not-authorized', text: 'certificate revoked' })
    else session.close({ condition: 'reset', text: 'the certificate is not accepted any more' })
  }
}
