import { XmppkiError } from '../../errors.ts'
import type { CreationConflict } from '../../store/accounts.ts'
import { type Jid, tryParseJid } from '../../xmpp/address/jid.ts'
import type { StanzaError } from '../../xmpp/stanza.ts'
import type { Registration } from '../../xmpp/stream/account-registration.ts'
import type { Log } from '../log.ts'
import { Backoff } from '../login/backoff.ts'
import type { PasswordOptions } from '../login/password-login.ts'
import { networkOfPeer } from '../net/network.ts'
import { HolderBook, type HolderBookOptions } from './holder-book.ts'

/** A household makes a few accounts and changes a few passwords; from here on there is one in minutes. */
const RULES = { free: 5, firstMs: 10_000, mostMs: 600_000, halfLifeMs: 3_600_000 }

/** What may be done with accounts in band (XEP-0077). */
export interface AccountOptions extends PasswordOptions {
  /** Whether strangers may make accounts, and whoever has one may remove it. */
  readonly registration: boolean
  /** Most accounts of a domain; undefined: no limit. */
  readonly maxPerDomain?: number | undefined
}

export interface AccountServiceOptions {
  /** Undefined while there are no accounts with passwords; asked at every use. */
  readonly settings: () => AccountOptions | undefined
  readonly now: () => Date
  /** Knows who has had a certificate. */
  readonly ledger: HolderBookOptions['ledger']
  /** What has to go before an account can. @returns why it cannot */
  readonly beforeRemoval: (account: Jid) => Promise<StanzaError | undefined>
  /** Ends every session of an account that has been removed. */
  readonly endSessions: (account: Jid) => void
  readonly log: Log
}

const CONFLICTS: Readonly<Record<CreationConflict, StanzaError>> = {
  exists: { condition: 'conflict', text: 'the username is taken' },
  full: { condition: 'not-allowed', text: 'the domain has as many accounts as it may have' },
}

const NOT_OPEN: StanzaError = { condition: 'not-allowed', text: 'accounts are not made or removed here' }
const BUSY: StanzaError = { condition: 'resource-constraint', text: 'too often; try again later' }
const BAD_PASSWORD: StanzaError = {
  condition: 'not-acceptable',
  text: 'the password has characters that no password may have, or too many',
}

/** With the tables of SASLprep, which most servers never need. */
const passwordTools = () => import('../../xmpp/sasl/scram-credentials.ts')

/** Makes accounts, gives them other passwords and removes them, for those who ask in band (XEP-0077). */
export class AccountService {
  /** Whose names are not free, account or not. */
  readonly holders: HolderBook
  readonly #options: AccountServiceOptions
  readonly #backoff: Backoff

  constructor(options: AccountServiceOptions) {
    this.#options = options
    const { settings, ledger, log } = options
    this.holders = new HolderBook({ accounts: () => settings()?.accounts, ledger, log })
    this.#backoff = new Backoff(RULES, () => options.now().getTime())
  }

  /** Whether there are accounts with passwords now. */
  get isOpen(): boolean {
    return this.#options.settings() !== undefined
  }

  /** Whether strangers may make accounts now. */
  get takesRegistrations(): boolean {
    return this.#options.settings()?.registration === true
  }

  /** @param remote address and port of whoever asks @returns why there is no new account */
  async register(domain: string, wish: Registration, remote: string): Promise<StanzaError | undefined> {
    const settings = this.#options.settings()
    if (settings?.registration !== true) return NOT_OPEN
    const jid = wish.username.includes('@') ? undefined : tryParseJid(`${wish.username}@${domain}`)
    if (jid?.local === undefined || !jid.isBare || jid.domain !== domain) {
      return { condition: 'jid-malformed', text: 'no account can have this username' }
    }
    const { deriveKeys, preparePassword } = await passwordTools()
    if (preparePassword(wish.password) === undefined) return BAD_PASSWORD
    if (this.#isTooOften(networkOfPeer(remote))) return BUSY
    return this.#attempt(async () => {
      const keys = await deriveKeys(wish.password, settings)
      const at = this.#options.now().getTime()
      const account = { jid: jid.toString(), keys, createdAt: at, changedAt: at }
      // Whoever registered it would be that person.
      if (await this.holders.isKnown(account.jid)) return CONFLICTS.exists
      const conflict = await settings.accounts.create(account, { perDomain: settings.maxPerDomain })
      if (conflict !== undefined) return CONFLICTS[conflict]
      this.#options.log.info({ account: account.jid, remote }, 'account registered')
      return undefined
    })
  }

  /** @returns why the password is still the old one */
  async changePassword(account: Jid, password: string): Promise<StanzaError | undefined> {
    const settings = this.#options.settings()
    if (settings === undefined) return NOT_OPEN
    const { deriveKeys, preparePassword } = await passwordTools()
    if (preparePassword(password) === undefined) return BAD_PASSWORD
    if (this.#isTooOften(account.toString())) return BUSY
    return this.#attempt(async () => {
      const keys = await deriveKeys(password, settings)
      const isThere = await settings.accounts.setKeys(account.toString(), keys, this.#options.now().getTime())
      if (!isThere) return { condition: 'item-not-found', text: 'the account has been removed' }
      this.#options.log.info({ account: account.toString() }, 'password changed')
      return undefined
    })
  }

  /** Its sessions end with it. @returns why it is still there */
  async remove(account: Jid): Promise<StanzaError | undefined> {
    const settings = this.#options.settings()
    if (settings?.registration !== true) return NOT_OPEN
    return this.#attempt(async () => {
      const error = await this.#options.beforeRemoval(account)
      if (error !== undefined) return error
      await settings.accounts.delete(account.toString())
      this.#options.log.info({ account: account.toString() }, 'account removed')
      return undefined
    })
  }

  /** For after {@link remove}, when its answer is on its way. */
  endSessions(account: Jid): void {
    this.#options.endSessions(account)
  }

  /** Whatever it leads to: names are guessed by what is refused. */
  #isTooOften(who: string): boolean {
    if (this.#backoff.wait(who) > 0) return true
    this.#backoff.failed(who)
    return false
  }

  async #attempt(work: () => Promise<StanzaError | undefined>): Promise<StanzaError | undefined> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      this.#options.log.error({ error: error.message, hint: error.hint }, 'the accounts cannot be changed')
      return { condition: 'resource-constraint', text: 'accounts cannot be changed at the moment' }
    }
  }
}
