import { XmppkiError } from '../../errors.ts'
import { type ErlangFile, readErlangTerms, type Term } from '../../formats/erlang-reader.ts'
import { readCfgListener } from './cfg-listener.ts'
import { expandMacros } from './erlang-macros.ts'
import {
  type AccessClause,
  different,
  type ForeignAuth,
  type ForeignConfiguration,
  type ForeignListener,
  type ForeignShaping,
  leftOut,
  OptionReader,
  type Options,
  printable,
  type Remark,
} from './foreign-options.ts'
import { plain, proplist } from './plain-term.ts'
import { sectionRemark } from './reasons.ts'

/**
 * Reads a `mongooseim.cfg` or `ejabberd.cfg` of MongooseIM up to 3.7: Erlang terms.
 * @param source how the file is called in messages
 * @throws {XmppkiError} BAD_INPUT with file, line and column
 */
export function readCfg(text: string, source: string): ForeignConfiguration {
  return new CfgReader(expandMacros(readErlangTerms(text, source))).read()
}

interface Entry {
  readonly name: string
  /** What follows the name. */
  readonly values: readonly unknown[]
  readonly term: Term
}

/** Numbers of log levels, as lager has them. */
const LOG_LEVELS = ['none', 'critical', 'error', 'warning', 'info', 'debug']

const AUTH_OPTIONS = ['auth_method', 'auth_opts', 'sasl_mechanisms', 'cyrsasl_external']

const READ = [
  'hosts',
  'host',
  'loglevel',
  'listen',
  'host_config',
  'domain_certfile',
  'shaper',
  'access',
  ...AUTH_OPTIONS,
]

class CfgReader {
  readonly #entries: readonly Entry[]
  readonly #placeOf: (term: Term) => string
  readonly #remarks: Remark[] = []

  constructor(file: ErlangFile) {
    this.#placeOf = (term) => file.placeOf(term.at)
    this.#entries = file.terms.map((term) => this.#entry(term))
  }

