import type { MaybePromise } from '../../maybe-promise.ts'
import type { Jid } from '../address/jid.ts'

/** The SASL failure conditions that xmppki sends (RFC 6120 §6.5). */
export type SaslCondition =
  | 'aborted'
  | 'incorrect-encoding'
  | 'invalid-authzid'
  | 'invalid-mechanism'
  | 'malformed-request'
  | 'not-authorized'
  | 'temporary-auth-failure'

/** A refusal as a value: the client may try again on the same stream (RFC 6120 §6.4.5). */
export interface SaslFailure {
  readonly kind: 'failure'
  readonly condition: SaslCondition
  /** For the log only: the wire must not tell an attacker which check failed. */
  readonly reason: string
}

/** What somebody has logged in with. Negotiation hands it on as it is; whoever judges certificates knows more of it. */
export interface Credential {
  /** As SASL calls it: `EXTERNAL`, `SCRAM-SHA-256-PLUS`. */
  readonly mechanism: string
}

export interface SaslSuccess {
  readonly kind: 'success'
  /** The account, normalised; a full JID when the credentials allow only that resource (XEP-0257 §4). */
  readonly account: Jid
  /** Additional data with success (RFC 6120 §6.3.10). */
  readonly data?: Uint8Array
  readonly credential: Credential
}

export interface SaslChallenge {
  readonly kind: 'challenge'
  readonly data: Uint8Array
  readonly exchange: SaslExchange
}

export type SaslOutcome = SaslSuccess | SaslFailure | SaslChallenge

/** An exchange under way: waits for the client's response. */
export interface SaslExchange {
  respond(data: Uint8Array): MaybePromise<SaslOutcome>
}

/** A mechanism as offered on one connection; it already knows what it needs of that connection. */
export interface SaslMechanism {
  readonly name: string
  /** Types of channel binding, best first; only of those with -PLUS (XEP-0440). */
  readonly bindings?: readonly string[]
  /** @param initial the initial response; `undefined` when the client sent none (RFC 6120 §6.4.2) */
  start(initial: Uint8Array | undefined): MaybePromise<SaslOutcome>
}
