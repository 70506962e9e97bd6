import { XmppkiError } from '../errors.ts'
import { preparePassword } from '../xmpp/sasl/scram-credentials.ts'
import { SCRAM_HASHES } from '../xmpp/sasl/scram-keys.ts'
import {
  type Credential,
  type ForeignAccount,
  type ForeignRow,
  type RefusedAccount,
  rowError,
} from './foreign-account.ts'

/** An account that can be made here, but for the keys of a password that is still one. */
export interface PreparedAccount {
  /** Of the first row about it. */
  readonly place: string
  /** Bare, normalised. */
  readonly jid: string
  readonly credential: Credential
}

export interface PreparedAccounts {
  readonly accounts: readonly PreparedAccount[]
  readonly refused: readonly RefusedAccount[]
}

/**
 * Holds rows against the rules for accounts. Several rows about one account are one, as ejabberd has them, when each adds
 * keys of another hash; a password makes all keys anew.
 * @param jidOf the bare JID of an account; throws XmppkiError when the name cannot be used
 */
export function prepareAccounts(
  rows: readonly ForeignRow[],
  jidOf: (account: ForeignAccount) => string,
): PreparedAccounts {
  const accounts = new Map<string, PreparedAccount>()
  const refused: RefusedAccount[] = []
  for (const row of rows) {
    if ('error' in row) {
      refused.push(row)
      continue
    }
    const { place, name, credential } = row
    try {
      const jid = jidOf(row)
      checkPassword(credential)
      const earlier = accounts.get(jid)
      const all = earlier === undefined ? credential : merged(jid, earlier, credential)
      accounts.set(jid, { place: earlier?.place ?? place, jid, credential: all })
    } catch (error) {
      if (!(error instanceof XmppkiError)) throw error
      refused.push({ place, name, error })
    }
  }
  return { accounts: [...accounts.values()], refused }
}

function checkPassword(credential: Credential): void {
  if (credential.kind !== 'password' || preparePassword(credential.password) !== undefined) return
  throw rowError('the password is blank, too long, or has characters that no password may have', {
    spec: 'RFC 4013 §2.3',
  })
}

function merged(jid: string, { place, credential: first }: PreparedAccount, second: Credential): Credential {
  const twice = rowError(`${jid} stands at ${place} already`)
  if (first.kind === 'none' || second.kind === 'none' || first.kind === second.kind) {
    if (first.kind !== 'keys' || second.kind !== 'keys') throw twice
    if (SCRAM_HASHES.some((hash) => first.keys[hash] !== undefined && second.keys[hash] !== undefined)) throw twice
    return { kind: 'keys', keys: { ...first.keys, ...second.keys } }
  }
  return first.kind === 'password' ? first : second
}
