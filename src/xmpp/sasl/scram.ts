import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Jid } from '../address/jid.ts'
import { requestedAccount } from './account-name.ts'
import { failed } from './attempt.ts'
import type { SaslFailure, SaslMechanism, SaslOutcome } from './mechanism.ts'
import { digest, hmac } from './scram-crypto.ts'
import { type ScramHash, type ScramKeys, scramName } from './scram-keys.ts'
import { type ClientFinal, type ClientFirst, readClientFinal, readClientFirst } from './scram-message.ts'

/** What ties a login to the TLS connection, by type (RFC 5056); asked for when it is used. */
export type ChannelBindings = ReadonlyMap<string, () => Uint8Array>

/** Taken from clients that do not look at what is announced, and kept from all others: there are better ones. */
export const UNANNOUNCED_BINDING = 'tls-unique'

/** What the exchange is about: an account, or a name that nobody has and that must not show it. */
export interface ScramSubject {
  /** Those of an account, or such as an account could have. */
  readonly keys: ScramKeys
  /**
   * What is to become of it: called once with whether the proof is right. A right proof may still be refused, for an
   * account that does not exist or is not to be tried at the moment.
   */
  settle(isProven: boolean): SaslFailure | undefined | Promise<SaslFailure | undefined>
}

export interface ScramOptions {
  readonly hash: ScramHash
  /** The domain of the stream. */
  readonly domain: string
  /** Of the mechanism with -PLUS; undefined for the one without. */
  readonly bindings: ChannelBindings | undefined
  /** Whether a mechanism with -PLUS has been offered on this connection: a client that has not seen it has been lied to. */
  readonly offersPlus: boolean
  /** @param account undefined when the name is none of an account: it gets the same exchange */
  readonly find: (account: Jid | undefined, name: string) => Promise<ScramSubject | SaslFailure>
  /** Our part of the nonce; for test vectors. */
  readonly nonce?: () => string
}

/** Unpredictable, and printable without a comma. */
function freshNonce(): string {
  return randomBytes(24).toString('base64url')
}

/** What the client has to prove, or why it is not asked to. */
interface Opening {
  readonly first: ClientFirst
  readonly account: Jid | undefined
  /** `cbind-input`: the header, and after it what the connection says. */
  readonly binding: Uint8Array
}

/** RFC 5802 §6: what the flag of the header may say to this mechanism. */
function bindingOf(first: ClientFirst, { bindings, offersPlus }: ScramOptions): Uint8Array | SaslFailure {
  const { binding, gs2Header } = first
  if (typeof binding === 'string') {
    if (bindings !== undefined) return failed('malformed-request', 'a mechanism with -PLUS, and no channel binding')
    return binding === 'y' && offersPlus
      ? failed('not-authorized', 'the client was not shown the mechanisms with -PLUS: somebody is in between')
      : Buffer.from(gs2Header)
  }
  if (bindings === undefined) return failed('malformed-request', 'a channel binding, and no mechanism with -PLUS')
  const data = bindings.get(binding.type)?.()
  return data === undefined
    ? failed('not-authorized', `no channel binding ${binding.type} on this connection`)
    : Buffer.concat([Buffer.from(gs2Header), data])
}

function open(data: Uint8Array, options: ScramOptions): Opening | SaslFailure {
  const first = readClientFirst(data)
  if (first === undefined) return failed('malformed-request', 'not the first message of SCRAM')
  const binding = bindingOf(first, options)
  if ('kind' in binding) return binding
  const named = requestedAccount(first.username, options.domain)
  const account = named?.isBare ? named : undefined
  const { authzid } = first
  if (authzid !== undefined && (account === undefined || !requestedAccount(authzid, options.domain)?.equals(account))) {
    return failed('invalid-authzid', 'the authzid is not the account of the username')
  }
  return { first, account, binding }
}

/** RFC 5802 §3: the client knows ClientKey, and we know its hash. */
function isProven(hash: ScramHash, { storedKey }: ScramKeys, authMessage: string, proof: Uint8Array): boolean {
  const stored = Buffer.from(storedKey, 'base64')
  const signature = hmac(hash, stored, authMessage)
  // The length of a proof is not a secret.
  const clientKey = signature.map((byte, at) => byte ^ (proof[at] ?? 0))
  const claimed = digest(hash, clientKey)
  return proof.length === signature.length && claimed.length === stored.length && timingSafeEqual(claimed, stored)
}

function mismatch(final: ClientFinal, nonce: string, binding: Uint8Array): SaslFailure | undefined {
  if (final.nonce !== nonce) return failed('not-authorized', 'the nonce is not that of the exchange')
  const isSame = final.binding.length === binding.length && timingSafeEqual(final.binding, binding)
  return isSame ? undefined : failed('not-authorized', 'the channel binding is that of another connection')
}

interface Challenged extends Opening {
  readonly subject: ScramSubject
  readonly nonce: string
  readonly serverFirst: string
}

async function conclude(data: Uint8Array, options: ScramOptions, challenged: Challenged): Promise<SaslOutcome> {
  const { subject, account, first, nonce, serverFirst, binding } = challenged
  const { hash, bindings } = options
  const final = readClientFinal(data)
  if (final === undefined) return failed('malformed-request', 'not the final message of SCRAM')
  const authMessage = `${first.bare},${serverFirst},${final.withoutProof}`
  const wrong = mismatch(final, nonce, binding)
  // Worked out and settled in any case: a proof for another connection is a guess like any other.
  const proven = isProven(hash, subject.keys, authMessage, final.proof) && wrong === undefined
  const refusal = await subject.settle(proven)
  if (refusal !== undefined) return wrong ?? refusal
  if (!proven || account === undefined) return wrong ?? failed('not-authorized', 'wrong password')
  const signature = hmac(hash, Buffer.from(subject.keys.serverKey, 'base64'), authMessage)
  return {
    kind: 'success',
    account,
    data: Buffer.from(`v=${signature.toString('base64')}`),
    credential: { mechanism: scramName(hash, bindings !== undefined) },
  }
}

async function challenge(data: Uint8Array, options: ScramOptions): Promise<SaslOutcome> {
  const opening = open(data, options)
  if ('kind' in opening) return opening
  const { first, account } = opening
  const subject = await options.find(account, first.username)
  if ('kind' in subject) return subject
  const nonce = first.nonce + (options.nonce ?? freshNonce)()
  const serverFirst = `r=${nonce},s=${subject.keys.salt},i=${subject.keys.iterations}`
  const challenged = { ...opening, subject, nonce, serverFirst }
  return {
    kind: 'challenge',
    data: Buffer.from(serverFirst),
    exchange: { respond: (final) => conclude(final, options, challenged) },
  }
}

/** The server side of SCRAM (RFC 5802, RFC 7677, XEP-0438) for one connection; it never sees the password. */
export function scramMechanism(options: ScramOptions): SaslMechanism {
  const { hash, bindings } = options
  return {
    name: scramName(hash, bindings !== undefined),
    ...(bindings === undefined
      ? {}
      : { bindings: [...bindings.keys()].filter((type) => type !== UNANNOUNCED_BINDING) }),
    start: (initial) => {
      if (initial !== undefined) return challenge(initial, options)
      // RFC 4422 §5: without an initial response the server asks for it with an empty challenge.
      const respond = (first: Uint8Array) => challenge(first, options)
      return { kind: 'challenge', data: new Uint8Array(), exchange: { respond } }
    },
  }
}
