import { createHash } from 'node:crypto'
import { networkOfPeer } from '../net/network.ts'
import { Backoff } from './backoff.ts'

const MINUTE_MS = 60_000

/** A user mistypes, a robot does not stop: from here on there is a guess a minute. */
const PAIR = { free: 5, firstMs: 1_000, mostMs: MINUTE_MS, halfLifeMs: 10 * MINUTE_MS }
/** Behind one address there may be a whole office. */
const ADDRESS = { free: 30, firstMs: 1_000, mostMs: MINUTE_MS, halfLifeMs: 10 * MINUTE_MS }
/** Guesses from everywhere; short, because the owner of the account waits, too, where nobody knows him. */
const ACCOUNT = { free: 100, firstMs: 1_000, mostMs: 10_000, halfLifeMs: 10 * MINUTE_MS }

/** Places that accounts have logged in from, remembered at most. */
const MAX_KNOWN = 50_000

/** A try to log in. */
export interface LoginAttempt {
  /** Whether or not there is such an account. */
  readonly account: string
  /** Address and port as a transport names them. */
  readonly remote: string
}

/**
 * Slows down whoever guesses passwords, by what survives a reconnect: the address, the account, and both together. What is
 * told of an account is the same whether or not it exists. Who has logged in to an account from an address before does
 * not wait for what others do to that account; everybody else waits no longer than seconds for them.
 */
export class LoginBackoff {
  readonly #pairs: Backoff
  readonly #addresses: Backoff
  readonly #accounts: Backoff
  /** The latest at the end. */
  readonly #known = new Set<string>()

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#pairs = new Backoff(PAIR, now)
    this.#addresses = new Backoff(ADDRESS, now)
    this.#accounts = new Backoff(ACCOUNT, now)
  }

  /** Milliseconds that this attempt comes too early; 0 when it may be made. */
  wait(attempt: LoginAttempt): number {
    const { pair, address, account } = namesOf(attempt)
    const byOthers = this.#known.has(pair) ? 0 : this.#accounts.wait(account)
    return Math.max(this.#pairs.wait(pair), this.#addresses.wait(address), byOthers)
  }

  failed(attempt: LoginAttempt): void {
    const { pair, address, account } = namesOf(attempt)
    this.#pairs.failed(pair)
    this.#addresses.failed(address)
    this.#accounts.failed(account)
  }

  /** An address keeps its failures: whoever has one account must not use it to guess at others. */
  succeeded(attempt: LoginAttempt): void {
    const { pair } = namesOf(attempt)
    this.#pairs.forget(pair)
    this.#known.delete(pair)
    this.#known.add(pair)
    const [oldest] = this.#known
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest)
  }
}

/** Of equal length, however long a client makes the name of an account. */
function namesOf({ account, remote }: LoginAttempt) {
  const address = networkOfPeer(remote)
  const hashed = createHash('sha256').update(account).digest('base64')
  return { account: hashed, address, pair: `${hashed} ${address}` }
}
