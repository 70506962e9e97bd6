import type { Account, Accounts } from '../../store/accounts.ts'
import type { Jid } from '../../xmpp/address/jid.ts'
import { failed } from '../../xmpp/sasl/attempt.ts'
import { type DummyKeySource, dummyKeySet, dummyKeys } from '../../xmpp/sasl/dummy-keys.ts'
import type { SaslFailure, SaslMechanism } from '../../xmpp/sasl/mechanism.ts'
import { plainMechanism } from '../../xmpp/sasl/plain.ts'
import { type ChannelBindings, type ScramSubject, scramMechanism } from '../../xmpp/sasl/scram.ts'
import { SCRAM_HASHES, type ScramHash, type ScramKeySet, scramName } from '../../xmpp/sasl/scram-keys.ts'
import type { Log } from '../log.ts'
import type { LoginConnection } from '../stream/stream-host.ts'
import { isFailure, lookUp, lookUpDummyKeys } from './account-lookup.ts'
import type { LoginAttempt, LoginBackoff } from './login-backoff.ts'

/** Accounts with passwords, and how they log in. */
export interface PasswordOptions {
  readonly accounts: Accounts
  /** What keys of a new password are made for. */
  readonly hashes: readonly ScramHash[]
  /** Rounds of PBKDF2 for a new password. */
  readonly iterations: number
  /** Mechanisms that are switched on, as SASL calls them: `SCRAM-SHA-256-PLUS`, `PLAIN`. */
  readonly mechanisms: ReadonlySet<string>
}

export interface PasswordLoginOptions {
  /** Undefined while nobody logs in with a password; asked at every use. */
  readonly passwords: () => PasswordOptions | undefined
  readonly backoff: LoginBackoff
  readonly log: Log
}

/** The strongest first, as they are offered (RFC 6120 §6.3.4). */
const HASHES = SCRAM_HASHES.toReversed()

/** One login with a password. */
interface Attempt {
  readonly options: PasswordOptions
  readonly account: Jid | undefined
  /** As it is counted: what is not an account is counted by the name that it was given. */
  readonly counted: LoginAttempt
  readonly found: Account | undefined
  /** What keys are made up from for names that nobody has. */
  readonly dummies: DummyKeySource
}

/** What a password is compared with. */
interface Used {
  readonly keys: ScramKeySet
  /** Why they are not those of the account; undefined when they are. */
  readonly missing: string | undefined
}

/** Where and how a login is made. */
interface Claim {
  readonly mechanism: string
  readonly domain: string
  readonly remote: string
}

type Connection = Pick<LoginConnection, 'remote' | 'secured' | 'channelBindings'>

/** The authentication method of accounts with passwords: what a connection may log in with, and whether it may. */
export class PasswordLogin {
  readonly #options: PasswordLoginOptions

  constructor(options: PasswordLoginOptions) {
    this.#options = options
  }

  /** What is switched on, whether or not a connection can use it. */
  get enabled(): ReadonlySet<string> {
    return this.#options.passwords()?.mechanisms ?? new Set()
  }

  /** Those that can succeed on this connection, best first. */
  mechanisms(domain: string, connection: Connection): readonly SaslMechanism[] {
    const { enabled } = this
    const isOn = (hash: ScramHash, plus: boolean) => enabled.has(scramName(hash, plus))
    const bindings = HASHES.some((hash) => isOn(hash, true)) ? connection.channelBindings() : new Map<string, never>()
    const offersPlus = bindings.size > 0
    const scram = (hash: ScramHash, bound: ChannelBindings | undefined) =>
      this.#scram(hash, { domain, connection, bindings: bound, offersPlus })
    return [
      ...(offersPlus ? HASHES.filter((hash) => isOn(hash, true)).map((hash) => scram(hash, bindings)) : []),
      ...HASHES.filter((hash) => isOn(hash, false)).map((hash) => scram(hash, undefined)),
      // RFC 4616 §4: never where somebody can listen.
      ...(enabled.has('PLAIN') && connection.secured ? [this.#plain(domain, connection)] : []),
    ]
  }

  #scram(
    hash: ScramHash,
    given: { domain: string; connection: Connection; bindings: ChannelBindings | undefined; offersPlus: boolean },
  ): SaslMechanism {
    const { connection, ...rest } = given
    const mechanism = scramName(hash, given.bindings !== undefined)
    const claim = { mechanism, domain: given.domain, remote: connection.remote }
    return scramMechanism({
      hash,
      ...rest,
      find: async (account, username) => {
        const attempt = await this.#begin(account, username, claim)
        return 'kind' in attempt ? attempt : this.#subject(hash, attempt)
      },
    })
  }

  #plain(domain: string, connection: Connection): SaslMechanism {
    const claim = { mechanism: 'PLAIN', domain, remote: connection.remote }
    return plainMechanism({
      domain,
      check: async (account, username, password) => {
        const attempt = await this.#begin(account, username, claim)
        if ('kind' in attempt) return attempt
        const { found, counted, dummies } = attempt
        // Made in any case, so that it takes the same time.
        const dummy = dummyKeySet(counted.account, dummies)
        const known = found !== undefined && Object.keys(found.keys).length > 0
        const keys = known ? found.keys : dummy
        const missing = known ? undefined : 'there is no password'
        // The tables of SASLprep are loaded where a password is seen, which SCRAM never shows.
        const { verifyPassword } = await import('../../xmpp/sasl/scram-credentials.ts')
        return this.#settle(attempt, { keys, missing }, await verifyPassword(password, keys))
      },
    })
  }

