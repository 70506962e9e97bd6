import type { Jid } from '../address/jid.ts'
import { requestedAccount } from './account-name.ts'
import { failed } from './attempt.ts'
import type { SaslFailure, SaslMechanism, SaslOutcome } from './mechanism.ts'
import { decodeUtf8 } from './utf8-message.ts'

export interface PlainOptions {
  /** The domain of the stream. */
  readonly domain: string
  /** @param account undefined when the name is none of an account: that must not show @returns why not */
  readonly check: (account: Jid | undefined, username: string, password: string) => Promise<SaslFailure | undefined>
}

/** RFC 4616 §2: the authzid may be empty, the others may not, and NUL is in none of them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what separates them
const MESSAGE = /^(?<authzid>[^\u0000]*)\u0000(?<username>[^\u0000]+)\u0000(?<password>[^\u0000]+)$/

async function check(data: Uint8Array, { domain, check }: PlainOptions): Promise<SaslOutcome> {
  const { authzid, username, password } = MESSAGE.exec(decodeUtf8(data) ?? '')?.groups ?? {}
  if (username === undefined || password === undefined) return failed('malformed-request', 'not the message of PLAIN')
  const named = requestedAccount(username, domain)
  const account = named?.isBare ? named : undefined
  const isForeign = account === undefined || !requestedAccount(authzid ?? '', domain)?.equals(account)
  if (authzid !== '' && isForeign) {
    return failed('invalid-authzid', 'the authzid is not the account of the username')
  }
  const refusal = await check(account, username, password)
  if (refusal !== undefined) return refusal
  if (account === undefined) return failed('not-authorized', 'the username is none of an account')
  return { kind: 'success', account, credential: { mechanism: 'PLAIN' } }
}

/** PLAIN (RFC 4616) for one connection, which must be encrypted. */
export function plainMechanism(options: PlainOptions): SaslMechanism {
  return {
    name: 'PLAIN',
    start: (initial) => {
      if (initial !== undefined) return check(initial, options)
      const respond = (data: Uint8Array) => check(data, options)
      return { kind: 'challenge', data: new Uint8Array(), exchange: { respond } }
    },
  }
}
