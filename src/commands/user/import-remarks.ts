import type { PreparedAccount } from '../../accounts/prepare.ts'
import { grouped } from '../../cli/progress.ts'
import { loginMethods } from '../../config/login-methods.ts'
import { SCRAM_HASHES, type ScramHash, type ScramKeySet, scramName } from '../../xmpp/sasl/scram-keys.ts'
import type { UserAccounts } from './user-accounts.ts'

type Auth = UserAccounts['auth']

/**
 * What to say about accounts that cannot log in from every client: they choose the strongest SCRAM that is offered, and few
 * try another one when it fails. Undefined: nothing.
 */
export function remarkOnKeys(accounts: readonly PreparedAccount[], auth: Auth): string | undefined {
  const keySets = accounts.flatMap(({ credential }) => (credential.kind === 'keys' ? [credential.keys] : []))
  const { passwords } = loginMethods({ ...auth, methods: ['rdbms'] })
  const lacks = (keys: ScramKeySet, hash: ScramHash) => keys[hash] === undefined
  const offered = SCRAM_HASHES.filter((hash) => [true, false].some((plus) => passwords.has(scramName(hash, plus))))
  const behind = keySets.filter((keys) => offered.some((hash) => lacks(keys, hash)))
  if (behind.length === 0) return undefined
  const missing = offered.filter((hash) => behind.some((keys) => lacks(keys, hash)))
  const common = SCRAM_HASHES.filter((hash) => !keySets.some((keys) => lacks(keys, hash)))
  const count = behind.length === 1 ? '1 account has' : `${grouped(behind.length)} accounts have`
  const text = `${count} no keys for ${missing.join(', ')}: clients that choose SCRAM with it are refused`
  return `${text}; ${adviceOn(common, auth)}`
}

function adviceOn(common: readonly ScramHash[], { sasl_mechanisms: listed, password }: Auth): string {
  if (common.length === 0) return 'set new passwords with xmppki user passwd'
  const kept = common.filter((hash) => password.hash.includes(hash))
  const used = kept.length > 0 ? kept : common
  const scram = used.toReversed().map((hash) => `scram_${hash.replace('-', '')}`)
  const others = listed.filter((name) => !name.startsWith('scram'))
  const mechanisms = [...others, ...scram.flatMap((name) => [`${name}_plus`, name])]
  const hashes = kept.length > 0 ? '' : ` and hash = ${list([...used, ...password.hash])} in [auth.password]`
  return `until all have new passwords, write sasl_mechanisms = ${list(mechanisms)} in [auth]${hashes}`
}

/** As TOML has it. */
function list(names: readonly string[]): string {
  return `[${names.map((name) => `"${name}"`).join(', ')}]`
}
