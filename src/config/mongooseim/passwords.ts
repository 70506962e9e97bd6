import { loginMethods, type MECHANISMS } from '../login-methods.ts'
import { SCHEMA } from '../schema.ts'
import { isTable } from '../walk.ts'
import { different, type ForeignAuth, leftOut, type Options, type Remark } from './foreign-options.ts'

/** How passwords log in; one for all hosts. */
export interface PasswordPolicy {
  /** As `sasl_mechanisms` has them; none: no password logs in. */
  readonly mechanisms: readonly string[]
  /** What else is written into `[auth]`. */
  readonly values: Options
}

interface Read {
  readonly policy: PasswordPolicy
  readonly remarks: readonly Remark[]
  /** Options of authentication that are about something else. */
  readonly others: Options
}

/** Methods whose accounts can be brought over. */
const ACCOUNT_METHODS: readonly string[] = ['internal', 'rdbms', 'odbc']

const { sasl_mechanisms: MECHANISM_FIELD, password: PASSWORD, max_users_per_domain: MOST } = SCHEMA.auth.fields

export function hasAccounts(methods: readonly string[]): boolean {
  return methods.some((method) => ACCOUNT_METHODS.includes(method))
}

/** What becomes of the passwords that a MongooseIM takes. */
export function passwordPolicy(auth: ForeignAuth): Read {
  const remarks: Remark[] = []
  const taken = takeOptions(auth.others)
  const settings = { ...hashOf(taken, remarks), ...iterationsOf(taken, remarks), ...limitOf(taken, remarks) }
  if (taken.format === 'plain') remarks.push(different('auth password format', 'only keys of SCRAM are kept'))
  const mechanisms = mechanismsOf(auth, remarks)
  const hash = PASSWORD.fields.hash.check(settings['password.hash'] ?? ['sha', 'sha256', 'sha512'])
  const isOpen =
    'value' in hash &&
    loginMethods({ methods: ['rdbms'], sasl_mechanisms: mechanisms, password: { hash: hash.value } }).passwords.size > 0
  if (mechanisms.length > 0 && !isOpen) {
    remarks.push(leftOut('sasl_mechanisms', 'none of those for passwords is for a hash of password.hash'))
  }
  if (isOpen) remarks.push(different('accounts', 'are not in the configuration: bring them with xmppki user import'))
  return {
    policy: isOpen ? { mechanisms, values: settings } : { mechanisms: [], values: {} },
    remarks: hasAccounts(auth.methods) ? remarks : remarks.filter(({ option }) => option.startsWith('sasl mechanism')),
    others: taken.rest,
  }
}

interface Taken {
  readonly format: unknown
  readonly hash: unknown
  readonly iterations: unknown
  readonly most: unknown
  readonly rest: Options
}

/** In a table of TOML since 4.1, and one by one before; in 3.7 the hashes stand in the format. */
function takeOptions(others: Options): Taken {
  const { password, password_format, scram_iterations, max_users_per_domain, ...rest } = others
  const table = isTable(password) ? password : {}
  const [format, hash] = [table['format'] ?? password_format].flat(1)
  return {
    format,
    hash: table['hash'] ?? hash,
    iterations: table['scram_iterations'] ?? scram_iterations,
    most: max_users_per_domain,
    rest,
  }
}

function hashOf({ hash }: Taken, remarks: Remark[]): Options {
  if (hash === undefined) return {}
  const kept = [hash].flat().filter((one) => {
    const isKnown = 'value' in PASSWORD.fields.hash.check([one])
    if (!isKnown) remarks.push(leftOut(`auth password hash ${one}`, 'keys are kept for SHA-1, SHA-256 and SHA-512'))
    return isKnown
  })
  return kept.length === 0 ? {} : { 'password.hash': [...new Set(kept)] }
}

function iterationsOf({ iterations }: Taken, remarks: Remark[]): Options {
  if (iterations === undefined) return {}
  const checked = PASSWORD.fields.scram_iterations.check(iterations)
  if ('value' in checked) return { 'password.scram_iterations': checked.value }
  remarks.push(leftOut('auth scram_iterations', `${checked.wrong}; the default holds`))
  return {}
}

function limitOf({ most }: Taken, remarks: Remark[]): Options {
  if (most === undefined || most === 'infinity') return {}
  const checked = MOST.check(most)
  if ('value' in checked) return { max_users_per_domain: checked.value }
  remarks.push(leftOut('auth max_users_per_domain', `${checked.wrong}; there is no limit`))
  return {}
}

type Mechanism = (typeof MECHANISMS)[number]

function mechanismsOf({ methods, sasl_mechanisms: listed }: ForeignAuth, remarks: Remark[]): Mechanism[] {
  const isKept = hasAccounts(methods)
  if (isKept && listed.length === 0) {
    const reason = 'is not set: SCRAM is offered, and PLAIN, which was too, is not; add "plain" if a client needs it'
    remarks.push(different('sasl_mechanisms', reason))
    return ['scram']
  }
  const known = listed.flatMap((name) => knownMechanism(name, remarks)).filter((name) => name !== 'external')
  if (isKept && known.length === 0) {
    remarks.push(leftOut('auth methods with passwords', 'none of sasl_mechanisms is for passwords'))
  }
  if (isKept) return [...new Set(known)]
  const reason = 'no method of authentication here has passwords'
  remarks.push(...known.map((name) => leftOut(`sasl mechanism ${name}`, reason)))
  return []
}

function knownMechanism(name: string, remarks: Remark[]): readonly Mechanism[] {
  const checked = MECHANISM_FIELD.check([name])
  if ('value' in checked) return checked.value
  remarks.push(leftOut(`sasl mechanism ${name}`, 'xmppki does not have it'))
  return []
}