  /** Asks the store for a name that nobody has as well. */
  async #begin(
    account: Jid | undefined,
    username: string,
    { mechanism, domain, remote }: Claim,
  ): Promise<Attempt | SaslFailure> {
    const options = this.#options.passwords()
    if (options?.mechanisms.has(mechanism) !== true)
      return failed('not-authorized', `${mechanism} is not accepted any more`)
    const counted = { account: account?.toString() ?? `${username}@${domain}`, remote }
    const blocked = this.#blocked(counted)
    if (blocked !== undefined) return blocked
    const found = account === undefined ? undefined : await lookUp(options.accounts, account, this.#options.log)
    if (isFailure(found)) return found
    const ground = await lookUpDummyKeys(options.accounts, domain, this.#options.log)
    if (isFailure(ground)) return ground
    const [strongest = 'sha-256'] = HASHES.filter((hash) => options.hashes.includes(hash))
    const dummies = { ...ground, iterations: options.iterations, strongest }
    return { options, account, counted, found, dummies }
  }

  #blocked(counted: LoginAttempt): SaslFailure | undefined {
    const wait = this.#options.backoff.wait(counted)
    if (wait === 0) return undefined
    return failed(
      'temporary-auth-failure',
      `too many failures of ${counted.account}: not before ${wait} ms have passed`,
    )
  }

  #subject(hash: ScramHash, attempt: Attempt): ScramSubject {
    // Made in any case, so that it takes the same time.
    const dummy = dummyKeys(hash, attempt.counted.account, attempt.dummies)
    const kept = attempt.found?.keys[hash]
    const keys = kept ?? dummy
    const missing = kept === undefined ? `there are no keys for ${hash} (see auth.password.hash)` : undefined
    return { keys, settle: (isProven) => this.#settle(attempt, { keys: { [hash]: keys }, missing }, isProven) }
  }

  async #settle(attempt: Attempt, { keys, missing }: Used, isRight: boolean): Promise<SaslFailure | undefined> {
    const { account, counted, found } = attempt
    const { backoff } = this.#options
    // Again: of many that begin at once only so many get an answer.
    const blocked = this.#blocked(counted)
    if (blocked !== undefined) return blocked
    if (!isRight || missing !== undefined || account === undefined || found === undefined) {
      backoff.failed(counted)
      const reason = found === undefined ? 'there is no such account' : (missing ?? 'wrong password')
      return failed('not-authorized', `${counted.account}: ${reason}`)
    }
    const refusal = await this.#change(attempt, account, keys)
    if (refusal === undefined) backoff.succeeded(counted)
    return refusal
  }

  /** What has become of the account since its keys were read: it may be gone, or have another password. */
  async #change({ options, counted }: Attempt, account: Jid, used: ScramKeySet): Promise<SaslFailure | undefined> {
    const now = await lookUp(options.accounts, account, this.#options.log)
    if (isFailure(now)) return now
    const isSame = HASHES.every(
      (hash) => used[hash] === undefined || now?.keys[hash]?.storedKey === used[hash].storedKey,
    )
    return now !== undefined && isSame
      ? undefined
      : failed('not-authorized', `${counted.account}: the account has changed meanwhile`)
  }
}
