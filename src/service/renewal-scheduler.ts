import { XmppkiError } from '../errors.ts'
import type { Log } from '../server/log.ts'
import type { IssuerSource, Workspace } from '../workspace/base/workspace.ts'
import { type RenewalStep, renewDue } from '../workspace/ca/renew-due.ts'

/** Far more often than anything falls due: lists and OCSP certificates are good for days. */
const INTERVAL_MS = 3_600_000

export interface RenewalSchedulerOptions {
  /** Called for every round, so that no key of a CA stays in memory; must not ask anybody. */
  readonly issuer: () => IssuerSource
  /** Whether CRLs and OCSP are published from here; asked in every round. */
  readonly publishing: () => boolean
  readonly log: Log
}

/** Renews CRLs and OCSP certificates while the server runs. */
export class RenewalScheduler {
  readonly #workspace: Workspace
  readonly #options: RenewalSchedulerOptions
  #round: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(workspace: Workspace, options: RenewalSchedulerOptions) {
    this.#workspace = workspace
    this.#options = options
  }

  /** Does what is due, now and every hour; resolves after the first round. Never throws: what fails is logged. */
  start(): Promise<void> {
    this.#timer = setInterval(() => this.look(), INTERVAL_MS).unref()
    return this.look()
  }

  /** Does what is due now, out of turn. Never throws. */
  look(): Promise<void> {
    this.#round ??= this.#work().finally(() => {
      this.#round = undefined
    })
    return this.#round
  }

  /** Resolves when a round that is under way has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#round
  }

  async #work(): Promise<void> {
    const { issuer, publishing, log } = this.#options
    try {
      const steps = await renewDue(this.#workspace, { issuer: issuer(), publishing: publishing(), now: new Date() })
      for (const step of steps) this.#report(step)
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      log.error({ error: error.message }, 'CRLs and OCSP certificates could not be renewed')
    }
  }

  #report({ what, authority, end, error }: RenewalStep): void {
    const { log } = this.#options
    const thing = what === 'crl' ? 'CRL' : 'OCSP certificate'
    const facts = { issuer: authority.subject, end: end?.toISOString() }
    if (error === undefined) log.info(facts, `${thing} renewed`)
    else log.warn({ ...facts, error: error.message, hint: error.hint }, `${thing} could not be renewed`)
  }
}