  read(): ForeignConfiguration {
    const [included] = this.#all('include_config_file')
    if (included !== undefined) {
      throw this.#fault(included.term, 'files that are included are not read: put the content here, or remove the line')
    }
    const top = this.#authOptions()
    const read = {
      hosts: this.#hosts(),
      loglevel: this.#loglevel(),
      c2s: this.#listeners(),
      shaping: this.#shaping(),
      auth: Object.keys(top).length === 0 ? undefined : this.#auth(top, 'the file'),
      hostAuth: this.#hostAuth(top),
      hostCertificates: this.#all('domain_certfile').map(({ values: [host, certfile], term }) => {
        if (typeof host === 'string' && typeof certfile === 'string') return { host, certfile }
        throw this.#fault(term, 'expected {domain_certfile, "example.org", "/path/to/file.pem"}')
      }),
    }
    for (const name of new Set(this.#entries.map((entry) => entry.name))) this.#aboutRest(name)
    return { ...read, remarks: this.#remarks }
  }

  #fault(term: Term, message: string): XmppkiError {
    return new XmppkiError('BAD_INPUT', `${this.#placeOf(term)}: ${message}`)
  }

  #entry(term: Term): Entry {
    if (term.kind === 'atom') return { name: term.text, values: [], term }
    const [head, ...rest] = term.kind === 'tuple' ? term.items : []
    const name = head?.kind === 'tuple' ? head.items[0] : head
    if (name?.kind !== 'atom') throw this.#fault(term, 'expected {option, Value} or an atom')
    return { name: name.text, values: rest.map(plain), term }
  }

  #all(name: string): Entry[] {
    return this.#entries.filter((entry) => entry.name === name)
  }

  /** Which of two would count is a matter of the release: nobody should have to guess. */
  #one(name: string): Entry | undefined {
    const [first, second] = this.#all(name)
    if (second !== undefined) throw this.#fault(second.term, `${name} is there twice`)
    return first
  }

  #hosts(): readonly string[] {
    const { values: [raw] = [], term } = this.#one('hosts') ?? this.#one('host') ?? {}
    if (term === undefined) return []
    const hosts = [raw].flat()
    if (hosts.every((host) => typeof host === 'string')) return hosts
    throw this.#fault(term, 'hosts must be a list of strings')
  }

  #loglevel(): string | undefined {
    const { values: [level] = [] } = this.#one('loglevel') ?? {}
    return typeof level === 'number' ? LOG_LEVELS[level] : typeof level === 'string' ? level : undefined
  }

  #listeners(): ForeignListener[] {
    const term = this.#one('listen')?.term
    if (term === undefined) return []
    const list = term.kind === 'tuple' ? term.items[1] : undefined
    if (list?.kind !== 'list') throw this.#fault(term, 'expected {listen, [{Port, Module, Options}]}')
    return list.items.flatMap((item) => this.#listener(item))
  }

  #listener(term: Term): ForeignListener[] {
    const [port, module, options = []] = term.kind === 'tuple' ? term.items.map(plain) : []
    if (typeof module !== 'string') throw this.#fault(term, 'a listener is {Port, Module, Options}')
    const isUdp = Array.isArray(port) && port.includes('udp')
    if (module === 'ejabberd_c2s' && !isUdp) {
      return [readCfgListener({ port, module, options, place: this.#placeOf(term) })]
    }
    const { reason } = sectionRemark(`listen ${module}`)
    this.#remarks.push(leftOut(`listen ${[port].flat(2)[0]} ${module}`, reason))
    return []
  }

  #shaping(): ForeignShaping {
    return {
      rates: this.#byName('shaper', (limit) => (Array.isArray(limit) && limit[0] === 'maxrate' ? limit[1] : limit)),
      rules: this.#byName('access', clausesOf),
      doubts: { shaper: 'MongooseIM to 6.0 looks for an access rule of that name, and limits nobody' },
    }
  }

  /** Values of `{Option, Name, Value}`; which of two with the same name counts is a matter of the release. */
  #byName<V>(option: string, read: (raw: unknown) => V): Map<string, V | undefined> {
    const found = new Map<string, V | undefined>()
    for (const { values } of this.#all(option)) {
      const [name, raw] = values
      if (typeof name === 'string') found.set(name, found.has(name) ? undefined : read(raw))
    }
    return found
  }

  #authOptions(): Options {
    const found = AUTH_OPTIONS.flatMap((name): [string, unknown][] => {
      const entry = this.#one(name)
      return entry === undefined ? [] : [[name, entry.values[0]]]
    })
    return Object.fromEntries(found)
  }

  #auth(raw: Options, place: string): ForeignAuth {
    const reader = new OptionReader(raw, place)
    const methods = reader.texts('auth_method') ?? ['internal']
    const mechanisms = (reader.texts('sasl_mechanisms') ?? []).map((name) => name.replace(/^cyrsasl_/, ''))
    const { cyrsasl_external, ...others } = proplist(reader.raw('auth_opts') ?? [], place)
    const choice = cyrsasl_external ?? reader.raw('cyrsasl_external')
    const sources = choice === undefined ? this.#unsaid(methods, mechanisms) : sourcesOf(choice)
    return { methods, sasl_mechanisms: mechanisms, sasl_external: sources, prefix: '', suffix: '', others }
  }

  /**
   * Releases before 3.3 took the Common Name and knew no option; later ones take an xmppAddr alone by default. `rdbms`
   * and outgoing_pools began with 3.2, `cyrsasl_scram_sha…` with 3.7.
   */
  #unsaid(methods: readonly string[], mechanisms: readonly string[]): string[] {
    const isLater =
      methods.includes('rdbms') ||
      mechanisms.some((name) => name.startsWith('scram_sha')) ||
      this.#all('outgoing_pools').length > 0 ||
      this.#namesSources()
    if (!methods.includes('pki') || isLater) return ['standard']
    const reason = 'is not set: the Common Name counts too, as in releases before 3.3; if yours is newer, remove'
    this.#remarks.push(different('cyrsasl_external', `${reason} "common_name" from sasl_external`))
    return ['standard', 'common_name']
  }

  /** Whether a host or the top says where names come from: such a file is not older than the option. */
  #namesSources(): boolean {
    return this.#all('host_config')
      .flatMap(({ values, term }) => Object.entries(proplist(values[1] ?? [], this.#placeOf(term))))
      .concat(this.#all('auth_opts').map(({ values }) => ['auth_opts', values[0]]))
      .some(([name, value]) => name === 'auth_opts' && Array.isArray(value) && value.some(isSources))
  }

  /** What `{host_config, Host, Options}` says about authentication, the rest as at the top. */
  #hostAuth(top: Options): Map<string, ForeignAuth> {
    const byHost = new Map<string, Options>()
    for (const { values, term } of this.#all('host_config')) {
      const [host, raw] = values
      if (typeof host !== 'string') throw this.#fault(term, 'expected {host_config, "example.org", Options}')
      const options = Object.entries(proplist(raw, this.#placeOf(term)))
      const auth = options.filter(([name]) => AUTH_OPTIONS.includes(name))
      const rest = options.filter(([name]) => !AUTH_OPTIONS.includes(name))
      for (const [name] of rest) this.#remarks.push(leftOut(`host_config ${host} ${name}`, sectionRemark(name).reason))
      if (auth.length > 0) byHost.set(host, { ...top, ...byHost.get(host), ...Object.fromEntries(auth) })
    }
    return new Map([...byHost].map(([host, options]) => [host, this.#auth(options, printable(`host_config ${host}`))]))
  }

  #aboutRest(name: string): void {
    if (READ.includes(name)) return
    if (name !== 'modules') {
      this.#remarks.push(sectionRemark(name))
      return
    }
    for (const { values } of this.#all('modules')) {
      const modules = [values[0]].flat(1).map((module) => [module].flat(1)[0])
      for (const module of modules) this.#remarks.push(sectionRemark(`modules.${module}`))
    }
  }
}

/** The clauses of an access rule: `[{none, admin}, {normal, all}]`. */
function clausesOf(rule: unknown): AccessClause[] | undefined {
  if (!Array.isArray(rule) || !rule.every(Array.isArray)) return undefined
  return rule.map(([value, acl]: unknown[]) => ({ acl: String(acl), value }))
}

function isSources(option: unknown): boolean {
  return Array.isArray(option) && option[0] === 'cyrsasl_external'
}

/** The ways of `{cyrsasl_external, …}`: one of the words of 3.3 to 3.6, or a list of today's. */
function sourcesOf(choice: unknown): string[] {
  if (choice === 'use_common_name') return ['standard', 'common_name']
  if (choice === 'allow_just_user_identity') return ['standard', 'auth_id']
  const sources = [choice].flat(1).map((one) => [one].flat().map(String).join(' '))
  return sources.length === 0 ? ['standard'] : sources
}
