import { domain } from '../kinds.ts'
import { SCHEMA } from '../schema.ts'
import { different, type ForeignAuth, type ForeignConfiguration, leftOut, type Remark } from './foreign-options.ts'
import { hasAccounts, type PasswordPolicy, passwordPolicy } from './passwords.ts'
import { authRemarks } from './reasons.ts'

/** What logs in, and how; one for all hosts. */
export interface LoginPolicy {
  /** Why certificates do not log in; undefined when they do. */
  readonly off: string | undefined
  readonly sources: readonly string[]
  readonly prefix: string
  readonly suffix: string
  readonly passwords: PasswordPolicy
}

interface Chosen {
  readonly policy: LoginPolicy
  /** The hosts that it holds for. */
  readonly hosts: readonly string[]
  readonly remarks: readonly Remark[]
}

/** What MongooseIM calls the sources of a name. */
const SOURCES: Readonly<Record<string, string>> = { standard: 'xmpp_addr' }

/**
 * xmppki has one `[auth]`. A host with other rules is left out: serving it would let somebody in who was kept out.
 * @returns what most is known about: the policy of the file, else of the first host where certificates log in, or at
 * least passwords
 */
export function choosePolicy({ hosts, auth, hostAuth }: ForeignConfiguration): Chosen {
  const remarks: Remark[] = auth === undefined ? [] : aboutAuth(auth)
  const common = policyOf(auth, remarks)
  const served = servedHosts(hosts, remarks)
  const own = new Map([...hostAuth].map(([host, one]) => [prepared(host) ?? host, policyOf(one, remarks)]))
  for (const host of own.keys()) {
    if (!served.includes(host)) remarks.push(leftOut(`host_config ${host}`, 'the host is not served'))
  }
  const policies = served.map((host) => own.get(host) ?? common)
  const candidates = served.length === 0 ? [common] : [...policies.filter((one) => isSame(one, common)), ...policies]
  const policy = candidates.find(({ off }) => off === undefined) ?? candidates.find(letsPasswordsIn) ?? common
  const isIdle = policy.off !== undefined && !letsPasswordsIn(policy)
  const kept = served.filter((_, index) => isIdle || isSame(policies[index], policy))
  for (const [index, host] of served.entries()) {
    if (!kept.includes(host)) remarks.push(leftOut(`host ${host}`, otherRules(policies[index], policy)))
  }
  if (policy.off === undefined) remarks.push(...aboutSources(policy))
  return { policy, hosts: kept, remarks }
}

/** Whether any password logs in. */
export function letsPasswordsIn({ passwords }: LoginPolicy): boolean {
  return passwords.mechanisms.length > 0
}

function otherRules(own: LoginPolicy | undefined, chosen: LoginPolicy): string {
  const isOff = own?.off !== undefined && chosen.off === undefined
  const sources = (policy: LoginPolicy | undefined) => JSON.stringify({ ...policy, passwords: undefined })
  const what = sources(own) === sources(chosen) ? 'passwords' : 'certificates'
  const why = isOff ? `no certificate login: ${own.off}` : `${what} count otherwise there`
  return `${why}; one xmppki.toml has one [auth], so run a second one for it`
}

function isSame(one: LoginPolicy | undefined, other: LoginPolicy): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** Without those that are not domains, and none twice. */
function servedHosts(hosts: readonly string[], remarks: Remark[]): string[] {
  const served = new Set<string>()
  for (const host of hosts) {
    const checked = domain.check(host)
    if ('value' in checked) served.add(checked.value)
    else remarks.push(leftOut(`host ${host}`, checked.wrong))
  }
  return [...served]
}

/** A domain as it is compared; undefined when it is none. */
export function prepared(host: string): string | undefined {
  const checked = domain.check(host)
  return 'value' in checked ? checked.value : undefined
}

function policyOf(auth: ForeignAuth | undefined, remarks: Remark[]): LoginPolicy {
  const { fields } = SCHEMA.auth
  const { prefix = '', suffix = '' } = auth ?? {}
  const sources = new Set<string>()
  for (const name of auth?.sasl_external ?? []) {
    const source = SOURCES[name] ?? name
    if ('value' in fields.sasl_external.check([source])) sources.add(source)
    else remarks.push(leftOut(`sasl_external ${name}`, 'xmppki has no such source of names'))
  }
  const passwords = auth === undefined ? { mechanisms: [], values: {} } : passwordPolicy(auth).policy
  return { off: offReason(auth, sources), sources: [...sources], prefix, suffix, passwords }
}

function offReason(auth: ForeignAuth | undefined, sources: ReadonlySet<string>): string | undefined {
  if (auth === undefined || !auth.methods.includes('pki')) return 'pki is not among the methods of authentication'
  if (!auth.sasl_mechanisms.includes('external')) return 'external is not among sasl_mechanisms'
  return sources.size === 0 ? 'no source of names in sasl_external is known' : undefined
}

function aboutAuth(auth: ForeignAuth): Remark[] {
  const { remarks, others } = passwordPolicy(auth)
  return [
    ...auth.methods
      .filter((method) => method !== 'pki' && !hasAccounts([method]))
      .map((method) => leftOut(`auth method ${method}`, 'xmppki has its own accounts, and asks nobody else')),
    ...remarks,
    ...authRemarks('auth ', others),
  ]
}

function aboutSources({ sources }: LoginPolicy): Remark[] {
  const option = 'sasl_external'
  const remarks: Remark[] = []
  if (sources.includes('xmpp_addr') && sources.length > 1) {
    const reason = 'the first source that applies decides: an xmppAddr that does not fit is not made up for by the next'
    remarks.push(different(option, reason))
  }
  if (sources.includes('auth_id')) {
    remarks.push(different(option, '"auth_id" lets every certificate log in as any user: remove it if you can'))
  }
  return remarks
}
