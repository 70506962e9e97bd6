import { XmppkiError } from '../../errors.ts'
import { SCHEMA } from '../schema.ts'
import { tomlLiteral } from '../toml-literal.ts'
import { importListener } from './c2s-listener.ts'
import { readCfg } from './cfg.ts'
import { different, type ForeignConfiguration, leftOut, type Options, type Remark } from './foreign-options.ts'
import { choosePolicy, type LoginPolicy, letsPasswordsIn, prepared } from './policy.ts'
import { unusedShaping } from './shaping.ts'
import { readToml } from './toml.ts'

export interface ImportedConfiguration {
  /** The text of an `xmppki.toml`. */
  readonly toml: string
  /** What was left out and what means something else, each once. */
  readonly remarks: readonly Remark[]
}

/** One table of the file that is written. */
interface Section {
  readonly header: string
  readonly values: Options
}

/** An Erlang term at the top, or a comment of Erlang; TOML has neither. */
const ERLANG = /^\uFEFF?\s*(?:%|\{|[a-z]\w*\s*\.(?:\s|%|$))/

/** What MongooseIM calls the levels of its log. */
const LOG_LEVELS: Readonly<Record<string, string>> = {
  none: 'silent',
  emergency: 'error',
  alert: 'error',
  critical: 'error',
  error: 'error',
  warning: 'warn',
  notice: 'info',
  info: 'info',
  debug: 'debug',
  all: 'debug',
}

/**
 * Turns the configuration of a MongooseIM, Erlang terms or TOML, into the equal one of xmppki. Where certificates did
 * not log in they do not do so afterwards.
 * @param source how the file is called in messages
 * @throws {XmppkiError} BAD_INPUT when it is neither, or has no listener for clients
 */
export function importMongooseim(text: string, source: string): ImportedConfiguration {
  const foreign = ERLANG.test(text) ? readCfg(text, source) : readToml(text, source)
  if (foreign.c2s.length === 0) {
    throw new XmppkiError('BAD_INPUT', `${source} has no listener for clients (ejabberd_c2s, or listen.c2s)`, {
      hint: 'give the main configuration file of MongooseIM; what it includes must be put into it',
    })
  }
  const { policy, hosts, remarks } = choosePolicy(foreign)
  const all = [...remarks]
  const listeners = listenerSections(foreign, policy, all)
  const sections = [
    generalSection(foreign, hosts, all),
    ...hostSections(foreign, hosts, all),
    ...listeners,
    authSection(policy, listeners),
  ]
  if (sections.some(({ values }) => Object.entries(values).some(namesRelativeFile))) {
    all.push(different('names of files', 'relative ones count from the folder of xmppki.toml'))
  }
  all.push(...unusedShaping(foreign.c2s, foreign.shaping))
  const unique = new Map([...all, ...foreign.remarks].map((remark) => [JSON.stringify(remark), remark]))
  return { toml: render(sections, source), remarks: [...unique.values()] }
}

function namesRelativeFile([key, value]: [string, unknown]): boolean {
  return /(certfile|keyfile|crl_files)$/.test(key) && [value].flat().some((path) => !String(path).startsWith('/'))
}

function generalSection({ loglevel }: ForeignConfiguration, hosts: readonly string[], remarks: Remark[]): Section {
  if (hosts.length === 0) remarks.push(different('hosts', 'none is named: the domain of the workspace is served'))
  const level = loglevel === undefined ? undefined : LOG_LEVELS[loglevel]
  if (loglevel !== undefined && level === undefined) remarks.push(leftOut('loglevel', 'the level is unknown'))
  return {
    header: '[general]',
    values: { ...(hosts.length === 0 ? {} : { hosts }), ...(level === undefined ? {} : { loglevel: level }) },
  }
}

function hostSections(foreign: ForeignConfiguration, hosts: readonly string[], remarks: Remark[]): Section[] {
  const certificates = new Map<string, string>()
  for (const { host, certfile } of foreign.hostCertificates) {
    const name = prepared(host) ?? host
    const isGood = 'value' in SCHEMA.host_config.fields.certfile.check(certfile)
    if (hosts.includes(name) && isGood && !certificates.has(name)) certificates.set(name, certfile)
    else remarks.push(leftOut(`domain_certfile ${host}`, isGood ? 'the host is not served, or there twice' : 'no file'))
  }
  return [...certificates].map(([host, certfile]) => ({
    header: '[[host_config]]',
    // The file of the certificate holds the key as well.
    values: { host, certfile, keyfile: certfile },
  }))
}

function listenerSections({ c2s, shaping }: ForeignConfiguration, policy: LoginPolicy, remarks: Remark[]): Section[] {
  const places = new Set<string>()
  return c2s.flatMap((listener) => {
    const place = `${listener.ip_address} ${listener.port}`
    const isTaken = listener.port !== 0 && places.has(place)
    places.add(place)
    if (isTaken) {
      remarks.push(leftOut(listener.name, 'another listener has this address and port'))
      return []
    }
    const { values, remarks: more } = importListener(listener, policy, shaping)
    remarks.push(...more)
    return [{ header: '[[listen.c2s]]', values }]
  })
}

/** Says everything, defaults too: who may log in must not change with a release. */
function authSection(policy: LoginPolicy, listeners: readonly Section[]): Section {
  const { sources, prefix, suffix, passwords } = policy
  const hasPasswords = letsPasswordsIn(policy)
  // A listener where nobody logs in is for certificates, and does not ask for them.
  const isNamed = listeners.some(({ values }) => [values['allowed_auth_methods']].flat().includes('pki'))
  const hasCertificates = policy.off === undefined || !hasPasswords || isNamed
  const names = {
    ...(sources.length === 0 ? {} : { sasl_external: sources }),
    ...(prefix === '' ? {} : { 'sasl_external_common_name.prefix': prefix }),
    ...(suffix === '' ? {} : { 'sasl_external_common_name.suffix': suffix }),
  }
  const methods = [...(hasPasswords ? ['rdbms'] : []), ...(hasCertificates ? ['pki'] : [])]
  const sasl_mechanisms = [...(hasCertificates ? ['external'] : []), ...passwords.mechanisms]
  return { header: '[auth]', values: { methods, sasl_mechanisms, ...names, ...passwords.values } }
}

function render(sections: readonly Section[], source: string): string {
  const blocks = sections
    .filter(({ values }) => Object.keys(values).length > 0)
    .map(({ header, values }) => [header, ...Object.entries(values).map(pair)].join('\n'))
  return `${[`# From the configuration of MongooseIM in ${JSON.stringify(source)}.`, ...blocks].join('\n\n')}\n`
}

function pair([key, value]: [string, unknown]): string {
  return `${key} = ${tomlLiteral(value)}`
}
